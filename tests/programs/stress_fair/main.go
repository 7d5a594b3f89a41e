// Fairness, counted in work and not in time: everybody must have had his small share before all
// together have done so much that no pause of a virtual CPU explains it.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

type group struct {
	share, limit int64
	short        atomic.Int64 // members that have not had their share yet
	total        atomic.Int64
	over         atomic.Bool
}

func newGroup(members int, share int64) *group {
	g := &group{share: share, limit: 4000000 + 100*share*int64(members)}
	g.short.Store(int64(members))
	return g
}

// step counts one piece of work of a member that has now done *n. False: all is over.
func (g *group) step(n *int64) bool {
	*n++
	if *n == g.share && g.short.Add(-1) == 0 {
		g.over.Store(true)
	}
	if g.total.Add(1) > g.limit {
		g.over.Store(true)
	}
	return !g.over.Load()
}

func (g *group) verdict(name string) {
	if n := g.short.Load(); n > 0 {
		fmt.Println(name+":", n, "starve")
	}
}

// Producers and consumers of one channel.
func channel(capacity int, share int64) {
	const each = 4
	c := make(chan int, capacity)
	g := newGroup(2*each, share)
	quit := make(chan bool)
	var once sync.Once
	var wg sync.WaitGroup
	stop := func() { once.Do(func() { close(quit) }) }
	for range each {
		wg.Go(func() {
			for n := int64(0); ; {
				select {
				case c <- 1:
				case <-quit:
					return
				}
				if !g.step(&n) {
					stop()
				}
			}
		})
		wg.Go(func() {
			for n := int64(0); ; {
				select {
				case <-c:
				case <-quit:
					return
				}
				if !g.step(&n) {
					stop()
				}
			}
		})
	}
	wg.Wait()
	g.verdict(fmt.Sprintf("channel of capacity %d", capacity))
}

// Pairs that hand each other the CPU, and bystanders who only yield.
func pairs(share int64, lock bool) {
	procs := runtime.GOMAXPROCS(0)
	g := newGroup(3, share)
	var wg sync.WaitGroup
	for range procs {
		ping, pong := make(chan bool), make(chan bool)
		wg.Go(func() {
			for !g.over.Load() {
				ping <- true
				<-pong
			}
			close(ping)
		})
		wg.Go(func() {
			for range ping {
				pong <- true
			}
		})
	}
	for i := range 3 {
		wg.Go(func() {
			if lock && i > 0 {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
			}
			for n := int64(0); g.step(&n); {
				runtime.Gosched()
			}
		})
	}
	wg.Wait()
	g.verdict(fmt.Sprintf("bystanders of pairs (locked: %v)", lock))
}

// A goroutine locked to its thread yields without end: others must run all the same.
func yielder() {
	var stop, locked atomic.Bool
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			runtime.LockOSThread()
			locked.Store(true)
			for !stop.Load() {
				runtime.Gosched()
			}
		})
	}
	for !locked.Load() {
		runtime.Gosched()
	}
	c := make(chan int)
	go func() {
		for range 100 {
			c <- 1
			runtime.Gosched()
		}
		close(c)
	}()
	for range c {
	}
	stop.Store(true)
	wg.Wait()
}

func main() {
	share := int64(30)
	if len(os.Args) > 1 {
		n, _ := strconv.Atoi(os.Args[1])
		share *= int64(n)
	}
	channel(0, share)
	channel(10, share)
	pairs(share, false)
	pairs(share, true)
	yielder()
	fmt.Println("done")
}
