// What GOTRACEBACK's values show of the other goroutines.
package main

import (
	"runtime"
	"strings"
)

func other(c chan int) { <-c }

func main() {
	go other(make(chan int))
	for buf := make([]byte, 4096); !strings.Contains(string(buf[:runtime.Stack(buf, true)]), "[chan receive"); {
		runtime.Gosched()
	}
	panic("shown")
}
