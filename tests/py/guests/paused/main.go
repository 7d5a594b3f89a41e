// Checks time while its machine is stopped and continued: the clock never steps back, and sleeping
// goroutines are woken. Ends when 100 sleeps of 20 ms are over on each of
// three goroutines, beside one that reads the clock all the time.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	var stop atomic.Bool
	var back atomic.Int64
	begin := time.Now()
	last := func() time.Duration { return time.Since(begin) }
	watch := make(chan time.Duration)
	go func() {
		var longest time.Duration
		before := last()
		for !stop.Load() {
			now := last()
			if now < before {
				back.Add(1)
			}
			longest = max(longest, now-before)
			before = now
		}
		watch <- longest
	}()
	fmt.Println("ready")
	var wg sync.WaitGroup
	ticks := make(chan int, 1)
	for i := range 3 {
		wg.Go(func() {
			ticker := time.NewTicker(20 * time.Millisecond)
			defer ticker.Stop()
			for range 100 {
				switch i {
				case 0:
					time.Sleep(20 * time.Millisecond)
				case 1:
					<-ticker.C
				case 2:
					select {
					case ticks <- 1:
						<-ticks
					case <-time.After(20 * time.Millisecond):
					}
					<-time.After(20 * time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	stop.Store(true)
	<-watch
	fmt.Println("steps back:", back.Load())
}
