// Panics while panicking, thousands deep: how deep they are nested must not make the single one
// dearer. An argument says how many; "time" behind it: how long each form took, not only its result.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

var calls int

// again is deferred by frames whose deferred call is open-coded.
func again(n int) {
	if n > 0 {
		defer func() {
			calls++
			panic(n)
		}()
		again(n - 1)
		return
	}
	panic("innermost")
}

// listed has all its deferred calls in one frame, linked.
func listed(n int) {
	for i := range n {
		defer func() {
			calls++
			panic(i)
		}()
	}
	panic("innermost")
}

// linked has one in each of many frames, linked.
func linked(n int) {
	for range min(n, 1) {
		defer func() {
			calls++
			panic(n)
		}()
	}
	if n == 0 {
		panic("innermost")
	}
	linked(n - 1)
}

// leaving recovers a panic in every frame that a Goexit passes.
func leaving(n int) {
	if n == 0 {
		runtime.Goexit()
	}
	defer func() { recover() }()
	defer func() {
		calls++
		panic(n)
	}()
	leaving(n - 1)
}

// recovering panics anew in every frame, after it has recovered what came from further in.
func recovering(n int) {
	defer func() {
		calls++
		if r := recover(); n > 0 {
			panic(fmt.Sprint(n, " after ", r)[:1])
		}
	}()
	if n == 5 || n%2 == 1 {
		recovering(n - 1)
		return
	}
	for i := range 2 {
		defer func() { calls += i }()
	}
	if n == 0 {
		panic("innermost")
	}
	recovering(n - 1)
}

func run(f func(int), n int) (last any) {
	defer func() { last = recover() }()
	f(n)
	return nil
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	for _, form := range []struct {
		name string
		f    func(int)
	}{{"again", again}, {"listed", listed}, {"linked", linked}, {"leaving", leaving},
		{"recovering", recovering}} {
		calls = 0
		done := make(chan any, 1)
		start := time.Now()
		go func() {
			defer close(done)
			done <- run(form.f, n)
		}()
		last, ok := <-done
		took := time.Since(start)
		if len(os.Args) > 2 {
			fmt.Println(form.name, calls, took.Nanoseconds())
		} else {
			fmt.Println(form.name, calls, last, ok)
		}
	}
	if len(os.Args) == 2 {
		defer again(n) // the whole chain is printed
		panic("main's")
	}
}
