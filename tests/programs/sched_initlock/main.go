// A goroutine locked in init stays locked in main: others run beside it, and it can give itself
// free there.
package main

import (
	"fmt"
	"runtime"
	"sync"
)

var fromInit = make(chan string, 1)

func init() {
	runtime.LockOSThread()
	go func() { fromInit <- "started in init" }()
}

func main() {
	fmt.Println(<-fromInit)
	sum := make(chan int)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			runtime.Gosched()
			sum <- i
		})
	}
	total := 0
	for range 100 {
		total += <-sum
	}
	wg.Wait()
	runtime.UnlockOSThread()
	runtime.Gosched()
	fmt.Println(total)
}
