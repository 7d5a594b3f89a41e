// Goroutines on minimum stacks that do everything while interrupts come as fast as they can
// (the boot option preemptstress): sums, calls that grow stacks, channels, allocation.
package main

import (
	"fmt"
	"sync"
)

//go:noinline
func grow(n int) int {
	var frame [16]int
	frame[n%16] = n
	if n == 0 {
		return 0
	}
	return grow(n-1) + frame[n%16]
}

type node struct {
	next *node
	v    int
}

func work(in <-chan int, out chan<- int) {
	for v := range in {
		sum := 0
		for i := range 2000 {
			sum += i ^ v
		}
		var list *node
		for i := range 20 {
			list = &node{list, i}
		}
		for n := list; n != nil; n = n.next {
			sum += n.v
		}
		f := float64(v)
		for range 100 {
			f = f*1.0000001 + 0.5
		}
		out <- sum + grow(v%30) + int(f)
	}
}

func main() {
	in, out := make(chan int), make(chan int, 8)
	var wg sync.WaitGroup
	for range 200 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			work(in, out)
		}()
	}
	go func() {
		for i := range 4000 {
			in <- i
		}
		close(in)
		wg.Wait()
		close(out)
	}()
	total, count := 0, 0
	for v := range out {
		total, count = total+v, count+1
	}
	fmt.Println(count, total)
}
