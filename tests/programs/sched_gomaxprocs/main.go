// GOMAXPROCS goes up and down while other goroutines wake each other all the time: a processor
// that is on its way to a CPU must not be given away again.
package main

import (
	"fmt"
	"runtime"
	"sync"
)

func pingpong(n int, wg *sync.WaitGroup) {
	a, b := make(chan int), make(chan int)
	wg.Add(2)
	go func() {
		defer wg.Done()
		for i := range n {
			a <- i
			<-b
		}
	}()
	go func() {
		defer wg.Done()
		for range n {
			b <- <-a
		}
	}()
}

func main() {
	before := runtime.GOMAXPROCS(0)
	done := make(chan bool)
	var wg sync.WaitGroup
	for range 8 {
		pingpong(3000, &wg)
	}
	go func() {
		wg.Wait()
		close(done)
	}()
	changes := 0
	for running := true; running || changes < 300; changes++ {
		runtime.GOMAXPROCS(1 + changes%4)
		runtime.Gosched()
		select {
		case <-done:
			running = false
		default:
		}
	}
	runtime.GOMAXPROCS(before)
	fmt.Println("done, GOMAXPROCS as before:", runtime.GOMAXPROCS(0) == before)
}
