// The block profile knows who waited, the mutex profile who made others wait.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

//go:noinline
func recv(c chan int) { <-c }

//go:noinline
func send(c chan int) { c <- 1 }

//go:noinline
func choose(c, d chan int) {
	select {
	case <-c:
	case d <- 1:
	}
}

//go:noinline
func group(w *sync.WaitGroup) { w.Wait() }

//go:noinline
func unlock(m *sync.Mutex) { m.Unlock() }

//go:noinline
func locked(m *sync.Mutex) {
	m.Lock()
	m.Unlock()
}

//go:noinline
func cond(c *sync.Cond) {
	c.L.Lock()
	c.Wait()
	c.L.Unlock()
}

// later runs f when the caller has long been waiting.
func later(f func()) { time.AfterFunc(30*time.Millisecond, f) }

func show(name string, read func([]runtime.BlockProfileRecord) (int, bool), who string) {
	n, _ := read(nil)
	recs := make([]runtime.BlockProfileRecord, n+20)
	n, ok := read(recs)
	for _, r := range recs[:n] {
		frames := runtime.CallersFrames(r.Stack())
		first, _ := frames.Next()
		second, _ := frames.Next()
		if second.Function == who {
			fmt.Println(name, first.Function, second.Function, ok, r.Count, r.Cycles > 0)
		}
	}
}

func main() {
	old := runtime.SetMutexProfileFraction(1)
	fmt.Println(old, runtime.SetMutexProfileFraction(-1))
	runtime.SetBlockProfileRate(1)
	c, d := make(chan int), make(chan int)
	later(func() { c <- 1 })
	recv(c)
	later(func() { <-c })
	send(c)
	later(func() { <-d })
	choose(c, d)
	var w sync.WaitGroup
	w.Add(1)
	later(w.Done)
	group(&w)
	var m sync.Mutex
	m.Lock()
	later(func() { unlock(&m) })
	locked(&m)
	cv := sync.NewCond(&m)
	later(func() { m.Lock(); cv.Signal(); m.Unlock() })
	cond(cv)
	runtime.SetBlockProfileRate(0)
	runtime.SetMutexProfileFraction(0)
	later(func() { c <- 1 })
	recv(c)
	time.Sleep(20 * time.Millisecond) // the unlocker may not have counted itself yet

	for _, who := range []string{"recv", "send", "choose", "group", "locked", "cond"} {
		show("block", runtime.BlockProfile, "main."+who)
	}
	show("mutex", runtime.MutexProfile, "main.unlock")
}
