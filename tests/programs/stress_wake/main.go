// A runnable goroutine does not wait while a CPU idles: work is made in every way, by somebody
// who then spins until it is done. The argument says how many rounds.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func spinUntil(n *atomic.Int64, want int64) {
	for n.Load() < want {
	}
}

func main() {
	rounds := 300
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	procs := int64(runtime.GOMAXPROCS(0))
	var done atomic.Int64
	want := int64(0)
	work := make(chan int, 100)
	for range procs {
		go func() {
			for range work {
				done.Add(1)
			}
		}()
	}
	var mu sync.Mutex
	cond := sync.NewCond(&mu)
	generation := 0
	go func() {
		mu.Lock()
		for seen := 0; ; {
			for seen == generation {
				cond.Wait()
			}
			seen = generation
			done.Add(1)
		}
	}()
	for i := range rounds {
		switch i % 6 {
		case 0: // new goroutines
			for range procs {
				want++
				go done.Add(1)
			}
		case 1: // ones that wait on a channel
			for range procs {
				want++
				work <- 1
			}
		case 2: // a chain
			want += 3
			go func() {
				go func() {
					go done.Add(1)
					done.Add(1)
				}()
				done.Add(1)
			}()
		case 3: // a timer, with the CPUs idle before
			want++
			time.AfterFunc(50*time.Microsecond, func() { done.Add(1) })
			time.Sleep(20 * time.Microsecond)
		case 4: // a condition
			want++
			mu.Lock()
			generation++
			cond.Signal()
			mu.Unlock()
		case 5: // more than a run queue holds
			for range 300 {
				want++
				go done.Add(1)
			}
		}
		spinUntil(&done, want)
	}
	fmt.Println("done")
}
