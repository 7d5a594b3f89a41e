package main

import "fmt"

type acc struct{ total int }

func (a *acc) add(n int) int { a.total += n; return a.total }
func (a acc) get() int       { return a.total }

func counter() (inc func() int, get func() int) {
	n := 0
	return func() int { n++; return n }, func() int { return n }
}

func fib() func() int {
	a, b := 0, 1
	return func() int {
		defer func() { a, b = b, a+b }()
		return a
	}
}

func compose(fs ...func(int) int) func(int) int {
	return func(x int) int {
		for _, f := range fs {
			x = f(x)
		}
		return x
	}
}

func main() {
	inc, get := counter()
	inc()
	inc()
	fmt.Println(get())
	f := fib()
	for range 20 {
		fmt.Print(f(), " ")
	}
	fmt.Println()
	var fs []func() int
	for i := range 5 {
		fs = append(fs, func() int { i *= 10; return i })
	}
	for _, f := range fs {
		fmt.Print(f(), f(), " ")
	}
	fmt.Println()
	a := &acc{}
	add := a.add
	getThen := a.get
	add(5)
	add(6)
	fmt.Println(a.total, getThen(), a.get(), (*acc).add(a, 1), acc.get(*a))
	var i interface{ add(int) int } = a
	bound := i.add
	a = &acc{1000}
	fmt.Println(bound(1), a.total)
	fmt.Println(compose(func(x int) int { return x + 1 }, func(x int) int { return x * x }, add)(6))
	var fact func(int) int
	fact = func(n int) int {
		if n < 2 {
			return 1
		}
		return n * fact(n-1)
	}
	fmt.Println(fact(20))
	fmt.Println(func(xs ...int) (s int) {
		for _, x := range xs {
			s += x
		}
		return
	}([]int{1, 2, 3}...))
}
