// A goroutine that nothing can stop (asyncpreemptoff=1) keeps its CPU, but not the timers that are
// that CPU's: another one has nothing to do.
package main

import (
	"fmt"
	"sync/atomic"
	"time"
)

func main() {
	var fired atomic.Int32
	time.AfterFunc(5*time.Millisecond, func() { fired.Add(1) })
	for fired.Load() == 0 {
	}
	fmt.Println("a timer")

	ticks := time.NewTicker(2 * time.Millisecond)
	go func() {
		for range ticks.C {
			fired.Add(1)
		}
	}()
	for fired.Load() < 20 {
	}
	fmt.Println("a ticker")
}
