// A storm of Reset and Stop: timers of one's own, where each outcome is known, and shared ones,
// where nothing may break. The argument says how many rounds each goroutine makes.
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Calls of an AfterFunc timer: what Stop and Reset prevented plus what ran is what was started.
func functions(rounds int) {
	var ran atomic.Int64
	started, prevented := int64(1), int64(0)
	t := time.AfterFunc(time.Microsecond, func() { ran.Add(1) })
	for i := range rounds {
		var active bool
		if i%3 == 0 {
			active = t.Stop()
		} else {
			active = t.Reset(time.Duration(rand.IntN(200)) * time.Microsecond)
			started++
		}
		if active {
			prevented++
		}
		if i%7 == 0 {
			time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
		}
	}
	if t.Stop() {
		prevented++
	}
	for ran.Load() < started-prevented { // the last call may be under way
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Millisecond)
	if n := ran.Load(); n != started-prevented {
		fmt.Println("started", started, "prevented", prevented, "ran", n)
	}
}

// Channel timers: after Stop or Reset nothing stale is in the channel.
func channels(rounds int) {
	t := time.NewTimer(time.Hour)
	for i := range rounds {
		d := time.Duration(rand.IntN(100)) * time.Microsecond
		begin := time.Now()
		t.Reset(d)
		switch i % 4 {
		case 0:
			if at := <-t.C; at.Before(begin.Add(d)) {
				fmt.Println("too early by", begin.Add(d).Sub(at))
			}
		case 1:
			time.Sleep(d)
		case 2:
			select {
			case <-t.C:
			case <-time.After(50 * time.Microsecond):
			}
		}
		t.Stop()
		select {
		case at := <-t.C:
			fmt.Println("stale value", at.Sub(begin))
		default:
		}
	}
}

// A ticker whose period changes all the time.
func tickers(rounds int) {
	t := time.NewTicker(time.Hour)
	defer t.Stop()
	for i := range rounds {
		t.Reset(time.Duration(1+rand.IntN(100)) * time.Microsecond)
		for range i % 3 {
			<-t.C
		}
		if i%4 == 0 {
			t.Stop()
			select {
			case <-t.C:
				fmt.Println("stale tick")
			default:
			}
		}
	}
}

func shared(rounds int, timers []*time.Timer, over <-chan bool) {
	for i := range rounds {
		t := timers[rand.IntN(len(timers))]
		switch rand.IntN(3) {
		case 0:
			t.Stop()
		case 1:
			t.Reset(time.Duration(rand.IntN(60)) * time.Microsecond)
		default:
			if i%8 == 0 {
				select {
				case <-t.C:
				case <-over:
				case <-time.After(20 * time.Microsecond):
				}
			}
		}
	}
}

func main() {
	rounds := 100
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	var wg sync.WaitGroup
	timers := make([]*time.Timer, 8)
	for i := range timers {
		timers[i] = time.NewTimer(time.Hour)
	}
	over := make(chan bool)
	for range 6 {
		wg.Go(func() { functions(rounds) })
		wg.Go(func() { channels(rounds) })
		wg.Go(func() { tickers(rounds) })
		wg.Go(func() { shared(rounds*4, timers, over) })
	}
	wg.Wait()
	close(over)
	fmt.Println("done")
}
