package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

func main() {
	var wg sync.WaitGroup
	var n atomic.Int64
	for round := range 10 {
		wg.Add(30)
		for range 30 {
			go func() {
				defer wg.Done()
				n.Add(int64(round))
			}()
		}
		wg.Wait()
	}
	fmt.Println(n.Load())
	var waiters sync.WaitGroup
	wg.Add(1)
	for range 10 {
		waiters.Go(func() { wg.Wait() })
	}
	wg.Done()
	waiters.Wait()
	defer func() { fmt.Println(recover()) }()
	wg.Done()
}
