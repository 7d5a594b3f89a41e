// The block profile knows who waited, the mutex profile who made others wait.
package main

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

//go:noinline
func recv(c chan int) { <-c }

//go:noinline
func send(c chan int) { c <- 1 }

//go:noinline
func choose(c, d chan int) {
	select {
	case <-c:
	case d <- 1:
	}
}

//go:noinline
func group(w *sync.WaitGroup) { w.Wait() }

//go:noinline
func unlock(m *sync.Mutex) { m.Unlock() }

//go:noinline
func locked(m *sync.Mutex) {
	m.Lock()
	m.Unlock()
}

//go:noinline
func cond(c *sync.Cond) {
	c.L.Lock()
	c.Wait()
	c.L.Unlock()
}

// later runs f when the caller, goroutine 1, has been waiting for a while.
func later(f func()) {
	go func() {
		for {
			all := make([]byte, 64<<10)
			_, state, _ := strings.Cut(string(all[:runtime.Stack(all, true)]), "goroutine 1 [")
			if !strings.HasPrefix(state, "running") && !strings.HasPrefix(state, "runnable") {
				break
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Millisecond)
		f()
	}()
}

func show(name string, read func([]runtime.BlockProfileRecord) (int, bool), who string) {
	n, _ := read(nil)
	recs := make([]runtime.BlockProfileRecord, n+20)
	n, ok := read(recs)
	for _, r := range recs[:n] {
		frames := runtime.CallersFrames(r.Stack())
		first, _ := frames.Next()
		second, _ := frames.Next()
		if second.Function == who {
			fmt.Println(name, first.Function, second.Function, ok, r.Count, r.Cycles > 0)
		}
	}
}

func main() {
	old := runtime.SetMutexProfileFraction(1)
	fmt.Println(old, runtime.SetMutexProfileFraction(-1))
	runtime.SetBlockProfileRate(1)
	c, d := make(chan int), make(chan int)
	later(func() { c <- 1 })
	recv(c)
	later(func() { <-c })
	send(c)
	later(func() { <-d })
	choose(c, d)
	var w sync.WaitGroup
	w.Add(1)
	later(w.Done)
	group(&w)
	var m sync.Mutex
	m.Lock()
	counted := make(chan bool)
	later(func() { unlock(&m); close(counted) })
	locked(&m)
	<-counted
	cv := sync.NewCond(&m)
	later(func() { m.Lock(); cv.Signal(); m.Unlock() })
	cond(cv)
	runtime.SetBlockProfileRate(0)
	runtime.SetMutexProfileFraction(0)
	later(func() { c <- 1 })
	recv(c)

	for _, who := range []string{"recv", "send", "choose", "group", "locked", "cond"} {
		show("block", runtime.BlockProfile, "main."+who)
	}
	show("mutex", runtime.MutexProfile, "main.unlock")
}
