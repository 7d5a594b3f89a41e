// Command gostack is the subject of test_stack.c: built by the stock toolchain and run under
// ptrace, it stops at breakpoints with all kinds of frames on its stack. The test then moves
// the stack, poisons the old one and continues the program; every function checks its variables.
//
//	gostack lines   prints what Go's own runtime says about many pcs
//	gostack         runs the breakpoints
package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
)

// arena is where the test puts the stacks.
var arena [4 << 20]byte

var bad int

func check(ok bool, what string) {
	if !ok {
		bad++
		fmt.Println("FAIL", what)
	}
}

var trace []byte

// stop gives the test the stack as Go sees it, then traps. runtime.Stack comes from the same
// frame, so all frames but this one must print alike.
//
//go:noinline
func stop(name string) {
	trace = trace[:cap(trace)]
	trace = trace[:runtime.Stack(trace, false)]
	os.Stdout.WriteString("stop " + name + "\n" + string(trace) + "end\n")
	runtime.Breakpoint()
}

//go:noinline
func pointers(depth int, up *int, name string) int {
	var local [10]int
	for i := range local {
		local[i] = depth*100 + i
	}
	p := &local[3]
	s := local[2:7]
	if depth > 0 {
		got := pointers(depth-1, p, name)
		*up += got
		check(*p == depth*100+3+max(depth-2, 0), "callee's write through pointer")
		check(s[1] == *p && &s[1] == p, "slice and pointer agree")
	} else {
		stop(name)
		check(*p == 3 && s[0] == 2, "innermost locals")
	}
	return depth
}

type shape interface{ area(*float64) float64 }
type square struct{ a, b, c, d *int }

func (s square) area(f *float64) float64 {
	stop("interface")
	*f += float64(*s.a + *s.d)
	return *f
}

//go:noinline
func closures() {
	x, y := 1, 2.5
	f := func(n *int) {
		x += *n
		stop("closure")
		y *= 2
	}
	n := 41
	f(&n)
	check(x == 42 && y == 5, "captured by reference")
	a, d := 5, 6
	var sh shape = square{&a, &x, &n, &d}
	check(sh.area(&y) == 16 && y == 16, "interface call")
}

//go:noinline
func defers(k int) (sum int) {
	v := 10
	p := &v
	defer func() { sum += *p; check(&v == p, "open-coded defer") }()
	func() {
		w := 1
		for i := 0; i < k; i++ {
			defer func(q *int) { *q += *p; w++; check(w > 1, "loop defer") }(&sum)
		}
		stop("defers")
	}()
	return
}

//go:noinline
func panics() (err error) {
	local := 7
	lp := &local
	defer func() {
		r := recover()
		check(*lp == 8, "local after panic")
		err = r.(error)
	}()
	defer func() {
		x := 3
		xp := &x
		stop("panicking")
		*lp++
		check(*xp == 3, "local in deferred call")
	}()
	panic(errors.New("p"))
}

//go:noinline
func faults(q *int) (n int) {
	local := 1
	lp := &local
	defer func() {
		stop("fault")
		check(recover() != nil && *lp == 5, "fault recovered")
		n = *lp
	}()
	*lp = 5
	return *q
}

type method struct{ v *int }

func (m method) Add(a, b int) int { stop("method value"); return *m.v + a + b }

//go:noinline
func reflection() {
	base := 100
	mv := reflect.ValueOf(method{&base}).MethodByName("Add").Interface().(func(int, int) int)
	check(mv(1, 2) == 103, "method value")
	fn := reflect.MakeFunc(reflect.TypeOf(func(string, *int, float64) (string, *int) { return "", nil }),
		func(in []reflect.Value) []reflect.Value {
			stop("makefunc")
			return []reflect.Value{reflect.ValueOf(in[0].String() + "!"), in[1]}
		}).Interface().(func(string, *int, float64) (string, *int))
	s, p := fn("x", &base, 1.5)
	check(s == "x!" && p == &base, "makefunc")
}

//go:noinline
func generic[T any](x T, f func(T) string) string {
	p := &x
	stop("generic")
	return f(*p)
}

func sorting() {
	v := []int{3, 1, 2}
	first := true
	sort.Slice(v, func(i, j int) bool {
		if first {
			first = false
			stop("sort")
		}
		return v[i] < v[j]
	})
	check(v[0] == 1 && v[2] == 3, "sort.Slice")
	m := map[string]int{"a": 1, "b": 2}
	n := 0
	for k, x := range m {
		if n == 0 {
			stop("map iteration")
		}
		n += x
		_ = k
	}
	check(n == 3, "map iteration")
	r := strings.Map(func(c rune) rune {
		if c == 'b' {
			stop("strings.Map")
		}
		return c + 1
	}, "abc")
	check(r == "bcd", "strings.Map")
}

//go:noinline
func many(a, b, c, d, e, f, g, h, i, j, k int, s string, t []int, u error) int {
	stop("arguments")
	return a + k + len(s) + len(t)
}

func run() {
	n := 0
	pointers(0, &n, "leaf")
	pointers(40, &n, "deep")
	pointers(150, &n, "deeper")
	closures()
	check(defers(3) == 40, "deferred results")
	check(panics().Error() == "p", "recovered value")
	check(faults(nil) == 5, "fault")
	reflection()
	check(generic("abc", func(s string) string { return s + "d" }) == "abcd", "generic")
	sorting()
	check(many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "four", []int{1}, nil) == 17, "arguments")
}

// lines prints pc, then function, file and line of everything inlined there.
func lines() {
	lo := reflect.ValueOf(check).Pointer()
	for pc := lo &^ 0xffff; pc < lo+0x8000; pc += 5 {
		show(pc)
	}
	for pc := reflect.ValueOf(fmt.Fprintf).Pointer(); pc < lo; pc += 509 {
		show(pc)
	}
}

func show(pc uintptr) {
	f := runtime.FuncForPC(pc)
	if f == nil || f.Entry() == pc || runtime.FuncForPC(pc+1).Entry() == pc+1 {
		return // CallersFrames would take pc+1 as it is
	}
	frames := runtime.CallersFrames([]uintptr{pc + 1})
	fr, _ := frames.Next()
	fmt.Printf("%#x %s %s %d %#x\n", pc, fr.Function, fr.File, fr.Line, fr.Entry)
}

func main() {
	if len(os.Args) > 1 {
		lines()
		return
	}
	debug.SetGCPercent(-1)
	runtime.LockOSThread()
	trace = make([]byte, 1<<16)
	os.Stdout.WriteString(fmt.Sprintf("arena %p\n", &arena))
	run()
	if bad == 0 {
		fmt.Println("all good")
	}
}
