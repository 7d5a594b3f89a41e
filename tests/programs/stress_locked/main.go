// LockOSThread under load: more locked goroutines than CPUs, all of them talking, with spinners
// beside them, with GOMAXPROCS going up and down; and goroutines that end while they are locked.
// The argument says how many rounds.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A ring of goroutines, every second one locked, hands a counter round until it is used up; then
// -1 goes round once and ends them. Returns how often the counter came by the last one.
func ring(members, turns int) int {
	links := make([]chan int, members)
	for i := range links {
		links[i] = make(chan int)
	}
	var wg sync.WaitGroup
	seen := 0
	for i := range members {
		wg.Go(func() {
			if i%2 == 0 {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
			}
			last := i == members-1
			for v := range links[i] {
				if v < 0 {
					if !last {
						links[i+1] <- v
					}
					return
				}
				if last {
					seen++
					if v--; v == 0 {
						v = -1
					}
				}
				links[(i+1)%members] <- v
				runtime.Gosched()
			}
		})
	}
	links[0] <- turns
	wg.Wait()
	return seen
}

// Goroutines that end while locked: by return, by Goexit, inside a nested lock.
func enders(n int) int {
	var wg sync.WaitGroup
	var deferred atomic.Int64
	for i := range n {
		wg.Go(func() {
			defer deferred.Add(1)
			runtime.LockOSThread()
			if i%3 == 0 {
				runtime.LockOSThread()
			}
			if i%2 == 0 {
				runtime.Gosched()
			}
			if i%5 == 0 {
				runtime.Goexit()
			}
		})
	}
	wg.Wait()
	return int(deferred.Load())
}

// Locked goroutines that sleep, with spinners on all CPUs.
func sleepers(n int) {
	var stop atomic.Bool
	var spinners, wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		spinners.Go(func() {
			for !stop.Load() {
			}
		})
	}
	for range n {
		wg.Go(func() {
			runtime.LockOSThread()
			for range 3 {
				time.Sleep(50 * time.Microsecond)
			}
		})
	}
	wg.Wait()
	stop.Store(true)
	spinners.Wait()
}

// Main, locked, plays with goroutines that lock themselves elsewhere, under all numbers of Ps.
func resized(turns int) int {
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	c, back := make(chan int), make(chan int)
	for range 4 {
		go func() {
			runtime.LockOSThread()
			for v := range c {
				runtime.Gosched()
				back <- v
			}
		}()
	}
	sum := 0
	for i := range turns {
		runtime.GOMAXPROCS(1 + i%(2*old))
		for range 8 {
			select {
			case c <- 1:
			case v := <-back:
				sum += v
			}
		}
	}
	close(c)
	for runtime.NumGoroutine() > 1 {
		select {
		case v := <-back:
			sum += v
		case <-time.After(time.Millisecond):
		}
	}
	return sum
}

func main() {
	rounds := 1
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	for range rounds {
		if n := ring(9, 40); n != 40 {
			fmt.Println("ring:", n)
		}
		if n := enders(60); n != 60 {
			fmt.Println("enders:", n)
		}
		sleepers(3 * runtime.GOMAXPROCS(0))
		resized(30)
	}
	runtime.LockOSThread()
	for range rounds {
		if n := ring(5, 40); n != 40 {
			fmt.Println("ring:", n)
		}
		resized(30)
	}
	if n := runtime.NumGoroutine(); n != 1 {
		fmt.Println(n, "goroutines are left")
	}
	fmt.Println("done")
}
