// Booted with a kernel that leaves out the write barrier of whole ranges (build/gort-nobarrier.elf):
// pointers move between two slices, and nothing else refers to what they lead to, while the
// collector marks. gccheckmark must find an object that was missed.
package main

import "runtime"

const n = 1 << 16

type node struct{ a, b uint64 }

var from, to = make([]*node, n), make([]*node, n)

func main() {
	for i := range from {
		from[i] = &node{uint64(i), ^uint64(i)}
	}
	done := make(chan bool)
	go func() {
		for i := 0; i < 300; i++ {
			runtime.GC()
		}
		close(done)
	}()
	for {
		select {
		case <-done:
			println("every object was marked")
			return
		default:
		}
		for i := 0; i < n; i += 1024 {
			copy(to[i:i+1024], from[i:i+1024])
			clear(from[i : i+1024])
		}
		from, to = to, from
	}
}
