// The main goroutine exits; the program ends when no other goroutine can run any more.
package main

import (
	"fmt"
	"runtime"
	"time"
)

func main() {
	left := make(chan bool)
	go func() {
		<-left
		time.Sleep(10 * time.Millisecond)
		fmt.Println("the last one")
	}()
	defer func() {
		fmt.Println("deferred")
		close(left)
	}()
	runtime.Goexit()
}
