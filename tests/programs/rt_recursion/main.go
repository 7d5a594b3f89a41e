// Deep recursion: the stack is moved many times, with pointers into it.
package main

import (
	"fmt"
	"sync"
)

type link struct {
	up *link
	n  int
}

//go:noinline
func down(up *link, n int) int {
	var buf [32]int
	l := link{up, n}
	buf[n%32] = n
	if n == 0 {
		sum := 0
		for p := &l; p != nil; p = p.up {
			sum += p.n
		}
		return sum
	}
	r := down(&l, n-1)
	if l.n != n || buf[n%32] != n || l.up != up {
		panic("damaged frame")
	}
	return r
}

func main() {
	fmt.Println(down(nil, 20000))
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for i := range 50 {
		wg.Go(func() {
			r := down(nil, 1000+i)
			mu.Lock()
			total += r
			mu.Unlock()
		})
	}
	wg.Wait()
	fmt.Println(total)
}
