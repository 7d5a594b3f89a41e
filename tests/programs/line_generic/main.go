// Features of a module of Go 1.27: methods with type parameters in tracebacks and in names of
// functions, nil panics, labels that tracebacks show by default.
package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
)

type list[T any] struct{ items []T }

//go:noinline
func (l *list[T]) mapped[U any](f func(T) U) (out []U) {
	for _, x := range l.items {
		out = append(out, f(x))
	}
	return out
}

type plain struct{}

//go:noinline
func (plain) only[U any](f func() U) U { return f() }

func name() string {
	pc, _, _, _ := runtime.Caller(2)
	return runtime.FuncForPC(pc).Name()
}

func nilPanic() {
	defer func() {
		err := recover().(error)
		fmt.Println(err)
	}()
	panic(nil)
}

func main() {
	l := &list[int]{items: []int{1, 2, 3}}
	fmt.Println(l.mapped(func(x int) string { return fmt.Sprint(x*x, name()) }))
	fmt.Println(plain{}.only(func() string { return name() }))
	nilPanic()
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("step", "last")))
	l.mapped(func(x int) map[string][]int { return plain{}.only(func() map[string][]int { panic("inside") }) })
}
