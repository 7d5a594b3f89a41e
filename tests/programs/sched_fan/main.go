// Workers take jobs from one channel and answer on another.
package main

import (
	"fmt"
	"sync"
)

func collatz(n int) (steps int) {
	for n != 1 {
		if n%2 == 0 {
			n /= 2
		} else {
			n = 3*n + 1
		}
		steps++
	}
	return steps
}

func main() {
	jobs, results := make(chan int), make(chan [2]int, 16)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for n := range jobs {
				results <- [2]int{n, collatz(n)}
			}
		})
	}
	go func() {
		for i := 1; i <= 5000; i++ {
			jobs <- i
		}
		close(jobs)
		wg.Wait()
		close(results)
	}()
	best, sum := [2]int{}, 0
	for r := range results {
		sum += r[1]
		if r[1] > best[1] {
			best = r
		}
	}
	fmt.Println(best, sum)
}
