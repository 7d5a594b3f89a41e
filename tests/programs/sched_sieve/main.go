// The chain of filters: each prime is a goroutine.
package main

import "fmt"

func main() {
	src := make(chan int)
	go func(out chan<- int) {
		for i := 2; ; i++ {
			out <- i
		}
	}(src)
	for range 200 {
		p := <-src
		fmt.Print(p, " ")
		next := make(chan int)
		go func(in <-chan int) {
			for v := range in {
				if v%p != 0 {
					next <- v
				}
			}
		}(src)
		src = next
	}
	fmt.Println()
}
