package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

func main() {
	var mu sync.RWMutex
	var wg sync.WaitGroup
	var readers, most, bad atomic.Int32
	value := 0
	for range 8 {
		wg.Go(func() {
			for range 500 {
				mu.RLock()
				r := readers.Add(1)
				for m := most.Load(); r > m && !most.CompareAndSwap(m, r); m = most.Load() {
				}
				if value%2 != 0 {
					bad.Add(1)
				}
				readers.Add(-1)
				mu.RUnlock()
			}
		})
	}
	for range 4 {
		wg.Go(func() {
			for range 200 {
				mu.Lock()
				value++
				if readers.Load() != 0 {
					bad.Add(1)
				}
				value++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	fmt.Println(value, bad.Load(), most.Load() >= 1)
	fmt.Println(mu.TryRLock(), mu.TryRLock(), mu.TryLock())
	mu.RUnlock()
	mu.RLocker().Unlock()
	fmt.Println(mu.TryLock(), mu.TryRLock())
}
