// Memory that the heap no longer needs is given back gradually, without a request; the time that
// it takes, and that of marking on idle CPUs, is counted.
package main

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"time"
)

func read(name string) float64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	if s[0].Value.Kind() == metrics.KindUint64 {
		return float64(s[0].Value.Uint64())
	}
	return s[0].Value.Float64()
}

var live [][]byte

func main() {
	for range 40 {
		b := make([]byte, 2<<20)
		for i := range b {
			b[i] = 1
		}
		live = append(live, b)
	}
	live = nil
	runtime.GC()
	runtime.GC()
	released := func() float64 { return read("/memory/classes/heap/released:bytes") }
	for start := time.Now(); released() < 8<<20 && time.Since(start) < 20*time.Second; {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("released:", released() >= 8<<20)
	fmt.Println("background:", read("/cpu/classes/scavenge/background:cpu-seconds") > 0)
	fmt.Println("idle marking:", read("/cpu/classes/gc/mark/idle:cpu-seconds") > 0)
}
