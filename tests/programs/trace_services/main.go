// GOTRACEBACK=system shows the kernel's own goroutines too, which are C. The boot option forcegc
// makes one of them collect, so that it has run.
package main

import "runtime"

func main() {
	var m runtime.MemStats
	runtime.GC() // without one before there is none that is due
	for m.NumGC < 2 {
		runtime.Gosched()
		runtime.ReadMemStats(&m)
	}
	runtime.GC() // stops the world: whoever collected before is in none of its calls any more
	panic("shown with all")
}
