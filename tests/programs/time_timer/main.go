package main

import (
	"fmt"
	"time"
)

func main() {
	t := time.NewTimer(time.Hour)
	fmt.Println(t.Stop(), t.Stop(), len(t.C), cap(t.C))
	fmt.Println(t.Reset(10 * time.Millisecond))
	<-t.C
	fmt.Println(t.Stop(), t.Reset(time.Millisecond))
	time.Sleep(20 * time.Millisecond)
	// The value of a timer that was reset is never an old one.
	fmt.Println(t.Reset(time.Hour))
	select {
	case <-t.C:
		fmt.Println("stale")
	default:
		fmt.Println("none")
	}
	done := make(chan bool)
	f := time.AfterFunc(5*time.Millisecond, func() { done <- true })
	<-done
	fmt.Println(f.Stop(), f.Reset(time.Millisecond))
	<-done
	g := time.AfterFunc(time.Hour, func() { fmt.Println("never") })
	fmt.Println(g.Stop())
	select {
	case <-time.After(10 * time.Millisecond):
		fmt.Println("after")
	case <-done:
	}
	select {
	case <-done:
	case <-time.After(0):
		fmt.Println("at once")
	}
}
