// Many goroutines live at once, wave after wave, and in each wave another one is preempted while it
// computes: what the runtime keeps for that does not grow with the number that ever were.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

const crowd, waves, warm, most = 60, 50, 10, 8 << 10

// spin computes for three time slices; another goroutine wants the CPU meanwhile.
func spin() {
	stop := time.Now().Add(30 * time.Millisecond)
	for time.Now().Before(stop) {
		for i := 0; i < 100000; i++ {
		}
	}
}

// wave has `crowd` goroutines, all alive until the one of number n has computed.
func wave(n int) {
	var ready, over sync.WaitGroup
	gate := make(chan bool)
	for i := range crowd {
		ready.Add(1)
		over.Go(func() {
			ready.Done()
			<-gate
			if i == n {
				spin()
			}
		})
	}
	ready.Wait()
	close(gate)
	stop := time.Now().Add(30 * time.Millisecond)
	for time.Now().Before(stop) {
		runtime.Gosched()
	}
	over.Wait()
}

func other() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.OtherSys)
}

func main() {
	runtime.GOMAXPROCS(1)
	begin := int64(0)
	for n := range waves {
		if n == warm {
			begin = other()
		}
		wave(n)
	}
	grown := other() - begin
	if os.Getpid() == 1 && grown > most { // on Linux the registers lie on the goroutine's stack
		fmt.Println("grown by", grown)
		os.Exit(1)
	}
	fmt.Println("steady")
}
