// A leak grows slowly past the memory limit. The collector may not take all CPU time for that:
// the program goes on, with half of the CPU time at least, until there is no memory at all.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
)

type cell struct {
	next *cell
	data [4000]byte
}

// share returns CPU seconds, without those of idle CPUs.
func share() (gc, total float64) {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"},
		{Name: "/cpu/classes/gc/mark/idle:cpu-seconds"}}
	metrics.Read(s)
	idle := s[3].Value.Float64()
	return s[0].Value.Float64() - idle, s[1].Value.Float64() - s[2].Value.Float64() - idle
}

var garbage []byte

func main() {
	const limit = 48 << 20
	debug.SetMemoryLimit(limit)
	var leak *cell
	var gc0, all0 float64
	for n := 0; ; n++ {
		leak = &cell{next: leak}
		for range 20 {
			garbage = make([]byte, 1000)
		}
		switch n * 4096 {
		case limit:
			fmt.Println("at the limit")
			gc0, all0 = share()
		case limit * 2:
			gc, all := share()
			fmt.Println("past it")
			if len(os.Args) > 1 {
				fmt.Println("more than half of the time spent on collection:", (gc-gc0) > 0.5*(all-all0))
			}
			println("gc share", int(100*(gc-gc0)/(all-all0)), "%")
		}
	}
}
