// Ps come and go, with spans in their caches, while cycles end: what they had cached is swept
// before it is allocated from, a finalizer is attached to an object in it, or a cycle begins.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

type node struct {
	next *node
	id   int
	pad  [4]int
}

const workers, rounds = 12, 40

func fill(w, r int) (list *node, text []byte) {
	for i := 0; i < 200; i++ {
		list = &node{next: list, id: w*1000 + r, pad: [4]int{i, i, i, i}}
		text = append(make([]byte, 0, 16+i*3), byte(w), byte(r), byte(i))
	}
	return
}

func intact(list *node, text []byte, w, r int) bool {
	n := 0
	for x := list; x != nil; x = x.next {
		if x.id != w*1000+r || x.pad[0] != 199-n || x.pad[3] != 199-n {
			return false
		}
		n++
	}
	return n == 200 && text[0] == byte(w) && text[1] == byte(r) && text[2] == 199
}

// work leaves objects in the caches of the P that it happens to run on, and lets the P go.
func work(w int, wg *sync.WaitGroup, finalized *atomic.Int64) {
	defer wg.Done()
	for r := 0; r < rounds; r++ {
		list, text := fill(w, r)
		if w%3 == 0 {
			time.Sleep(time.Duration(w) * 50 * time.Microsecond)
		}
		// Mostly in a span that some idle P has cached by now.
		runtime.SetFinalizer(list, func(*node) { finalized.Add(1) })
		if w%4 == 1 {
			runtime.GC()
		} else {
			runtime.Gosched()
		}
		if !intact(list, text, w, r) {
			panic(fmt.Sprint("worker ", w, " round ", r))
		}
		runtime.KeepAlive(list)
	}
}

func main() {
	var wg sync.WaitGroup
	var finalized atomic.Int64
	runtime.GOMAXPROCS(8)
	wg.Add(workers)
	for w := 0; w < workers; w++ {
		go work(w, &wg, &finalized)
	}
	done := make(chan bool)
	go func() {
		wg.Wait()
		close(done)
	}()
	for n, over := 1, false; !over; n = n%8 + 1 {
		runtime.GOMAXPROCS(n)
		select {
		case <-done:
			over = true
		case <-time.After(2 * time.Millisecond):
		}
	}
	for i := 0; i < 200 && finalized.Load() < workers*rounds; i++ {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Println("finalized", finalized.Load() >= workers*rounds-1)
	fmt.Println("counts", m.Mallocs >= m.Frees, m.TotalAlloc >= m.HeapAlloc, m.HeapAlloc < 4<<20)
}
