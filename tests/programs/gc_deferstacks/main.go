// Stacks grow far, with deferred calls on them whose records in the heap point into the stack,
// while the collector marks: the memory of the old stack is not the heap's again before it is done.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
)

type block struct {
	p    [5]*block
	from int
}

// down has a record on the stack and two in the heap at each level. Blocks fill what stacks free.
func down(level int, sum *int, keep *[64]*block) {
	if level == 0 {
		return
	}
	defer func() { *sum += level }()
	for i := range 2 {
		defer func() { *sum += i }()
	}
	b := &block{from: level}
	b.p[0] = keep[level%64]
	if b.p[0] != nil {
		b.p[0].p[0] = nil
	}
	keep[level%64] = b
	down(level-1, sum, keep)
}

func main() {
	rounds := 40
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	var live *block // so much that marking takes its time
	for range 100000 {
		live = &block{p: [5]*block{live}}
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			var keep [64]*block
			for i := range rounds {
				levels, sum := 200+(i*7+g)%1500, 0
				done := make(chan bool)
				go func() { // with a small stack again
					down(levels, &sum, &keep)
					close(done)
				}()
				<-done
				if sum != levels*(levels+1)/2+levels {
					fmt.Println("wrong sum in round", i)
				}
			}
		})
	}
	wg.Wait()
	runtime.KeepAlive(live)
	fmt.Println("done")
}
