// speedup measures how much faster two CPUs are than one, for work that allocates and work that
// does not. Prints "BENCH speedup_NAME factor x" lines, between the lines that tests/bench/main.go
// also prints.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

type node struct{ l, r *node }

func tree(d int) *node {
	if d == 0 {
		return &node{}
	}
	return &node{tree(d - 1), tree(d - 1)}
}

func (n *node) count() int {
	if n.l == nil {
		return 1
	}
	return 1 + n.l.count() + n.r.count()
}

func compute(seed int) int {
	x := uint64(seed)
	for i := 0; i < 4_000_000; i++ {
		x = x*6364136223846793005 + 1442695040888963407
		x ^= x >> 17
	}
	return int(x)
}

func trees(int) int {
	n := 0
	for i := 0; i < 4; i++ {
		n += tree(12).count()
	}
	return n
}

// Words counted in a map.
func words(seed int) int {
	m := map[int]int{}
	for i := 0; i < 60_000; i++ {
		seed = seed*1103515245 + 12345
		m[seed>>8&1023]++
	}
	return len(m)
}

const pieces = 16

// Time of all pieces, taken from a channel by a worker per CPU.
func run(cpus int, work func(int) int) time.Duration {
	runtime.GOMAXPROCS(cpus)
	runtime.GC()
	jobs, sums := make(chan int, pieces), make(chan int, pieces)
	for i := range pieces {
		jobs <- i
	}
	close(jobs)
	start := time.Now()
	var wg sync.WaitGroup
	for range cpus {
		wg.Go(func() {
			for i := range jobs {
				sums <- work(i)
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

func main() {
	only := map[string]bool{}
	for _, a := range os.Args[1:] {
		only[a] = true
	}
	cpus, t0 := runtime.GOMAXPROCS(0), time.Now()
	fmt.Println("BENCH-START", runtime.Version(), cpus)
	for _, w := range []struct {
		name string
		work func(int) int
	}{{"compute", compute}, {"trees", trees}, {"maps", words}} {
		if len(only) > 0 && !only["speedup_"+w.name] {
			continue
		}
		best := map[int]time.Duration{}
		for range 5 {
			for _, n := range []int{1, cpus} {
				if d := run(n, w.work); best[n] == 0 || d < best[n] {
					best[n] = d
				}
			}
		}
		fmt.Printf("BENCH speedup_%s %.2f x\n", w.name, best[1].Seconds()/best[cpus].Seconds())
	}
	fmt.Println("BENCH-END", time.Since(t0).Round(time.Millisecond))
}
