// The memory profile: with a rate of 1 every object is counted, where it was made, and what
// has been freed is no longer in use.
package main

import (
	"fmt"
	"runtime"
	"strings"
)

var keep [][]byte

//go:noinline
func small() {
	for i := 0; i < 1000; i++ {
		keep = append(keep, make([]byte, 1024))
	}
}

//go:noinline
func large() {
	for i := 0; i < 10; i++ {
		keep = append(keep, make([]byte, 1<<20))
	}
}

func find(name string) (inUse, allocated int64) {
	p := make([]runtime.MemProfileRecord, 1000)
	n, ok := runtime.MemProfile(p, true)
	if !ok {
		panic("too many records")
	}
	for _, r := range p[:n] {
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if strings.HasPrefix(f.Function, "runtime.") {
				continue
			}
			if f.Function == name && r.AllocBytes/max(r.AllocObjects, 1) == size {
				inUse += r.InUseObjects()
				allocated += r.AllocObjects
			}
			break
		}
	}
	return
}

var size int64

func main() {
	runtime.MemProfileRate = 1
	runtime.GC()
	keep = make([][]byte, 0, 2000)
	small()
	large()
	runtime.GC()
	runtime.GC()
	for _, c := range []struct {
		name string
		size int64
		n    int64
	}{{"main.small", 1024, 1000}, {"main.large", 1 << 20, 10}} {
		size = c.size
		inUse, allocated := find(c.name)
		fmt.Println(c.name, inUse == c.n, allocated == c.n)
	}
	keep = nil
	runtime.GC()
	runtime.GC()
	size = 1024
	inUse, allocated := find("main.small")
	fmt.Println("freed:", inUse == 0, allocated == 1000)
}
