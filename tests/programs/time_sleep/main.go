// Sleepers wake, none of them too early.
package main

import (
	"fmt"
	"sort"
	"time"
)

func main() {
	start := time.Now()
	c := make(chan int)
	for _, n := range []int{5, 1, 4, 2, 3} {
		go func() {
			d := time.Duration(n) * 40 * time.Millisecond
			t := time.Now()
			time.Sleep(d)
			if since := time.Since(t); since < d {
				fmt.Println(d, "were", since)
			}
			c <- n
		}()
	}
	var woken []int
	for range 5 {
		woken = append(woken, <-c)
	}
	sort.Ints(woken)
	d := time.Since(start)
	fmt.Println(woken, d >= 200*time.Millisecond, d < 30*time.Second)
	time.Sleep(0)
	time.Sleep(-1)
}
