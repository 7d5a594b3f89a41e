// Allocates GB through a live heap of 64 MB.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
)

type item struct {
	p    *item
	data []byte
}

func main() {
	gb := 2
	if len(os.Args) > 1 {
		gb, _ = strconv.Atoi(os.Args[1])
	}

	const slots = 16384
	live := make([]*item, slots) // about 4 KB each: 64 MB
	seed := uint64(1)
	var total uint64
	for total < uint64(gb)<<30 {
		seed = seed*6364136223846793005 + 1442695040888963407
		i := int(seed>>33) % slots
		n := 100 + int(seed>>40)%7800
		live[i] = &item{data: make([]byte, n)}
		live[i].data[0] = byte(n)
		live[i].data[n-1] = byte(n)
		total += uint64(n)
	}
	for _, x := range live {
		if x != nil && (x.data[0] != byte(len(x.data)) || x.data[len(x.data)-1] != byte(len(x.data))) {
			panic("corrupt")
		}
	}
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	fmt.Println("ok")
}
