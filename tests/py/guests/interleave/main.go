// Goroutines that meet on channels, in selects and at preemptions, and print the order in which
// they ran. Only preemptions depend on time.
package main

import (
	"fmt"
	"hash/fnv"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

var (
	events [1 << 20]byte
	used   atomic.Int64
)

func happened(what byte) { events[used.Add(1)-1] = what }

// spins runs for a while without a call; when it is preempted, the others print more.
func spins(id byte, rounds int) (x int) {
	for range rounds {
		happened(id)
		for i := range 100000 {
			x += i ^ x>>3
		}
	}
	return x
}

func chooses(id byte, a, b chan int, rounds int) {
	for range rounds {
		select {
		case a <- 1:
		case <-b:
			happened(id + 1)
		case b <- 1:
			happened(id + 2)
		case <-a:
			happened(id + 3)
		}
		if rounds%3 == 0 {
			runtime.Gosched()
		}
	}
}

func main() {
	rounds, _ := strconv.Atoi(os.Args[1])
	var wg sync.WaitGroup
	a, b := make(chan int, 3), make(chan int)
	for i := range 4 {
		wg.Go(func() { spins(byte('a'+i), rounds) })
	}
	for i := range 6 {
		go chooses(byte('A'+4*i), a, b, 1000) // some wait for ever in the end
	}
	wg.Wait()
	for range 100 {
		runtime.Gosched()
	}
	h := fnv.New64a()
	n := used.Load()
	h.Write(events[:n])
	turns := 0
	for i := range n - 1 {
		if events[i] != events[i+1] {
			turns++
		}
	}
	fmt.Printf("%d events, %d turns, %016x\n", n, turns, h.Sum64())
}
