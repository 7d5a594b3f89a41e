// Finalizers, cleanups, weak pointers, unique handles, pools and the knobs of runtime/debug.
package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sort"
	"sync"
	"time"
	"unique"
	"weak"
)

type T struct {
	id   int
	link *T
	pad  [100]byte
}

var mu sync.Mutex
var got []string

func note(f string, a ...any) {
	mu.Lock()
	got = append(got, fmt.Sprintf(f, a...))
	mu.Unlock()
}

// flush collects until some rounds have brought nothing more.
func flush(title string) {
	for quiet, last := 0, 0; quiet < 5; {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		n := len(got)
		mu.Unlock()
		if quiet++; n != last {
			quiet, last = 0, n
		}
	}
	mu.Lock()
	sort.Strings(got)
	fmt.Println(title, got)
	got = nil
	mu.Unlock()
}

var saved *T
var global T

type iface interface{ M() }

func (t *T) M() {}

//go:noinline
func finalizers() {
	for i := 0; i < 5; i++ {
		t := &T{id: i}
		runtime.SetFinalizer(t, func(t *T) { note("fin %d", t.id) })
	}
	a, b := &T{id: 10}, &T{id: 11}
	a.link = b
	runtime.SetFinalizer(a, func(t *T) { note("fin %d->%d", t.id, t.link.id) })
	runtime.SetFinalizer(b, func(t *T) { note("fin %d", t.id) })
	r := &T{id: 20}
	runtime.SetFinalizer(r, func(t *T) { saved = t; note("saved %d", t.id) })
	n := &T{id: 30}
	runtime.SetFinalizer(n, func(t *T) { note("never") })
	runtime.SetFinalizer(n, nil)
	i := &T{id: 40}
	runtime.SetFinalizer(i, func(x iface) int { note("iface %d", x.(*T).id); return 1 })
	e := &T{id: 41}
	runtime.SetFinalizer(e, func(x any) (a, b string) { note("any %d", x.(*T).id); return "a", "b" })
	tiny := new(int32)
	*tiny = 7
	runtime.SetFinalizer(&T{id: 50}, (*T).fin)
	runtime.SetFinalizer(&global, func(*T) { note("global!") })
}
func (t *T) fin() { note("method %d", t.id) }

//go:noinline
func cleanups() {
	for i := 0; i < 5; i++ {
		runtime.AddCleanup(&T{id: i}, func(n int) { note("cleanup %d", n) }, i)
	}
	t := &T{}
	c := runtime.AddCleanup(t, func(n int) { note("stopped?") }, 0)
	runtime.AddCleanup(t, func(s string) { note("second %s", s) }, "x")
	c.Stop()
	runtime.KeepAlive(t)
}

//go:noinline
func weaks() (weak.Pointer[T], weak.Pointer[T], *T, weak.Pointer[T]) {
	a, b := &T{id: 1}, &T{id: 2}
	wa, wb := weak.Make(a), weak.Make(b)
	if weak.Make(a) != wa || wa.Value() != a || wa == wb {
		fmt.Println("weak broken")
	}
	g := weak.Make(&global)
	if g != weak.Make(&global) {
		fmt.Println("global weak broken")
	}
	return wa, wb, b, g
}

func main() {
	finalizers()
	flush("1")
	if saved == nil || saved.id != 20 {
		fmt.Println("not saved")
	}
	saved = nil
	flush("2")
	cleanups()
	flush("3")
	wa, wb, b, g := weaks()
	flush("4")
	fmt.Println(wa.Value() == nil, wb.Value() == b, g.Value() == &global)
	runtime.KeepAlive(b)

	h1 := unique.Make("hello" + fmt.Sprint(1))
	h2 := unique.Make("hello1")
	fmt.Println(h1 == h2, h1.Value())
	for i := 0; i < 1000; i++ {
		unique.Make(fmt.Sprint("u", i))
	}
	flush("5")

	p := sync.Pool{New: func() any { return "new" }}
	p.Put("old")
	runtime.GC()
	runtime.GC()
	runtime.GC()
	fmt.Println(p.Get())

	fmt.Println(debug.SetGCPercent(50), debug.SetGCPercent(100), debug.SetGCPercent(-1), debug.SetGCPercent(100))
	fmt.Println(debug.SetMemoryLimit(-1), debug.SetMemoryLimit(1<<30), debug.SetMemoryLimit(-1))
	var st debug.GCStats
	debug.ReadGCStats(&st)
	fmt.Println(st.NumGC > 10, len(st.Pause) > 10, st.PauseTotal > 0, time.Since(st.LastGC) < time.Minute)
	debug.FreeOSMemory()
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	fmt.Println(ms.NumForcedGC > 10, ms.HeapReleased > 0, ms.PauseNs[(ms.NumGC+255)%256] > 0)
	// big objects
	big := make([]*T, 1<<20)
	big[1<<20-1] = &T{id: 77}
	big[1<<17] = &T{id: 78}
	runtime.GC()
	fmt.Println(big[1<<20-1].id, big[1<<17].id)
	defer func() { fmt.Println(recover()) }()
	x := 1 << 40
	_ = make([]int, x*1024)
}
