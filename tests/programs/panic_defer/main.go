// All the ways to defer: open-coded, in loops, on the heap, many, with arguments.
package main

import (
	"fmt"
	"os"
)

type t struct{ n int }

func (x t) val(s string)  { fmt.Println("val", x.n, s) }
func (x *t) ptr(s string) { fmt.Println("ptr", x.n, s) }

func open(a bool) (r int) {
	defer func() { r *= 2 }()
	if a {
		defer func() { r += 10 }()
	}
	x := t{1}
	defer x.val("copied")
	defer x.ptr("pointer")
	x.n = 2
	return 1
}

func loop(n int) (s string) {
	for i := range n {
		defer func() { s += fmt.Sprint(i) }()
	}
	return ""
}

func many() (s string) {
	defer func() { s += "a" }()
	defer func() { s += "b" }()
	defer func() { s += "c" }()
	defer func() { s += "d" }()
	defer func() { s += "e" }()
	defer func() { s += "f" }()
	defer func() { s += "g" }()
	defer func() { s += "h" }()
	defer func() { s += "i" }()
	defer func() { s += "j" }()
	return
}

func goTo() (n int) {
	i := 0
again:
	defer func(k int) { n = n*10 + k }(i)
	i++
	if i < 5 {
		goto again
	}
	return 0
}

func rangeFunc() (s string) {
	seq := func(yield func(int) bool) {
		for i := range 4 {
			if !yield(i) {
				s += "stopped"
				return
			}
		}
	}
	for i := range seq {
		defer func() { s += fmt.Sprint("d", i) }()
		if i == 2 {
			return "early "
		}
	}
	return "whole "
}

func rangeFuncPanic() (s string) {
	defer func() { s += fmt.Sprint(recover()) }()
	for i := range func(yield func(int) bool) { yield(1); yield(2) } {
		defer func() { s += fmt.Sprint("d", i, " ") }()
		if i == 2 {
			panic("boom")
		}
	}
	return
}

func big() (sum int) {
	type block [200]int
	for i := range 50 {
		var b block
		b[i] = i
		defer func(b block) { sum += b[i] }(b)
	}
	return 0
}

func nilFunc() {
	defer func() { fmt.Println(recover()) }()
	var f func()
	defer f()
	fmt.Println("before nil func")
}

func main() {
	fmt.Println(open(true), open(false))
	fmt.Println(loop(12), many(), goTo())
	fmt.Println(rangeFunc(), rangeFuncPanic(), big())
	nilFunc()
	defer os.Exit(4)
	defer fmt.Println("last words")
}
