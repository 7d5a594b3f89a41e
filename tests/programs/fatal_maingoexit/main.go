// The main goroutine leaves; the program ends when nobody else can run any more.
package main

import (
	"fmt"
	"runtime"
	"time"
)

func main() {
	go func() {
		time.Sleep(10 * time.Millisecond)
		fmt.Println("the last one")
	}()
	defer fmt.Println("deferred")
	runtime.Goexit()
}
