// What scripts/history measures: each of the four parts prints lines "HISTORY name value", times in
// nanoseconds of the machine's clock.
//
//	gcpause MB [LIMIT]   pauses of collections with that much alive; LIMIT: SetMemoryLimit, in MB
//	runqueue             goroutines that hand a token on, and goroutines that are made and end
//	lateness MS          a timer of 1 ms beside a loop of so many milliseconds without calls
//	stackgrow FRAMES     a recursion's first descent on a new stack, and its second
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"
)

func out(name string, value int64) { fmt.Println("HISTORY", name, value) }

func number(i int) int {
	if i >= len(os.Args) {
		return 0
	}
	n, err := strconv.Atoi(os.Args[i])
	if err != nil || n < 0 {
		fmt.Fprintln(os.Stderr, "history:", os.Args[i], "is no number")
		os.Exit(2)
	}
	return n
}

// ---- pauses ------------------------------------------------------------------------------

const recordSize = 2 << 10

// A record of a store: found by its number, linked with another, with contents that hold no
// pointers.
type record struct {
	next *record
	key  [2]uint64
	data []byte
}

var store []*record

func newRecord(i int) *record {
	return &record{next: store[(i*7919+1)%len(store)], key: [2]uint64{uint64(i)},
		data: make([]byte, recordSize)}
}

// gcpause fills a store of so many MB, and replaces its records, the oldest first, until there have
// been five collections. A link that is followed would keep all that was: it is cut.
func gcpause(megabytes, limit int) {
	const cycles = 5
	debug.SetGCPercent(-1)
	store = make([]*record, megabytes<<20/(recordSize+64))
	for i := range store {
		store[i] = newRecord(i)
	}
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	if limit > 0 {
		debug.SetMemoryLimit(int64(limit) << 20)
	} else {
		debug.SetGCPercent(100)
	}
	for i := 0; ; i++ {
		at := i % len(store)
		r := newRecord(i)
		store[at].next = nil
		store[at] = r
		if i%1024 == 0 {
			if runtime.ReadMemStats(&now); now.NumGC >= before.NumGC+cycles {
				break
			}
		}
	}
	for n := before.NumGC; n < before.NumGC+cycles; n++ {
		out("pause", int64(now.PauseNs[n%256]))
	}
	out("live", int64(len(store)*(recordSize+64)))
	out("heap", int64(now.HeapSys-now.HeapReleased))
}

// ---- run queues --------------------------------------------------------------------------

// ring: goroutines in rings hand tokens on, so that on each CPU there is always one to run next.
func ring(rings, size, rounds int) {
	var wg sync.WaitGroup
	t := time.Now()
	for range rings {
		first := make(chan int)
		from := first
		for i := range size {
			to := make(chan int)
			if i == size-1 {
				to = first
			}
			wg.Add(1)
			go func(from, to chan int, last bool) {
				defer wg.Done()
				for range rounds - 1 {
					to <- <-from
				}
				n := <-from
				if !last {
					to <- n
				}
			}(from, to, i == size-1)
			from = to
		}
		first <- 1
	}
	wg.Wait()
	out("handoff", time.Since(t).Nanoseconds()/int64(rings*size*rounds))
}

// spawn: a tree of goroutines, each of which makes two and waits for them.
func spawn(depth int) {
	var node func(d int, done *sync.WaitGroup)
	node = func(d int, done *sync.WaitGroup) {
		if d > 0 {
			var wg sync.WaitGroup
			wg.Add(2)
			go node(d-1, &wg)
			go node(d-1, &wg)
			wg.Wait()
		}
		done.Done()
	}
	var wg sync.WaitGroup
	wg.Add(1)
	t := time.Now()
	node(depth, &wg)
	wg.Wait()
	out("spawn", time.Since(t).Nanoseconds()/int64(2<<depth-2))
}

func runqueue() {
	ring(16, 16, 10)
	spawn(8)
	for range 3 {
		ring(16, 16, 200)
		spawn(14)
	}
}

// ---- a timer beside a loop ---------------------------------------------------------------

var sink int

//go:noinline
func loop(n int) {
	x := sink
	for range n {
		x += x ^ 1
	}
	sink = x
}

func lateness(milliseconds int) {
	runtime.GOMAXPROCS(1)
	n := 1_000_000
	for { // how many turns are so many milliseconds?
		t := time.Now()
		loop(n)
		if d := time.Since(t); d > 20*time.Millisecond {
			n = int(float64(n) * float64(milliseconds) * 1e6 / float64(d))
			break
		}
		n *= 2
	}
	for range 5 {
		late := make(chan time.Duration)
		go func() {
			t := time.Now()
			time.Sleep(time.Millisecond)
			late <- time.Since(t) - time.Millisecond
		}()
		runtime.Gosched() // it sleeps by now
		t := time.Now()
		loop(n)
		looped := time.Since(t)
		out("late", int64(<-late))
		out("loop", int64(looped))
	}
}

// ---- stacks ------------------------------------------------------------------------------

//go:noinline
func small(n int) int {
	if n == 0 {
		return 0
	}
	return small(n-1) + 1
}

//go:noinline
func large(n int) int {
	var a [30]int
	a[n%len(a)] = n
	if n == 0 {
		return a[n%3]
	}
	return large(n-1) + a[n%7]
}

// descent: the way down and back, twice on the same goroutine; only the first finds the stack too
// small.
func descent(name string, f func(int) int, frames int) {
	done := make(chan bool)
	go func() {
		for _, which := range []string{"first", "again"} {
			t := time.Now()
			sink += f(frames)
			out(name+"_"+which, time.Since(t).Nanoseconds())
		}
		done <- true
	}()
	<-done
}

func stackgrow(frames int) {
	debug.SetGCPercent(-1) // a collection would shrink stacks
	descent("warm", small, frames)
	descent("warm", large, frames)
	for range 5 {
		descent("small", small, frames)
		descent("large", large, frames)
	}
}

func main() {
	part := ""
	if len(os.Args) > 1 {
		part = os.Args[1]
	}
	switch part {
	case "gcpause":
		gcpause(max(number(2), 1), number(3))
	case "runqueue":
		runqueue()
	case "lateness":
		lateness(number(2))
	case "stackgrow":
		stackgrow(number(2))
	default:
		fmt.Fprintln(os.Stderr, "history: gcpause, runqueue, lateness or stackgrow")
		os.Exit(2)
	}
}
