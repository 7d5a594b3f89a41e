package main

import (
	"errors"
	"fmt"
	"sync"
)

func main() {
	var once sync.Once
	var wg sync.WaitGroup
	n := 0
	for range 100 {
		wg.Go(func() { once.Do(func() { n++ }) })
	}
	wg.Wait()
	fmt.Println(n)

	f := sync.OnceValues(func() (int, error) { n++; return n, errors.New("once") })
	fmt.Println(f())
	fmt.Println(f())
	p := sync.OnceFunc(func() { panic("each time") })
	for range 2 {
		func() {
			defer func() { fmt.Println(recover()) }()
			p()
		}()
	}

	var m sync.Map
	for i := range 200 {
		wg.Go(func() { m.LoadOrStore(i%50, i) })
	}
	wg.Wait()
	count := 0
	m.Range(func(k, v any) bool { count++; return v.(int)%50 == k.(int) })
	_, ok := m.LoadAndDelete(7)
	_, ok2 := m.Load(7)
	fmt.Println(count, ok, ok2)
}
