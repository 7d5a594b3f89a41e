// Sleepers wake in the order of their times.
package main

import (
	"fmt"
	"time"
)

func main() {
	start := time.Now()
	c := make(chan int)
	for _, n := range []int{5, 1, 4, 2, 3} {
		go func() {
			time.Sleep(time.Duration(n) * 40 * time.Millisecond)
			c <- n
		}()
	}
	for range 5 {
		fmt.Print(<-c, " ")
	}
	d := time.Since(start)
	fmt.Println(d >= 200*time.Millisecond, d < 5*time.Second)
	time.Sleep(0)
	time.Sleep(-1)
}
