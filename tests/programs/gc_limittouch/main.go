// Garbage goes when memory is touched, not only when it is allocated: a goroutine that fills a
// large slice, made long before, finds what dead objects held. And a limit that the program sets
// counts the slice as a whole.
package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

const mib = 1 << 20

var sink [][]byte

func garbage() {
	for range 20 {
		b := make([]byte, 8*mib)
		for i := range b {
			b[i] = 1
		}
		sink = append(sink, b)
	}
	sink = nil
}

func cycles() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumGC
}

func main() {
	debug.SetGCPercent(400)
	big := make([]byte, 330*mib)
	garbage()
	before := cycles()
	for i := 0; i < len(big); i += 4096 {
		big[i] = 1
		if i%(8*mib) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	fmt.Println("touched all; a collection meanwhile:", cycles() > before)
	debug.SetMemoryLimit(200 * mib)
	before = cycles()
	for range 50 {
		b := make([]byte, mib/2)
		b[0] = 1
	}
	fmt.Println("the limit counts it:", cycles() > before+3)
	runtime.KeepAlive(big)
}
