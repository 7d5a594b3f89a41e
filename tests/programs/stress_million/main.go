// Goroutines by the hundred thousand (the argument says how many in all): created, parked,
// finished, in batches. What they used must be free for the next batch, and given back.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
)

const batch = 10000

func stats() runtime.MemStats {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m
}

// run has n goroutines wait at once, each with a stack that has grown if deep.
func run(n int, deep bool) int {
	var started, done sync.WaitGroup
	gate := make(chan int)
	results := make(chan int, 64)
	started.Add(n)
	for i := range n {
		done.Add(1)
		go func() {
			defer done.Done()
			started.Done()
			v := <-gate
			if deep && i%8 == 0 {
				v += use(20)
			}
			results <- v + i
		}()
	}
	started.Wait()
	close(gate)
	go func() {
		done.Wait()
		close(results)
	}()
	sum := 0
	for v := range results {
		sum += v
	}
	return sum
}

//go:noinline
func use(n int) int {
	var a [64]int
	a[n] = n
	if n == 0 {
		return 0
	}
	return use(n-1) + a[n] - n
}

func main() {
	total := 40000
	if len(os.Args) > 1 {
		total, _ = strconv.Atoi(os.Args[1])
	}
	run(batch, true)
	first := stats()
	finished := batch
	for finished < total {
		if sum := run(batch, true); sum != batch*(batch-1)/2 {
			fmt.Println("goroutines got lost: the sum is", sum)
		}
		finished += batch
	}
	last := stats()
	if last.Sys > first.Sys+128<<20 {
		fmt.Println("memory asked for grew from", first.Sys, "to", last.Sys)
	}
	if last.StackInuse > first.StackInuse+8<<20 {
		fmt.Println("stacks grew from", first.StackInuse, "to", last.StackInuse)
	}
	if last.HeapInuse > first.HeapInuse+16<<20 {
		fmt.Println("the heap grew from", first.HeapInuse, "to", last.HeapInuse)
	}
	if held := last.HeapIdle - last.HeapReleased; held > 32<<20 {
		fmt.Println("idle memory not given back:", held)
	}
	if n := runtime.NumGoroutine(); n != 1 {
		fmt.Println(n, "goroutines are left")
	}
	fmt.Println("done")
}
