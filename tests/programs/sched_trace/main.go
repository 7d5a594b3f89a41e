// Traces of the scheduler while goroutines spin on all CPUs; tests/py/test_sched.py compares their
// lines with Go's.
package main

import (
	"runtime"
	"sync"
	"time"
)

func main() {
	runtime.LockOSThread()
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) + 1 {
		wg.Go(func() {
			for t := time.Now(); time.Since(t) < 500*time.Millisecond; {
			}
		})
	}
	wg.Wait()
	time.Sleep(200 * time.Millisecond)
}
