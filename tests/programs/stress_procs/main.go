// Ps come and go while timers fire: whatever an interrupt finds of the P of its CPU, GOMAXPROCS
// may take away at the next instruction.
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

// ticker sleeps in small bits, so that timers belong to all Ps.
func ticker(stop *atomic.Bool, n *atomic.Int64) {
	for !stop.Load() {
		time.Sleep(20 * time.Microsecond)
		n.Add(1)
	}
}

// spinner makes goroutines that are ready at once.
func spinner(stop *atomic.Bool, n *atomic.Int64) {
	for !stop.Load() {
		done := make(chan int)
		go func() { done <- 1 }()
		n.Add(int64(<-done))
	}
}

func main() {
	changes := 150
	if len(os.Args) > 1 {
		changes, _ = strconv.Atoi(os.Args[1])
	}
	var stop atomic.Bool
	var ticks, spins atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { ticker(&stop, &ticks) })
		wg.Go(func() { spinner(&stop, &spins) })
	}
	before := 0
	for i := range changes {
		n := 1 + (i*7)%9
		runtime.GOMAXPROCS(n)
		if got := runtime.GOMAXPROCS(0); got != n {
			fmt.Println("GOMAXPROCS is", got, "after it was set to", n)
			before++
		}
		if i%4 == 0 {
			time.Sleep(10 * time.Microsecond)
		}
	}
	for ticks.Load() == 0 || spins.Load() == 0 { // they may not have had their turn yet
		time.Sleep(time.Millisecond)
	}
	stop.Store(true)
	wg.Wait()
	fmt.Println("changes:", changes, "wrong:", before, "ticks:", ticks.Load() > 0, "spins:", spins.Load() > 0)
}
