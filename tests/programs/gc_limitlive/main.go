// The live heap is close below the memory limit, and garbage is made all the time: the heap stays
// near the limit, on one CPU too, and the program goes on.
package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type node struct {
	l, r *node
	pad  [6]int
}

func tree(d int) *node {
	if d == 0 {
		return &node{}
	}
	return &node{l: tree(d - 1), r: tree(d - 1)}
}

func main() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(40 << 20)
	live := tree(18)
	var ms runtime.MemStats
	var peak uint64
	for range 20 {
		tree(15)
		runtime.ReadMemStats(&ms)
		peak = max(peak, ms.HeapAlloc)
	}
	fmt.Println("far above the limit:", peak > 60<<20)
	if peak > 60<<20 {
		println("peak", peak, "collections", ms.NumGC)
	}
	runtime.KeepAlive(live)
}
