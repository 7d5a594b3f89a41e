// Many goroutines select over the same channels, in both directions.
package main

import (
	"fmt"
	"sync"
)

func main() {
	a, b, quit := make(chan int), make(chan int), make(chan bool)
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := 0
	for range 20 {
		wg.Go(func() {
			for {
				select {
				case v := <-a:
					mu.Lock()
					got += v
					mu.Unlock()
				case v := <-b:
					mu.Lock()
					got += v
					mu.Unlock()
				case <-quit:
					return
				}
			}
		})
	}
	var senders sync.WaitGroup
	for range 10 {
		senders.Go(func() {
			for i := range 500 {
				select {
				case a <- i:
				case b <- i:
				}
			}
		})
	}
	senders.Wait()
	close(quit)
	wg.Wait()
	fmt.Println(got)
}
