// A deep stack that is no longer needed: a collection shrinks it, unless GODEBUG=gcshrinkstackoff=1.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

//go:noinline
func deep(n int) int {
	var pad [128]int
	pad[n%128] = n
	if n == 0 {
		return 0
	}
	return deep(n-1) + pad[n%128] - n + 1
}

func inuse() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.StackInuse)
}

func main() {
	grown, on := make(chan int), make(chan int)
	go func() {
		grown <- deep(8000)
		<-on
		on <- deep(10)
	}()
	<-grown
	before := inuse()
	for range 20 { // each halves it
		runtime.GC()
	}
	after := inuse()
	on <- 1
	off := strings.Contains(os.Getenv("GODEBUG"), "gcshrinkstackoff=1")
	fmt.Println(<-on, off, "smaller:", after < before-(4<<20))
}
