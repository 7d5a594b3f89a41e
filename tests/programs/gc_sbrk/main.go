// GODEBUG=sbrk=1: memory is never reclaimed.
package main

import (
	"fmt"
	"runtime"
)

type node struct {
	next *node
	data [100]int
}

var keep *node

func main() {
	for i := range 100000 {
		keep = &node{data: [100]int{i}}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Println(keep.data[0], "collections:", m.NumGC)
}
