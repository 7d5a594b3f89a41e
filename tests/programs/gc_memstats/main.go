// Counters of MemStats and runtime/metrics never fall, and parts are never larger than the whole,
// while everything changes.
package main

import (
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func load(stop *atomic.Bool) {
	var keep [64]any
	for i := 0; !stop.Load(); i++ {
		switch i % 4 {
		case 0:
			keep[i%64] = make([]byte, 1+i%70000)
		case 1:
			keep[i%64] = make([]*int, 1+i%300)
		case 2:
			keep[i%64] = map[int]int{i: i}
		case 3:
			done := make(chan bool)
			go func() { var b [9000]byte; b[i%9000] = 1; close(done) }()
			<-done
		}
	}
}

var complaints int

func check(ok bool, what string, numbers ...any) {
	if !ok {
		complaints++
		fmt.Println(what, numbers)
	}
}

func memStats(last, m *runtime.MemStats) {
	check(m.TotalAlloc >= last.TotalAlloc, "TotalAlloc fell", last.TotalAlloc, m.TotalAlloc)
	check(m.Mallocs >= last.Mallocs, "Mallocs fell", last.Mallocs, m.Mallocs)
	check(m.Frees >= last.Frees, "Frees fell", last.Frees, m.Frees)
	check(m.HeapAlloc <= m.HeapInuse, "HeapAlloc > HeapInuse", m.HeapAlloc, m.HeapInuse)
	check(m.HeapInuse+m.HeapIdle == m.HeapSys, "HeapSys", m.HeapInuse, m.HeapIdle, m.HeapSys)
	check(m.HeapReleased <= m.HeapIdle, "HeapReleased > HeapIdle", m.HeapReleased, m.HeapIdle)
	var allocs, frees uint64
	for _, b := range m.BySize {
		check(b.Frees <= b.Mallocs, "BySize", b.Size, b.Mallocs, b.Frees)
		allocs += b.Mallocs
		frees += b.Frees
	}
	check(allocs <= m.Mallocs && frees <= m.Frees, "BySize", allocs, frees, m.Mallocs, m.Frees)
}

// sums are metrics whose parts make them up: the leaves below the same path.
var sums = []string{"/cpu/classes/", "/memory/classes/"}

func readMetrics(last map[string]float64) {
	var samples []metrics.Sample
	var cumulative []bool
	for _, d := range metrics.All() {
		if d.Kind == metrics.KindUint64 || d.Kind == metrics.KindFloat64 {
			samples = append(samples, metrics.Sample{Name: d.Name})
			cumulative = append(cumulative, d.Cumulative)
		}
	}
	metrics.Read(samples)
	parts, whole := map[string]float64{}, map[string]float64{}
	for i, s := range samples {
		v := 0.0
		if s.Value.Kind() == metrics.KindUint64 {
			v = float64(s.Value.Uint64())
		} else {
			v = s.Value.Float64()
		}
		check(!cumulative[i] || v >= last[s.Name], s.Name, "fell", last[s.Name], v)
		last[s.Name] = v
		for _, sum := range sums {
			if rest, ok := strings.CutPrefix(s.Name, sum); ok {
				if strings.HasPrefix(rest, "total:") {
					whole[sum] = v
				} else if !strings.Contains(rest, "/total:") {
					parts[sum] += v
				}
			}
		}
	}
	for _, sum := range sums {
		// Stock Go on Linux misses the sum of CPU times, by 30 ms and more on a busy host: this
		// program is not compared with it.
		check(math.Abs(parts[sum]-whole[sum]) <= 0.02, sum, parts[sum], whole[sum])
	}
}

func main() {
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { load(&stop) })
	}
	var last, m runtime.MemStats
	lastMetrics := map[string]float64{}
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && complaints < 10; {
		runtime.ReadMemStats(&m)
		memStats(&last, &m)
		last = m
		readMetrics(lastMetrics)
	}
	stop.Store(true)
	wg.Wait()
	fmt.Println("done")
}
