// A ring of goroutines, each handing on many tokens.
package main

import "fmt"

func main() {
	const n, tokens = 100, 50
	chans := make([]chan int, n)
	for i := range chans {
		chans[i] = make(chan int, i%3)
	}
	for i := range n - 1 {
		go func() {
			for v := range chans[i] {
				chans[i+1] <- v + 1
			}
			close(chans[i+1])
		}()
	}
	go func() {
		for t := range tokens {
			chans[0] <- t * 1000
		}
		close(chans[0])
	}()
	sum, count := 0, 0
	for v := range chans[n-1] {
		sum += v
		count++
	}
	fmt.Println(count, sum)
}
