// The lines that GODEBUG's traces of collector, pacer and scavenger print.
package main

import (
	"runtime"
	"runtime/debug"
)

func main() {
	b := make([]byte, 64<<20)
	runtime.KeepAlive(b)
	b = nil
	runtime.GC()
	debug.FreeOSMemory()
}
