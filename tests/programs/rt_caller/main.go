package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

type t struct{}

func (t) method() string { return where(1) }

func where(skip int) string {
	pc, file, line, ok := runtime.Caller(skip)
	return fmt.Sprintln(runtime.FuncForPC(pc).Name(), filepath.Base(file), line, ok)
}

//go:noinline
func level(n int) []uintptr {
	if n > 0 {
		return level(n - 1)
	}
	pcs := make([]uintptr, 100)
	return pcs[:runtime.Callers(1, pcs)]
}

func inl(f func() string) string { return f() }

func main() {
	fmt.Print(where(0), where(1), t{}.method(), inl(func() string { return where(2) }))
	_, _, _, ok := runtime.Caller(100)
	fmt.Println(ok)
	frames := runtime.CallersFrames(level(5))
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") {
			fmt.Println(f.Function, filepath.Base(f.File), f.Line)
		}
		if !more {
			break
		}
	}
	defer func() {
		recover()
		for i := range 20 {
			pc, _, line, ok := runtime.Caller(i)
			if name := runtime.FuncForPC(pc).Name(); ok && strings.HasPrefix(name, "main.") {
				fmt.Println(name, line)
			}
		}
	}()
	func() {
		var p *t
		_ = *p
		panic("here")
	}()
}
