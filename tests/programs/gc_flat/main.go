// Allocation without end at 50 MB live: the memory taken from the machine stays flat. The
// argument is the number of seconds.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

type item struct {
	next *item
	data []byte
}

func main() {
	seconds := 4
	if len(os.Args) > 1 {
		seconds, _ = strconv.Atoi(os.Args[1])
	}
	var live [12800]*item // about 4 KB each
	var ms runtime.MemStats
	begin, seed := time.Now(), uint64(1)
	early, cycles := uint64(0), uint32(0)
	for i := 0; ; i++ {
		seed = seed*6364136223846793005 + 1442695040888963407
		k := int(seed>>33) % len(live)
		live[k] = &item{next: live[(k+1)%len(live)], data: make([]byte, 64+int(seed>>40)%7900)}
		live[k].next.cut()
		if i%4096 != 0 {
			continue
		}
		runtime.ReadMemStats(&ms)
		if early == 0 && i > 8*len(live) && ms.NumGC >= 4 {
			early, cycles = ms.Sys-ms.HeapReleased, ms.NumGC
		}
		if time.Since(begin) > time.Duration(seconds)*time.Second && early != 0 && ms.NumGC > cycles+4 {
			break
		}
	}
	if late := ms.Sys - ms.HeapReleased; late > early+early/4 {
		fmt.Printf("%d MB in use after %d cycles, %d MB after %d\n", early>>20, cycles, late>>20, ms.NumGC)
	} else {
		fmt.Println("flat")
	}
	runtime.KeepAlive(live)
}

// cut keeps the chains from growing over what is live.
func (x *item) cut() {
	if x != nil {
		x.next = nil
	}
}
