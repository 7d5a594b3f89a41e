// 100,000 goroutines alive at once.
package main

import (
	"fmt"
	"runtime"
	"sync"
)

func main() {
	const n = 100000
	var wg sync.WaitGroup
	var ready sync.WaitGroup
	gate := make(chan struct{})
	var mu sync.Mutex
	sum := 0
	wg.Add(n)
	ready.Add(n)
	for i := range n {
		go func() {
			defer wg.Done()
			ready.Done()
			<-gate
			mu.Lock()
			sum += i
			mu.Unlock()
		}()
	}
	ready.Wait()
	fmt.Println(runtime.NumGoroutine())
	close(gate)
	wg.Wait()
	fmt.Println(sum)
}
