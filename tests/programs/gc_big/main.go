// One object of 512 MB that is full of pointers: clearing and marking it go on beside the
// program, in pieces; the world stops for a small part of that time only.
package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

var big []*int

func main() {
	begin := time.Now()
	big = make([]*int, 64<<20)
	clearing := time.Since(begin)
	x := new(int)
	for i := 0; i < len(big); i += 512 {
		big[i] = x
	}
	begin = time.Now()
	for range 3 {
		runtime.GC()
	}
	cycle := time.Since(begin) / 3
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	var pauses []time.Duration
	for i := range ms.NumGC {
		pauses = append(pauses, time.Duration(ms.PauseNs[i]))
	}
	slices.Sort(pauses)
	// The median: a virtual CPU that its host stops may lengthen any single pause.
	if p := pauses[len(pauses)/2]; p > cycle/4 {
		fmt.Println("cleared in", clearing, "a cycle takes", cycle, "pauses", pauses)
	} else {
		fmt.Println("ok")
	}
}
