// Work of all lengths comes and goes; the boot option conserve lets the kernel look, at every tick of
// a busy CPU, whether another sleeps although work waits. The argument says how many rounds.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

var sum atomic.Int64

func spin(n int) {
	x := int64(1)
	for i := range n {
		x = x*3 + int64(i)
	}
	sum.Add(x & 1)
}

// burst starts n goroutines of different lengths at once, from one goroutine.
func burst(n, length int) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { spin(length * (1 + i%7)) })
	}
	wg.Wait()
}

// trickle has every goroutine start the next one and go on itself.
func trickle(n, length int) {
	var wg sync.WaitGroup
	var next func(i int)
	next = func(i int) {
		defer wg.Done()
		if i < n {
			wg.Add(1)
			go next(i + 1)
		}
		spin(length)
	}
	wg.Add(1)
	next(0)
	wg.Wait()
}

// wakers lets a timer and a channel make sleepers runnable beside one that never stops.
func wakers(n int) {
	var stop atomic.Bool
	var wg, hog sync.WaitGroup
	hog.Go(func() {
		for !stop.Load() {
		}
	})
	c := make(chan bool)
	for i := range n {
		wg.Go(func() {
			time.Sleep(time.Duration(i%5) * 200 * time.Microsecond)
			spin(20000)
			<-c
			spin(20000)
		})
	}
	for range n {
		c <- true
	}
	wg.Wait()
	stop.Store(true)
	hog.Wait()
}

func main() {
	rounds := 3
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	for range rounds {
		burst(20, 500000)
		trickle(50, 200000)
		wakers(40)
		time.Sleep(5 * time.Millisecond)
	}
	fmt.Println("done")
}
