// work counts to the first argument, and then sleeps for the second, in milliseconds.
package main

import (
	"os"
	"strconv"
	"time"
)

var sum int

//go:noinline
func spin(n int) {
	for i := range n {
		sum ^= i
	}
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	ms, _ := strconv.Atoi(os.Args[2])
	spin(n)
	time.Sleep(time.Duration(ms) * time.Millisecond)
}
