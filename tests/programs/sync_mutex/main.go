package main

import (
	"fmt"
	"sync"
)

func main() {
	var mu sync.Mutex
	var wg sync.WaitGroup
	n := 0
	for range 50 {
		wg.Go(func() {
			for range 2000 {
				mu.Lock()
				n++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	fmt.Println(n, mu.TryLock(), mu.TryLock())
	mu.Unlock()
	l := sync.Locker(&mu)
	l.Lock()
	go l.Unlock()
	mu.Lock()
	fmt.Println("handed over")
}
