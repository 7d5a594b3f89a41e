// Writes its heap to /tmp/dump or to argv[1], through a file; then through a pipe, which must give
// a whole dump, too.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

type node struct {
	mark uint64
	next *node
	pad  [3]uint64
}

type speaker interface{ speak() string }

func (n *node) speak() string { return fmt.Sprint(n.mark) }

const (
	inGlobal = 0x1122334455667788
	onStack  = 0x2233445566778899
	dead     = 0x33445566778899aa
	watched  = 0x445566778899aabb
	big      = 0x5566778899aabbcc
)

var (
	global *node
	large  []*node
	kept   *node
	voice  speaker
)

//go:noinline
func list(mark uint64, n int) *node {
	var first *node
	for range n {
		first = &node{mark: mark, next: first}
	}
	return first
}

//go:noinline
func waits(ready chan<- bool, end <-chan bool) {
	mine := list(onStack, 50)
	ready <- true
	<-end
	runtime.KeepAlive(mine)
}

//go:noinline
func garbage() { list(dead, 1000) }

func stacks() string {
	b := make([]byte, 1<<16)
	return string(b[:runtime.Stack(b, true)])
}

func main() {
	runtime.MemProfileRate = 1
	runtime.GC() // gort samples at the new rate from a P's next spans on
	path := "/tmp/dump"
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	global = list(inGlobal, 100)
	large = make([]*node, 20000)
	for i := range large {
		if i%1000 == 0 {
			large[i] = list(big, 1)
		}
	}
	kept = list(watched, 1)
	runtime.SetFinalizer(kept, func(*node) {})
	voice = kept
	ready, end := make(chan bool), make(chan bool)
	go waits(ready, end)
	<-ready
	for !strings.Contains(stacks(), "[chan receive]:\nmain.waits(") {
		runtime.Gosched() // it may have been preempted before its receive
	}
	garbage()
	runtime.GC()
	f, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	for range 3 { // in a loop: they have records
		defer func() { recover() }()
	}
	debug.WriteHeapDump(f.Fd())
	f.Close()
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	size := make(chan int)
	go func() {
		b, _ := io.ReadAll(r)
		size <- len(b)
	}()
	if runtime.GOARCH == "amd64" && len(os.Args) == 1 {
		debug.WriteHeapDump(w.Fd())
	} else {
		fmt.Fprint(w, string(make([]byte, 2000000))) // Linux would wait for ever
	}
	w.Close()
	fmt.Println("piped:", <-size > 20000, voice.speak())
	end <- true
}
