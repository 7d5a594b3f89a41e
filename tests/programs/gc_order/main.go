// What is attached to an object runs in order: weak pointers are cleared before its
// finalizer runs, cleanups wait until the finalizer has let it go for good, and a chain of
// finalizers runs from the outside in.
package main

import (
	"fmt"
	"runtime"
	"time"
	"weak"
)

type node struct {
	name string
	next *node
	pad  [4]uint64
}

var events = make(chan string, 100)
var saved *node

//go:noinline
func build() (weak.Pointer[node], weak.Pointer[node]) {
	inner := &node{name: "inner"}
	outer := &node{name: "outer", next: inner}
	wi, wo := weak.Make(inner), weak.Make(outer)
	for _, n := range []*node{inner, outer} {
		runtime.SetFinalizer(n, func(n *node) { events <- "finalizer of " + n.name })
	}
	runtime.AddCleanup(outer, func(s string) { events <- s }, "cleanup of outer")
	again := &node{name: "again"}
	runtime.SetFinalizer(again, func(n *node) { saved = n; events <- "saved " + n.name })
	runtime.AddCleanup(again, func(s string) { events <- s }, "cleanup of again")
	return wi, wo
}

func next() string {
	for i := 0; ; i++ {
		select {
		case e := <-events:
			return e
		case <-time.After(20 * time.Millisecond):
			if i == 200 {
				return "nothing"
			}
			runtime.GC()
		}
	}
}

func main() {
	wi, wo := build()
	fmt.Println(wi.Value() != nil, wo.Value() != nil)
	seen := map[string]int{}
	for i := 1; i <= 4; i++ {
		e := next()
		seen[e] = i
		if e == "finalizer of outer" {
			fmt.Println("weak pointer cleared before:", wo.Value() == nil)
		}
	}
	fmt.Println(seen["finalizer of outer"] < seen["finalizer of inner"],
		seen["finalizer of outer"] < seen["cleanup of outer"], seen["saved again"] > 0)
	runtime.GC()
	fmt.Println(seen["cleanup of again"], saved.name)
	saved = nil
	fmt.Println(next())
}
