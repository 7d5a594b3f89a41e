// The profile goroutineleak: goroutines that wait for unreachable objects, and others.
package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"time"
)

var (
	global     = make(chan int)
	globalMu   sync.Mutex
	globalCond = sync.NewCond(&globalMu)
	kept       any
)

//go:noinline
func leakRecv() { <-make(chan int) }

//go:noinline
func leakSend() { make(chan int) <- 1 }

//go:noinline
func leakSelect() {
	select {
	case <-make(chan int):
	case make(chan string) <- "":
	}
}

//go:noinline
func leakNil() { var c chan int; <-c }

//go:noinline
func leakNilSend() { var c chan int; c <- 1 }

//go:noinline
func leakEmptySelect() { select {} }

//go:noinline
func leakMutex() {
	mu := new(struct {
		sync.Mutex
		self *int // the mutex has its own block of memory, then
	})
	mu.Lock()
	mu.Lock()
}

//go:noinline
func leakRLock() { mu := new(sync.RWMutex); mu.Lock(); mu.RLock() }

//go:noinline
func leakWLock() { mu := new(sync.RWMutex); mu.RLock(); mu.Lock() }

//go:noinline
func leakWait() { wg := new(sync.WaitGroup); wg.Add(1); wg.Wait() }

//go:noinline
func leakCond() { c := sync.NewCond(new(sync.Mutex)); c.L.Lock(); c.Wait() }

// Two that wait for each other.
//
//go:noinline
func leakPair() {
	a, b := make(chan int), make(chan int)
	go leakPairOther(a, b)
	<-a
	b <- 1
}

//go:noinline
func leakPairOther(a, b chan int) { <-b; a <- 1 }

//go:noinline
func waitsGlobal() { <-global }

//go:noinline
func waitsGlobalCond() { globalMu.Lock(); globalCond.Wait(); globalMu.Unlock() }

//go:noinline
func waitsTimer() { <-time.After(time.Hour) }

//go:noinline
func waitsSleep() { time.Sleep(time.Hour) }

// A chain: a goroutine that can run, as it waits for a global, holds the channel that the next one
// waits for, which holds the channel of the next.
//
//go:noinline
func waitsChain(n int, in chan int) {
	out := make(chan int)
	if n > 0 {
		go waitsChain(n-1, out)
	}
	if n == 9 {
		<-global
	} else {
		<-in
	}
	close(out)
}

//go:noinline
func waitsMixed(c chan int) {
	select {
	case <-make(chan int):
	case <-c:
	}
}

// settle returns when no other goroutine can run.
func settle() {
	can := regexp.MustCompile(`(?m)^goroutine \d+ .*\[(running|runnable)`)
	for buf := make([]byte, 1<<20); len(can.FindAllString(string(buf[:runtime.Stack(buf, true)]), 2)) > 1; {
		runtime.Gosched()
	}
}

func report() {
	var b bytes.Buffer
	p := pprof.Lookup("goroutineleak")
	if err := p.WriteTo(&b, 2); err != nil {
		fmt.Println(err)
	}
	var found []string
	for _, g := range strings.Split(b.String(), "\n\n") {
		head := regexp.MustCompile(`\[.*leaked.*\]`).FindString(g)
		who := regexp.MustCompile(`main\.((?:leak|waits)\w+)`).FindStringSubmatch(g)
		if head != "" && who != nil {
			found = append(found, who[1]+" "+head)
		}
	}
	slices.Sort(found)
	fmt.Println(p.Count(), len(found))
	fmt.Println(strings.Join(found, "\n"))
}

func main() {
	report()
	for _, f := range []func(){leakRecv, leakSend, leakSelect, leakNil, leakNilSend, leakEmptySelect,
		leakMutex, leakRLock, leakWLock, leakWait, leakCond, leakPair,
		waitsGlobal, waitsGlobalCond, waitsTimer, waitsSleep} {
		go f()
	}
	go waitsChain(9, nil)
	mixed := make(chan int)
	kept = mixed
	go waitsMixed(mixed)
	settle()
	report()
	kept = nil
	mixed = nil
	report()
	runtime.GC()
	report()
	n := runtime.NumGoroutine()
	global <- 1
	globalMu.Lock()
	globalCond.Broadcast()
	globalMu.Unlock()
	settle()
	fmt.Println(n-runtime.NumGoroutine() > 0)
	b := new(bytes.Buffer)
	pprof.Lookup("goroutineleak").WriteTo(b, 1)
	line, _, _ := strings.Cut(b.String(), "\n")
	fmt.Println(line)
	os.Exit(0)
}
