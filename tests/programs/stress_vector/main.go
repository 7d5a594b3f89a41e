// The vector registers, upper halves too, across preemptions: assembly fills them with a
// pattern, a Go loop without calls is preempted, assembly compares. Several goroutines on each
// CPU with patterns of their own. The argument says how many comparisons each makes. On Linux, Go
// keeps less of AVX-512 when it preempts: lanes are lost there now and then, so it is not compared.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
)

// What the machine has: 1 AVX, 2 AVX-512.
func level() int64

// Fills Y0 to Y14 (with AVX-512: Z0 to Z14, Z16 to Z31, K1 to K7) from the 512 bits at p: each
// register gets them plus its number, in every 64-bit lane.
func fill(p *[8]uint64, level int64)

// The number of lanes that are not what fill has left there.
func differ(p *[8]uint64, level int64) int64

func worker(id, rounds int, level int64) (bad, sum int64) {
	for i := range rounds {
		var pattern [8]uint64
		for j := range pattern {
			pattern[j] = uint64(id)<<56 | uint64(j)<<48 | uint64(i)<<8
		}
		fill(&pattern, level)
		x := int64(i)
		for k := range int64(20000) { // integers only: the compiler uses no vector register
			x += k ^ x>>3
		}
		bad += differ(&pattern, level)
		sum += x
	}
	return bad, sum
}

func main() {
	rounds := 60
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	l := level()
	if l == 0 {
		fmt.Println("done") // nothing to lose
		return
	}
	var wg sync.WaitGroup
	for id := range 3 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			if bad, _ := worker(id+1, rounds, l); bad != 0 {
				fmt.Println("goroutine", id, "lost", bad, "lanes")
			}
		})
	}
	wg.Wait()
	fmt.Println("done")
}
