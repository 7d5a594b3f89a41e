package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"unsafe"
)

func main() {
	fmt.Println(runtime.GOOS, runtime.GOARCH, runtime.Compiler, strings.HasPrefix(runtime.Version(), "go1.2"))
	fmt.Println(runtime.NumGoroutine(), runtime.NumCgoCall(), unsafe.Sizeof(uintptr(0)))
	c := make(chan bool)
	for range 10 {
		go func() { <-c }()
	}
	fmt.Println(runtime.NumGoroutine())
	close(c)
	for runtime.NumGoroutine() > 1 {
		runtime.Gosched()
	}
	fmt.Println(runtime.NumGoroutine(), runtime.GOMAXPROCS(0) > 0)
	bi, ok := debug.ReadBuildInfo()
	fmt.Println(ok, bi.Main.Path)
}
