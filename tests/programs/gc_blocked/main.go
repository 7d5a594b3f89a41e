// A finalizer that hangs delays no cleanup, and tracebacks show it.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"
)

type thing struct{ a [4]int }

var hung = make(chan bool)

//go:noinline
func hang(*thing) {
	hung <- true
	select {}
}

//go:noinline
func leave(f func()) { f() }

func main() {
	leave(func() { runtime.SetFinalizer(new(thing), hang) })
	runtime.GC()
	<-hung
	done := make(chan int, 1)
	leave(func() {
		x := new(thing)
		runtime.AddCleanup(x, func(n int) { done <- n }, 7)
	})
	runtime.GC()
	select {
	case n := <-done:
		fmt.Println("cleanup ran:", n)
	case <-time.After(10 * time.Second):
		fmt.Println("the cleanup waits for the finalizer")
		os.Exit(1)
	}
	buf := make([]byte, 1<<16)
	buf = buf[:runtime.Stack(buf, true)]
	fmt.Println("in a dump:", strings.Contains(string(buf), "main.hang("))
	var profile strings.Builder
	pprof.Lookup("goroutine").WriteTo(&profile, 1)
	fmt.Println("in the profile:", strings.Contains(profile.String(), "main.hang+"))
	fmt.Println("goroutines:", runtime.NumGoroutine())
}
