// All goroutines wait, and yet it is no deadlock: a finalizer, a cleanup, a timer of any kind is
// about to wake one. The argument says how many rounds.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

type thing struct{ p *thing }

//go:noinline
func drop(c chan int) {
	runtime.SetFinalizer(&thing{}, func(*thing) { c <- 1 })
	t := &thing{}
	runtime.AddCleanup(t, func(c chan int) { c <- 2 }, c)
}

func main() {
	rounds := 30
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	sum := 0
	for range rounds {
		c := make(chan int)
		drop(c)
		for i := range 2 {
			if i == 0 {
				runtime.GC()
			}
			sum += <-c
		}
	}
	fmt.Println("finalizers and cleanups:", sum/rounds)
	for i := range rounds {
		d := time.Duration(i%10) * 20 * time.Microsecond
		c := make(chan int)
		time.AfterFunc(d, func() { close(c) })
		<-c
		<-time.After(d)
		<-time.NewTicker(d + 1).C
		time.Sleep(d)
		select {
		case <-c:
		case <-time.After(d):
		}
		stopped := time.NewTimer(time.Hour)
		stopped.Stop()
		t := time.AfterFunc(time.Hour, func() {})
		t.Reset(d)
		t2 := time.NewTimer(d)
		runtime.Gosched()
		<-t2.C
		t.Stop()
	}
	fmt.Println("done")
}
