// Prints the median, in microseconds, of how late a goroutine wakes from sleeps of a millisecond,
// while another runs collections all the time.
package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

type node struct{ left, right *node }

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{tree(depth - 1), tree(depth - 1)}
}

func main() {
	live := tree(16)
	go func() {
		for {
			runtime.GC()
		}
	}()
	var late []time.Duration
	for range 200 {
		t := time.Now()
		time.Sleep(time.Millisecond)
		late = append(late, time.Since(t)-time.Millisecond)
	}
	slices.Sort(late)
	runtime.KeepAlive(live)
	fmt.Println(late[len(late)/2].Microseconds())
}
