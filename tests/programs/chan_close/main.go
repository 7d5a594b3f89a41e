// Closing a channel wakes all waiters.
package main

import (
	"fmt"
	"sync"
)

func main() {
	c := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	closed := 0
	for range 100 {
		wg.Go(func() {
			_, ok := <-c
			mu.Lock()
			if !ok {
				closed++
			}
			mu.Unlock()
		})
	}
	close(c)
	wg.Wait()
	fmt.Println(closed)

	d := make(chan int)
	for range 3 {
		wg.Go(func() {
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				fmt.Println(recover())
			}()
			d <- 1
		})
	}
	for range 1000 {
		select {
		case <-quitWhenNever:
		default:
		}
	}
	close(d)
	wg.Wait()
}

var quitWhenNever = make(chan int)
