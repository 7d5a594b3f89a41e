// The stacks of goroutines that have ended are memory for others after a collection.
package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

func main() {
	var wg sync.WaitGroup
	gate := make(chan bool)
	for range 50000 {
		wg.Go(func() { <-gate })
	}
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	fmt.Println("more than 90 MB of stacks:", ms.StackInuse > 90<<20)
	close(gate)
	wg.Wait()
	runtime.GC()
	debug.FreeOSMemory()
	runtime.ReadMemStats(&ms)
	fmt.Println("less than 10 MB:", ms.StackInuse < 10<<20)
	big := make([]byte, 120<<20) // more than the machine has besides them
	for i := 0; i < len(big); i += 4096 {
		big[i] = 1
	}
	fmt.Println(len(big) >> 20)
}
