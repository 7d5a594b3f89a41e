// Two goroutines that are locked to threads run at the same time: each waits for the other, and
// cannot be preempted (asyncpreemptoff=1).
package main

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
)

func main() {
	var here [2]atomic.Bool
	ready, start, done := make(chan bool), make(chan bool), make(chan bool)
	tids := make(chan int)
	for i := range 2 {
		go func() {
			runtime.LockOSThread()
			ready <- true
			<-start
			here[i].Store(true)
			for !here[1-i].Load() {
			}
			tids <- syscall.Gettid()
			done <- true
		}()
		<-ready
	}
	close(start)
	a, b := <-tids, <-tids
	<-done
	<-done
	fmt.Println("both, on threads of their own:", a != b)
}
