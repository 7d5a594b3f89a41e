package main

import "sync"

// Two goroutines write one map until the runtime notices.
func main() {
	m := map[int]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				m[i%100]++
			}
		})
	}
	wg.Wait()
}
