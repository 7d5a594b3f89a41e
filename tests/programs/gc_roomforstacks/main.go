// Garbage fills the memory, and then stacks need it: of many goroutines, of one that recurses, and
// of many that recurse a little.
package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

var sink []byte

// litter leaves so many MB of garbage, which nobody collects: GOGC is off.
func litter(mb int) {
	for range mb << 10 {
		sink = make([]byte, 1024)
	}
}

//go:noinline
func deep(n int) int {
	var pad [64]int
	pad[n%64] = n
	if n == 0 {
		return 0
	}
	return deep(n-1) + pad[n%64] - n + 1
}

func many(n int, f func()) {
	var wg sync.WaitGroup
	stop := make(chan bool)
	for range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			f()
			<-stop
		}()
	}
	for runtime.NumGoroutine() <= n {
		runtime.Gosched()
	}
	close(stop)
	wg.Wait()
}

func main() {
	debug.SetGCPercent(-1)
	litter(180)
	many(40_000, func() {})
	fmt.Println("40,000 goroutines")
	litter(180)
	fmt.Println("frames:", deep(100_000))
	runtime.GC()
	litter(180)
	many(2_000, func() { deep(50) })
	fmt.Println("2,000 goroutines of 50 frames")
}
