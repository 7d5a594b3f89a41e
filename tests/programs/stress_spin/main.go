// A goroutine without calls spins on every CPU, and one more. Meanwhile tickers tick, forced
// collections finish, channels carry values: nobody needs the spinners' cooperation. The
// argument says how many rounds.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

var sink atomic.Int64

// Ends when *stop is set; no call, no channel, nothing that a scheduler could hook into.
func spin(stop *atomic.Bool) {
	x := int64(1)
	for !stop.Load() {
		for i := range int64(1000) {
			x = x*31 + i
		}
	}
	sink.Add(x)
}

func ticks(n int) {
	t := time.NewTicker(time.Millisecond)
	defer t.Stop()
	last := time.Now()
	for range n {
		<-t.C
		now := time.Now()
		if now.Before(last) {
			fmt.Println("time went back by", last.Sub(now))
		}
		last = now
	}
}

func traffic(n int) {
	c, back := make(chan int), make(chan int, 3)
	go func() {
		for v := range c {
			back <- v + 1
		}
		close(back)
	}()
	go func() {
		for i := range n {
			c <- i
		}
		close(c)
	}()
	sum := 0
	for v := range back {
		sum += v
	}
	if sum != n*(n+1)/2 {
		fmt.Println("channel traffic adds up to", sum)
	}
}

type node struct{ left, right *node }

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{tree(depth - 1), tree(depth - 1)}
}

func (n *node) count() int {
	if n.left == nil {
		return 1
	}
	return n.left.count() + n.right.count()
}

func main() {
	rounds := 1
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	for range rounds {
		var stop atomic.Bool
		var spinners, work sync.WaitGroup
		for range runtime.GOMAXPROCS(0) + 1 {
			spinners.Go(func() { spin(&stop) })
		}
		work.Go(func() { ticks(4) })
		work.Go(func() { traffic(12) })
		work.Go(func() {
			t := tree(8)
			for range 3 {
				runtime.GC()
			}
			if t.count() != 256 {
				fmt.Println("the tree lost nodes")
			}
		})
		work.Go(func() {
			for range 4 {
				time.Sleep(100 * time.Microsecond)
			}
		})
		work.Wait()
		stop.Store(true)
		spinners.Wait()
	}
	fmt.Println("done")
}
