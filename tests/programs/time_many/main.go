// Ten thousand timers, some stopped, all others fire once.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	var fired atomic.Int64
	var wg sync.WaitGroup
	stopped := 0
	var timers []*time.Timer
	for i := range 10000 {
		wg.Add(1)
		timers = append(timers, time.AfterFunc(time.Duration(200+i%300)*time.Millisecond, func() {
			fired.Add(1)
			wg.Done()
		}))
	}
	for i, t := range timers {
		if i%4 == 0 && t.Stop() {
			stopped++
			wg.Done()
		}
	}
	wg.Wait()
	fmt.Println(fired.Load() + int64(stopped))
}
