// Panics while a goroutine on another CPU reports that it still runs, and many others wait, whose
// stacks take time to print.
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
