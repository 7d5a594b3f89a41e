package main

import (
	"fmt"
	"sync"
)

func main() {
	p := sync.Pool{New: func() any { return make([]byte, 0, 100) }}
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for i := range 20 {
		wg.Go(func() {
			for range 200 {
				b := p.Get().([]byte)[:0]
				b = fmt.Appendf(b, "%d", i)
				mu.Lock()
				total += len(b)
				mu.Unlock()
				p.Put(b)
			}
		})
	}
	wg.Wait()
	fmt.Println(total)
	var q sync.Pool
	fmt.Println(q.Get())
}
