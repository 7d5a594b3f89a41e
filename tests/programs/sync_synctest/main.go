// Bubbles: hours pass in no time, in order, and Wait sees a bubble come to rest.
package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func sleeps(t *testing.T) {
	start := time.Now()
	fmt.Println(start.UTC())
	var mu sync.Mutex
	var wg sync.WaitGroup
	var order []int
	for i := range 50 {
		wg.Go(func() {
			time.Sleep(time.Duration(50-i) * time.Hour)
			mu.Lock()
			defer mu.Unlock()
			order = append(order, i)
		})
	}
	wg.Wait()
	for i, v := range order {
		if v != 49-i {
			t.Error("woken out of order:", order)
		}
	}
	fmt.Println(time.Since(start), len(order))
}

func waits(t *testing.T) {
	n := 0
	c := make(chan int)
	go func() {
		for v := range c {
			n += v
		}
		n += 1000
	}()
	for i := range 100 {
		c <- i
		if i%10 == 9 {
			synctest.Wait() // n is ours now
			fmt.Print(n, " ")
		}
	}
	close(c)
	synctest.Wait()
	fmt.Println(n)
}

func timers(t *testing.T) {
	start := time.Now()
	tick := time.NewTicker(7 * time.Minute)
	stop := time.After(time.Hour)
	fired := 0
	time.AfterFunc(30*time.Minute, func() { fired++ })
	unfired := time.AfterFunc(40*time.Minute, func() { fired += 100 })
	ticks := 0
	for done := false; !done; {
		select {
		case <-tick.C:
			if ticks++; ticks == 5 {
				fmt.Println("stopped:", unfired.Stop(), "after", time.Since(start))
			}
			runtime.GC() // timers of the bubble survive it
		case <-stop:
			done = true
		}
	}
	tick.Stop()
	fmt.Println(ticks, fired, time.Since(start))
	ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
	defer cancel()
	<-ctx.Done()
	fmt.Println(ctx.Err(), time.Since(start))
}

func conds(t *testing.T) {
	var mu sync.Mutex
	c := sync.NewCond(&mu)
	woken := 0
	for range 5 {
		go func() {
			mu.Lock()
			c.Wait()
			woken++
			mu.Unlock()
		}()
	}
	synctest.Wait()
	c.Signal()
	synctest.Wait()
	fmt.Print(woken, " ")
	c.Broadcast()
	synctest.Wait()
	fmt.Println(woken)
}

func main() {
	var tests []testing.InternalTest
	for _, f := range []func(*testing.T){sleeps, waits, timers, conds} {
		tests = append(tests, testing.InternalTest{Name: "Test", F: func(t *testing.T) { synctest.Test(t, f) }})
	}
	// Bubbles beside each other, each with its own clock.
	tests = append(tests, testing.InternalTest{Name: "TestMany", F: func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				synctest.Test(t, func(t *testing.T) {
					start := time.Now()
					for range 20 {
						time.Sleep(time.Duration(i+1) * time.Second)
					}
					if d := time.Since(start); d != time.Duration(20*(i+1))*time.Second {
						t.Error("bubble", i, d)
					}
				})
			})
		}
		wg.Wait()
	}})
	testing.Main(func(_, _ string) (bool, error) { return true, nil }, tests, nil, nil)
}
