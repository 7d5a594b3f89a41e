// Deferred calls whose records lie in the heap (defers in a loop) and on the stack in turn, under
// collections and moves of the stack: all of them run, in order, with what they captured.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

type note struct {
	level int
	prev  *note
}

var garbage atomic.Pointer[[4096]byte]

// nest leaves its notes behind while it returns: 3 per level, the newest level's first.
func nest(level int, last **note) {
	if level == 0 {
		garbage.Store(new([4096]byte))
		return
	}
	own := &note{level: -level}
	switch level % 3 {
	case 0:
		for range 3 {
			n := &note{level: level}
			defer func() { n.prev, *last = *last, n }()
		}
	case 1:
		defer func() { *last = &note{level, *last} }()
		defer func() { *last = &note{level, *last} }()
		defer func() { *last = &note{level, *last} }()
	default:
		for range 2 {
			defer func() { *last = &note{-own.level, *last} }()
		}
		defer func() { *last = &note{-own.level, *last} }()
	}
	nest(level-1, last)
	if own.level != -level {
		panic("lost")
	}
}

func right(levels int) bool {
	var last *note
	nest(levels, &last)
	for level := levels; level > 0; level-- {
		for range 3 {
			if last == nil || last.level != level {
				return false
			}
			last = last.prev
		}
	}
	return last == nil
}

func main() {
	rounds := 1500
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	var wg sync.WaitGroup
	for g := range 2 {
		wg.Go(func() {
			for i := range rounds {
				if !right(5 + (i+g)%40) {
					fmt.Println("wrong in round", i)
					return
				}
			}
		})
	}
	wg.Wait()
	fmt.Println("done")
}
