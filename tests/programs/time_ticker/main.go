package main

import (
	"fmt"
	"time"
)

func main() {
	start := time.Now()
	t := time.NewTicker(20 * time.Millisecond)
	last := start
	rising := true
	for range 5 {
		now := <-t.C
		rising = rising && now.After(last)
		last = now
	}
	d := time.Since(start)
	fmt.Println(rising, d >= 95*time.Millisecond, d < 30*time.Second)
	t.Reset(5 * time.Millisecond)
	<-t.C
	t.Stop()
	time.Sleep(30 * time.Millisecond)
	select {
	case <-t.C:
		fmt.Println("tick after stop")
	default:
		fmt.Println("stopped")
	}
	defer func() { fmt.Println(recover()) }()
	time.NewTicker(0)
}
