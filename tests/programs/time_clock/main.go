package main

import (
	"fmt"
	"time"
)

func main() {
	now := time.Now()
	fmt.Println(now.Year() >= 2024, now.Year() < 2100, now.Location())
	last := now
	back := 0
	for range 100000 {
		t := time.Now()
		if t.Before(last) {
			back++
		}
		last = t
	}
	fmt.Println(back, last.Sub(now) > 0)
	u := now.Round(0)
	fmt.Println(u.Equal(now), time.Since(u) > 0)
}
