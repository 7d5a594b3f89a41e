// Pointers into a growing stack held by closures, defers, channels and interfaces.
package main

import (
	"errors"
	"fmt"
)

//go:noinline
func grow(n int) (r int) {
	var pad [100]byte
	pad[n%100] = 1
	if n > 0 {
		r = grow(n - 1)
	}
	return r + int(pad[n%100])
}

type big struct {
	a    [50]int
	self *big
}

func main() {
	c := make(chan int)
	done := make(chan string)
	go func() {
		x := 1
		p := &x
		f := func() int { *p++; return x }
		defer func() { done <- fmt.Sprint("deferred ", x, *p, recover()) }()
		var b big
		b.self = &b
		b.a[49] = 5
		e := error(errors.New("kept"))
		s := b.a[10:]
		m := map[*int]string{p: "by address"}
		_ = m
		fmt.Println(f(), grow(1000), f(), *p, x, b.self == &b, b.self.a[49], e, len(s), &s[39] == &b.a[49])
		select {
		case v := <-c:
			*p = v
		}
		fmt.Println(x, grow(5000), x)
		var q *int
		*p += *q
	}()
	c <- 40
	fmt.Println(<-done)

	// A receiver waits with the address of its variable while its stack is a small one.
	var recv [64]chan [20]int
	sum := make(chan int)
	for i := range recv {
		recv[i] = make(chan [20]int)
		go func() {
			var v [20]int
			v = <-recv[i]
			g := grow(i * 10)
			sum <- v[19] + g
		}()
	}
	total := 0
	for i := range recv {
		recv[i] <- [20]int{19: i}
		total += <-sum
	}
	fmt.Println(total)
}
