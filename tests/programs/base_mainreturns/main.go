// main's return ends the program whatever other goroutines do.
package main

import (
	"fmt"
	"runtime"
)

func main() {
	for range 8 {
		go func() {
			for {
				runtime.Gosched()
			}
		}()
	}
	runtime.Gosched()
	fmt.Println("main returns")
}
