// Metrics of where a collection scans and what CPUs do: their sums must be plausible.
package main

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"time"
)

var globals [4 << 20]*int // 32 MB
var live [][]*int

func read(names ...string) (v []float64) {
	s := make([]metrics.Sample, len(names))
	for i, n := range names {
		s[i].Name = n
	}
	metrics.Read(s)
	for _, x := range s {
		if x.Value.Kind() == metrics.KindUint64 {
			v = append(v, float64(x.Value.Uint64()))
		} else {
			v = append(v, x.Value.Float64())
		}
	}
	return
}

func show(when string) {
	runtime.GC()
	v := read("/gc/scan/globals:bytes", "/gc/scan/stack:bytes", "/gc/scan/heap:bytes", "/gc/scan/total:bytes")
	fmt.Println(when, "globals about 32 MB:", v[0] > 32e6 && v[0] < 36e6, "stacks above 500 KB:", v[1] > 5e5,
		"heap above 8 MB:", v[2] > 8e6, "total is the sum:", v[3] == v[0]+v[1]+v[2])
}

func spin(d time.Duration) {
	for t := time.Now(); time.Since(t) < d; {
		live[0] = make([]*int, 1000)
	}
}

func main() {
	live = append(live, nil)
	show("start:")
	stop := make(chan bool)
	for range 5000 {
		go func() { <-stop }()
	}
	for read("/sched/goroutines/waiting:goroutines")[0] < 5000 {
		runtime.Gosched()
	}
	show("parked:")
	close(stop)
	for runtime.NumGoroutine() > 1 {
		time.Sleep(time.Millisecond)
	}
	for range 8 {
		live = append(live, make([]*int, 1<<17))
	}
	show("heap:")

	names := []string{"/cpu/classes/user:cpu-seconds", "/cpu/classes/idle:cpu-seconds",
		"/cpu/classes/gc/total:cpu-seconds", "/cpu/classes/total:cpu-seconds"}
	last, falls := read(names...), 0
	for i := range 60 {
		if i%3 == 0 {
			time.Sleep(5 * time.Millisecond)
		} else {
			spin(5 * time.Millisecond)
		}
		now := read(names...)
		for k := range now {
			if now[k] < last[k] {
				falls++
			}
		}
		last = now
	}
	fmt.Println("times that a sum fell:", falls)
}
