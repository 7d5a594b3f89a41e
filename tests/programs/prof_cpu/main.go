// CPU profiles: Go code, allocation, C behind a gate, a growing stack and labels are found.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/pprof"
	"time"
)

//go:noinline
func hog(n int) (s int) {
	for i := 0; i < n; i++ {
		s += i * i
	}
	return
}

type node struct{ l, r *node }

//go:noinline
func alloc(n int) *node {
	if n == 0 {
		return &node{}
	}
	return &node{alloc(n - 1), alloc(n - 1)}
}

//go:noinline
func clock() (t time.Time) {
	for i := 0; i < 1000; i++ {
		t = time.Now()
	}
	return
}

//go:noinline
func deep(n int) byte {
	var buf [64 << 10]byte
	if n > 0 {
		buf[n] = deep(n - 1)
	}
	return buf[n]
}

//go:noinline
func grow() {
	done := make(chan byte)
	go func() { done <- deep(30) }()
	<-done
}

func profile(f func()) string {
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		panic(err)
	}
	f()
	pprof.StopCPUProfile()
	z, err := gzip.NewReader(&b)
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// found profiles f until all names are in the profile's table of strings.
func found(what string, f func(), names ...string) {
	for round := 1; round <= 8; round++ {
		p := profile(func() {
			for t := time.Now(); time.Since(t) < time.Duration(round)*150*time.Millisecond; {
				f()
			}
		})
		missing := 0
		for _, n := range names {
			if !bytes.Contains([]byte(p), []byte(n)) {
				missing++
			}
		}
		if missing == 0 {
			fmt.Println(what, "found")
			return
		}
	}
	fmt.Println(what, "not found")
}

func main() {
	found("Go code", func() { hog(10000) }, "main.hog", "main.found", "nanoseconds")
	found("allocation", func() { alloc(8) }, "main.alloc")
	found("calls of the runtime", func() { clock() }, "main.clock")
	found("stack growth", grow, "main.deep", "runtime.newstack")
	found("label", func() {
		pprof.Do(context.Background(), pprof.Labels("colour", "green"), func(context.Context) {
			runtime.GC()
			hog(5000000)
		})
	}, "main.hog", "colour", "green")

	pprof.StartCPUProfile(io.Discard)
	fmt.Println(pprof.StartCPUProfile(io.Discard))
	pprof.StopCPUProfile()
	pprof.StopCPUProfile()
}
