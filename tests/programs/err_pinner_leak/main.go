// A Pinner that is dropped while it holds objects of the heap ends the program; one that was
// unpinned, that holds variables of the program, or none, does not.
package main

import (
	"fmt"
	"runtime"
	"time"
)

type object struct{ a, b int }

var global object

//go:noinline
func unpinned(n int) {
	var p runtime.Pinner
	for range n {
		p.Pin(new(object))
	}
	p.Unpin()
	p.Unpin()
}

//go:noinline
func noObjects() {
	var p runtime.Pinner
	p.Pin(&global)
	p.Pin((*object)(nil))
}

//go:noinline
func leak(p *runtime.Pinner) { p.Pin(&object{1, 2}) }

func collect() {
	for range 3 {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
}

func main() {
	for n := range 40 {
		unpinned(n)
	}
	noObjects()
	collect()
	fmt.Println("none leaked")

	kept := new(runtime.Pinner)
	leak(kept)
	collect()
	fmt.Println("kept")
	kept.Unpin()

	leak(new(runtime.Pinner))
	collect()
	time.Sleep(time.Hour)
	fmt.Println("not reached")
}
