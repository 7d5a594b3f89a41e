package main

import (
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

func read(name string) metrics.Value {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	return s[0].Value
}

func count(name string) (n uint64) {
	for _, c := range read(name).Float64Histogram().Counts {
		n += c
	}
	return n
}

// grows says whether the histogram counts at least min more while f runs.
func grows(name string, min uint64, f func()) {
	before := count(name)
	f()
	got := count(name) - before
	fmt.Println(name, "grows:", got >= min)
	if got < min {
		fmt.Println("by", got, "of", min)
	}
}

// turns has two goroutines wait for each other n times.
func turns(n int) {
	ask, answer := make(chan int), make(chan int)
	go func() {
		for x := range ask {
			answer <- x
		}
		close(answer)
	}()
	for i := range n {
		ask <- i
		<-answer
	}
	close(ask)
	<-answer
}

func contend() {
	var mu sync.Mutex
	var rw sync.RWMutex
	var wg sync.WaitGroup
	mu.Lock()
	rw.Lock()
	for range 64 { // one in eight is timed, beginning anywhere
		wg.Go(func() { mu.Lock(); mu.Unlock() })
		wg.Go(func() { rw.RLock(); rw.RUnlock() })
	}
	for read("/sched/goroutines/waiting:goroutines").Uint64() < 128 {
		runtime.Gosched()
	}
	time.Sleep(20 * time.Millisecond)
	mu.Unlock()
	rw.Unlock()
	wg.Wait()
}

func main() {
	for _, d := range metrics.All() {
		v := read(d.Name)
		fmt.Println(d.Name, v.Kind() == d.Kind)
		if v.Kind() == metrics.KindFloat64Histogram {
			sum := uint64(0)
			for _, b := range v.Float64Histogram().Buckets {
				sum = sum*31 + math.Float64bits(b)
			}
			fmt.Println(len(v.Float64Histogram().Buckets), len(v.Float64Histogram().Counts), sum)
		}
	}
	grows("/sched/latencies:seconds", 400, func() { turns(8000) })
	stops := func() {
		n := runtime.GOMAXPROCS(0)
		runtime.GOMAXPROCS(n + 1)
		runtime.GOMAXPROCS(n)
		runtime.Stack(make([]byte, 1000), true)
	}
	grows("/sched/pauses/total/other:seconds", 3, stops)
	grows("/sched/pauses/stopping/other:seconds", 3, stops)
	grows("/sched/pauses/total/gc:seconds", 1, runtime.GC)
	grows("/sched/pauses/stopping/gc:seconds", 1, runtime.GC)

	before := read("/sync/mutex/wait/total:seconds").Float64()
	contend()
	waited := read("/sync/mutex/wait/total:seconds").Float64() - before
	fmt.Println("mutex wait:", waited > 0.1, waited < 3600)

	created := read("/sched/goroutines-created:goroutines").Uint64()
	stop := make(chan bool)
	for range 100 {
		go func() { <-stop }()
	}
	for read("/sched/goroutines/waiting:goroutines").Uint64() < 100 {
		runtime.Gosched()
	}
	fmt.Println("created:", read("/sched/goroutines-created:goroutines").Uint64()-created >= 100)
	fmt.Println("running:", read("/sched/goroutines/running:goroutines").Uint64() >= 1)
	fmt.Println("goroutines:", read("/sched/goroutines:goroutines").Uint64() >= 101)
	close(stop)
	fmt.Println("threads:", read("/sched/threads/total:threads").Uint64() >= 1)
	fmt.Println("gomaxprocs:", int(read("/sched/gomaxprocs:threads").Uint64()) == runtime.GOMAXPROCS(0))
}
