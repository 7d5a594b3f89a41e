package main

import "fmt"

func main() {
	c := make(chan int, 3)
	fmt.Println(len(c), cap(c), c != nil)
	c <- 1
	c <- 2
	fmt.Println(len(c), <-c, len(c))
	c <- 3
	c <- 4
	close(c)
	for v := range c {
		fmt.Print(v, " ")
	}
	v, ok := <-c
	fmt.Println(v, ok)

	type big struct {
		a [100]int
		s string
	}
	b := make(chan big)
	go func() { b <- big{[100]int{99: 7}, "big"} }()
	x := <-b
	fmt.Println(x.a[99], x.s)

	e := make(chan struct{}, 2)
	e <- struct{}{}
	fmt.Println(len(e), <-e)

	cc := make(chan chan string, 1)
	go func() { (<-cc) <- "through a channel of a channel" }()
	s := make(chan string)
	cc <- s
	fmt.Println(<-s)

	var ro <-chan int = c
	var so chan<- int = c
	fmt.Println(ro == c, len(so), cap(so))
	f := make(chan func() int, 1)
	f <- func() int { return 9 }
	fmt.Println((<-f)())
}
