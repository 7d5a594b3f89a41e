// On one CPU, a goroutine that was runnable before runtime.GC has run when it returns: also if there
// was nothing left to sweep.
package main

import (
	"fmt"
	"runtime"
)

func main() {
	runtime.GOMAXPROCS(1)
	ran := 0
	for range 20 {
		ready := make(chan bool)
		go func() {
			ready <- true
			runtime.Gosched() // main goes first
			ran++
		}()
		<-ready
		runtime.GC()
	}
	fmt.Println(ran)
}
