// 10,000 goroutines hand a token on through 10,000 channels.
package main

import "fmt"

func main() {
	const n = 10000
	first := make(chan int)
	in := first
	for range n {
		out := make(chan int)
		go func(in <-chan int) { out <- 1 + <-in }(in)
		in = out
	}
	first <- 0
	fmt.Println(<-in)
}
