// Goroutines that grow their stacks, come back and park on a channel, in a select, on a
// mutex or asleep, with the value to be sent or filled in on that stack; collections shrink the
// stacks at that very moment. The argument says how many rounds each makes.
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

type packet struct {
	id, turn int
	pad      [6]int
	self     *int
}

//go:noinline
func deep(n int) int {
	var a [40]int
	a[n%40] = n
	if n == 0 {
		return 0
	}
	return deep(n-1) + a[n%40] - n
}

func check(p *packet, id, turn int) {
	if p.id != id || p.turn != turn || p.pad[5] != id^turn || *p.self != turn {
		fmt.Println("packet damaged:", p.id, p.turn, "wanted", id, turn)
	}
}

func echo(in <-chan packet, out chan<- packet, quit <-chan bool) {
	for turn := 0; ; turn++ {
		deep(60 + turn%40)
		var p packet // in this frame: the sender writes into it while we are parked
		select {
		case p = <-in:
		case <-quit:
			return
		}
		select {
		case out <- p:
		case <-quit:
			return
		}
	}
}

func client(id, rounds int) {
	in, out, quit := make(chan packet), make(chan packet), make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() { echo(in, out, quit) })
	var mu sync.Mutex
	for turn := range rounds {
		deep(30 + turn%70)
		onStack := turn
		p := packet{id: id, turn: turn, self: &onStack}
		p.pad[5] = id ^ turn
		in <- p
		deep(50)
		q := <-out
		check(&q, id, turn)
		switch turn % 8 {
		case 1:
			time.Sleep(20 * time.Microsecond)
		case 3:
			mu.Lock()
			wg.Go(func() { mu.Unlock() })
			mu.Lock()
			mu.Unlock()
		}
		if onStack != turn {
			fmt.Println("stack variable damaged")
		}
	}
	close(quit)
	wg.Wait()
}

func main() {
	rounds := 60
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	var over atomic.Bool
	var clients, collector sync.WaitGroup
	collector.Go(func() {
		for !over.Load() {
			runtime.GC()
		}
	})
	for id := range 12 {
		clients.Go(func() { client(id, rounds) })
	}
	clients.Wait()
	over.Store(true)
	collector.Wait()
	fmt.Println("done")
}
