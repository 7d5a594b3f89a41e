// Gosched lets others run, on one P.
package main

import (
	"fmt"
	"runtime"
	"sync"
)

func main() {
	fmt.Println(runtime.GOMAXPROCS(1) > 0, runtime.GOMAXPROCS(0))
	done := make(chan bool)
	var mu sync.Mutex
	var order []int
	for i := range 3 {
		go func() {
			for range 3 {
				mu.Lock() // a tick may come at any instruction, with one P too
				order = append(order, i)
				mu.Unlock()
				runtime.Gosched()
			}
			done <- true
		}()
	}
	for range 3 {
		<-done
	}
	count := map[int]int{}
	for _, v := range order {
		count[v]++
	}
	fmt.Println(len(order), count)
	runtime.GOMAXPROCS(4)
	fmt.Println(runtime.GOMAXPROCS(0))
	runtime.GOMAXPROCS(2)
	fmt.Println(runtime.GOMAXPROCS(-5), runtime.NumCPU() >= 1)
}
