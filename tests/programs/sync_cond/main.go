package main

import (
	"fmt"
	"sync"
)

func main() {
	var mu sync.Mutex
	c := sync.NewCond(&mu)
	var queue []int
	sum := 0
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			for {
				mu.Lock()
				for len(queue) == 0 {
					c.Wait()
				}
				v := queue[0]
				queue = queue[1:]
				if v >= 0 {
					sum += v
				}
				mu.Unlock()
				if v < 0 {
					return
				}
			}
		})
	}
	for i := range 1000 {
		mu.Lock()
		queue = append(queue, i)
		mu.Unlock()
		c.Signal()
	}
	mu.Lock()
	queue = append(queue, -1, -1, -1, -1, -1)
	mu.Unlock()
	c.Broadcast()
	wg.Wait()
	fmt.Println(sum, len(queue))
}
