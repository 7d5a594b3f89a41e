// Unbuffered and buffered channels keep the order of one sender.
package main

import "fmt"

func main() {
	for _, size := range []int{0, 1, 7, 1000} {
		c := make(chan int, size)
		go func() {
			for i := range 10000 {
				c <- i
			}
			close(c)
		}()
		want, good := 0, true
		for v := range c {
			good = good && v == want
			want++
		}
		fmt.Println(size, want, good)
	}
}
