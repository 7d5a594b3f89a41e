// A Pinner that dies with something pinned is a mistake that is told of; one that has let go is none.
package main

import (
	"runtime"
	"time"
)

//go:noinline
func pinned(unpin bool) {
	var p runtime.Pinner
	p.Pin(new(int))
	p.Pin(new(string))
	if unpin {
		p.Unpin()
	}
}

func main() {
	pinned(true)
	for range 3 {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
	println("those that were unpinned are no fault")
	pinned(false)
	for range 100 {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
	println("not noticed")
}
