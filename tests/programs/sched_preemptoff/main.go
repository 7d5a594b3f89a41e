// With asyncpreemptoff=1 a loop without calls keeps its P to the end, for many time slices:
// main, which has yielded to it, runs after it.
package main

import (
	"fmt"
	"runtime"
	"sync/atomic"
)

func main() {
	runtime.GOMAXPROCS(1)
	var begun, ended, back atomic.Bool
	end := make(chan bool, 1)
	go func() {
		begun.Store(true)
		for i := 0; i < 100_000_000 && !back.Load(); i++ {
		}
		ended.Store(true)
		end <- true
	}()
	for !begun.Load() {
		runtime.Gosched()
	}
	fmt.Println("the loop had ended before main ran again:", ended.Load())
	back.Store(true)
	<-end
}
