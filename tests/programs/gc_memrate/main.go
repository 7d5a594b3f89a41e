// Sampling rates at the end of their range: next to nothing is sampled.
package main

import (
	"fmt"
	"math"
	"runtime"
)

func init() { runtime.MemProfileRate = math.MaxInt64 }

var keep [][]byte

//go:noinline
func fill() {
	for range 20000 {
		keep = append(keep, make([]byte, 1024))
	}
	for range 200 {
		keep = append(keep, make([]byte, 100<<10))
	}
}

func main() {
	fill()
	runtime.GC()
	runtime.GC()
	var records [1000]runtime.MemProfileRecord
	n, ok := runtime.MemProfile(records[:], true)
	var objects int64
	for _, r := range records[:n] {
		objects += r.AllocObjects
	}
	fmt.Println(ok, objects < 10, len(keep))
	old := runtime.SetMutexProfileFraction(math.MaxInt64)
	fmt.Println(old, runtime.SetMutexProfileFraction(0) == math.MaxInt64)
}
