package main

import (
	"fmt"
	"runtime"
	"sync"
)

func main() {
	runtime.LockOSThread()
	runtime.LockOSThread()
	c := make(chan int)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			runtime.LockOSThread()
			if i%2 == 0 {
				defer runtime.UnlockOSThread()
			}
			for range 100 {
				c <- i
				runtime.Gosched()
			}
		})
	}
	sum := 0
	for range 400 {
		sum += <-c
	}
	wg.Wait()
	runtime.UnlockOSThread()
	runtime.UnlockOSThread()
	fmt.Println(sum)
}
