// On one P a loop without calls ends only when main, which has yielded to it, runs again: so
// somebody has to take the P away from it.
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
		for !back.Load() {
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
