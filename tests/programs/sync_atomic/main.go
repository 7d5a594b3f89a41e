package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

type pair struct{ a, b int }

func main() {
	var wg sync.WaitGroup
	var i32 atomic.Int32
	var u64 atomic.Uint64
	var flag atomic.Bool
	var ptr atomic.Pointer[pair]
	var val atomic.Value
	var old int64
	ptr.Store(&pair{})
	winners := atomic.Int32{}
	for i := range 40 {
		wg.Go(func() {
			for range 500 {
				i32.Add(1)
				u64.Add(3)
				atomic.AddInt64(&old, -1)
				for {
					p := ptr.Load()
					if ptr.CompareAndSwap(p, &pair{p.a + 1, p.b + 2}) {
						break
					}
				}
			}
			if !flag.Swap(true) {
				winners.Add(1)
			}
			val.Store(i)
		})
	}
	wg.Wait()
	p := ptr.Load()
	fmt.Println(i32.Load(), u64.Load(), atomic.LoadInt64(&old), *p, winners.Load())
	_, isInt := val.Load().(int)
	fmt.Println(isInt, u64.Or(1<<40) == 60000, u64.And(0xff), u64.Load())
	defer func() { fmt.Println(recover()) }()
	val.Store("another type")
}
