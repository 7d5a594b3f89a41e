// A program that does not allocate any more gets a collection when the last one is old: here
// after 100 ms, in place of two minutes, by a boot option.
package main

import (
	"fmt"
	"runtime"
	"time"
)

type thing struct{ next *thing }

func drop(done chan bool) {
	x := &thing{}
	runtime.SetFinalizer(x, func(*thing) { done <- true })
}

func main() {
	done := make(chan bool)
	runtime.GC() // without one before there is none that is due
	drop(done)
	select {
	case <-done:
		fmt.Println("finalized")
	case <-time.After(20 * time.Second):
		fmt.Println("not finalized")
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Println("asked for:", m.NumForcedGC)
}
