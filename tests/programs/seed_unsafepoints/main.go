package main

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

func main() {
	var mu sync.Mutex
	var data [100]int

	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		mu.Lock()
		defer mu.Unlock()
		for i := range data {
			data[i] = i
		}
	}()

	wg.Wait()
	fmt.Printf("Data size: %d, unsafe.Sizeof(int): %d\n",
		len(data), unsafe.Sizeof(data[0]))
	_ = runtime.Version()
}
