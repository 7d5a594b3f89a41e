// Frames behind freed objects go back and come again all the time, while CPUs fall idle and wake:
// no object may be seen in a frame that it no longer has. Argument: milliseconds.
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

type chunk struct {
	id   uint64
	data []uint64
}

var bad atomic.Int64

func newChunk() chunk {
	c := chunk{rand.Uint64(), make([]uint64, 64+rand.IntN(4000))}
	for i, v := range c.data {
		if v != 0 {
			bad.Add(1)
		}
		c.data[i] = c.id + uint64(i)
	}
	return c
}

func (c chunk) check() {
	for i, v := range c.data {
		if v != c.id+uint64(i) {
			bad.Add(1)
		}
	}
}

func work(end time.Time) {
	var held []chunk
	for time.Now().Before(end) {
		held = append(held, newChunk())
		if len(held) > 120 {
			k := rand.IntN(len(held))
			held[k].check()
			held[k] = held[len(held)-1]
			held = held[:len(held)-1]
		}
		if rand.IntN(8) == 0 {
			time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
		}
	}
	for _, c := range held {
		c.check()
	}
}

func main() {
	ms := 1000
	if len(os.Args) > 1 {
		ms, _ = strconv.Atoi(os.Args[1])
	}
	debug.SetMemoryLimit(40 << 20)
	end := time.Now().Add(time.Duration(ms) * time.Millisecond)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { work(end) })
	}
	go func() {
		for {
			debug.FreeOSMemory()
			time.Sleep(time.Millisecond)
		}
	}()
	wg.Wait()
	fmt.Println(bad.Load(), "words wrong")
}
