// GOGC=off with a memory limit: the limit alone paces the collector, and is kept; then it is
// lowered while the program allocates. (Linux on a busy machine passes the lower one now and then.)
package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

var live [][]byte

// held returns the memory that the limit counts.
func held() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}

func churn(limit int64, bytes int) (worst int64) {
	for n, i := 0, 0; n < bytes; i++ {
		size := 1000 + i%7*3000
		live[i%len(live)] = make([]byte, size)
		n += size
		if i%2000 == 0 {
			worst = max(worst, held())
		}
	}
	return
}

func main() {
	var before, after runtime.MemStats
	live = make([][]byte, 1000)
	runtime.ReadMemStats(&before)
	for _, mb := range []int64{64, 32} {
		limit := mb << 20
		debug.SetMemoryLimit(limit)
		churn(limit, 100<<20) // lets the pacer settle
		worst := churn(limit, 300<<20)
		if worst > limit+24<<20 { // Linux itself takes a while after a lower limit
			fmt.Println("limit", limit, "but held", worst)
		}
	}
	runtime.ReadMemStats(&after)
	n := after.NumGC - before.NumGC
	fmt.Println("collected:", n > 5, "too often:", n > 500)
}
