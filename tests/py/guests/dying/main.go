// Panics while a goroutine on another CPU tells that it lives, and many wait whose stacks take
// their time to be shown.
package main

import (
	"os"
	"time"
)

func main() {
	for range 300 {
		go func() { select {} }()
	}
	ready := make(chan bool)
	go func() {
		ready <- true
		for {
			os.Stderr.WriteString("alive\n")
			for t := time.Now(); time.Since(t) < time.Millisecond; {
			}
		}
	}()
	<-ready
	time.Sleep(10 * time.Millisecond)
	panic("end")
}
