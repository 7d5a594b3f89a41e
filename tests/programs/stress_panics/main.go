// Nested panics, recovers and Goexit in many goroutines at once, while stacks move: each tells
// in which order its deferred calls ran and what they recovered. The argument says how many
// rounds.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

type log struct{ strings.Builder }

func (l *log) say(format string, args ...any) { fmt.Fprintf(l, format+"; ", args...) }

//go:noinline
func grow(n int) int {
	var a [64]byte
	if n == 0 {
		return 0
	}
	return grow(n-1) + int(a[n%64])
}

// A panic in a deferred call replaces the first; recover ends both.
func replaced(l *log) {
	defer func() { l.say("recovered %v", recover()) }()
	defer func() {
		grow(50)
		panic("second")
	}()
	panic("first")
}

// recover in a call that the deferred one makes is worth nothing; in the deferred one it is.
func tooDeep(l *log) {
	defer func() { l.say("outer %v", recover()) }()
	defer func() { func() { l.say("inner %v", recover()) }() }()
	panic("deep")
}

// A panic that is raised and recovered inside a deferred call leaves the outer one alone.
func inside(l *log) {
	defer func() { l.say("outer %v", recover()) }()
	defer func() {
		defer func() { l.say("nested %v", recover()) }()
		panic("nested")
	}()
	panic("outer")
}

// Recursion: each level recovers, panics again one level up.
func levels(l *log, n int) {
	defer func() {
		if r := recover(); r != nil && n%3 != 0 {
			panic(fmt.Sprint(r, n))
		} else {
			l.say("level %d: %v", n, r)
		}
	}()
	if n == 7 {
		panic("bottom")
	}
	levels(l, n+1)
}

// Goexit runs the deferred calls; a panic among them that is recovered does not stop it.
func exits(l *log) {
	defer l.say("last")
	defer func() {
		l.say("recovered %v", recover())
		grow(60)
	}()
	defer func() { panic("during Goexit") }()
	defer func() { l.say("nothing: %v", recover()) }()
	runtime.Goexit()
}

// Goexit in a deferred call of a panic ends the goroutine, and the panic with it.
func exitsPanicking(l *log) {
	defer func() { l.say("nothing is left: %v", recover()) }()
	defer runtime.Goexit()
	panic("forgotten")
}

// Deferred calls in a loop, of which every second panics.
func loop(l *log) {
	defer func() { l.say("end %v", recover()) }()
	for i := range 6 {
		defer func() {
			r := recover()
			l.say("%d:%v", i, r)
			if i%2 == 0 {
				panic(i)
			}
		}()
	}
}

// Conditional defers, results that a deferred call changes after a recover.
func result(l *log, n int) (v int) {
	if n > 1 {
		defer func() { v += n }()
	}
	defer func() {
		if recover() != nil {
			v = 10
		}
	}()
	if n > 2 {
		defer func() { v *= 2 }()
	}
	var p *int
	return *p // a fault is a panic like others
}

// Runtime errors of several kinds, and re-panicking an error.
func faults(l *log, zero int, s []int) {
	for _, f := range []func(){
		func() { _ = 1 / zero },
		func() { _ = s[5] },
		func() { _ = any(zero).(string) },
		func() { var m map[int]int; m[1] = 1 },
	} {
		func() {
			defer func() { l.say("%v", recover()) }()
			defer func() {
				r := recover()
				grow(40)
				panic(r)
			}()
			f()
		}()
	}
}

func scenario(f func(*log)) string {
	l := new(log)
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		f(l)
		l.say("returned")
	}()
	wg.Wait()
	return l.String()
}

func main() {
	rounds := 1
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	scenarios := []func(*log){replaced, tooDeep, inside, func(l *log) { levels(l, 0) }, exits,
		exitsPanicking, loop, func(l *log) { l.say("%d %d %d", result(l, 1), result(l, 2), result(l, 3)) },
		func(l *log) { faults(l, 0, make([]int, 3)) }}
	want := make([]string, len(scenarios))
	for i, f := range scenarios {
		want[i] = scenario(f)
		fmt.Println(want[i])
	}
	for range rounds {
		var wg sync.WaitGroup
		for range 8 {
			for i, f := range scenarios {
				wg.Go(func() {
					for range 4 {
						if got := scenario(f); got != want[i] {
							fmt.Println("scenario", i, "differs:", got)
						}
					}
				})
			}
		}
		runtime.GC()
		wg.Wait()
	}
	fmt.Println("done")
}
