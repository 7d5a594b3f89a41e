// With several ready cases each is taken now and then; each value arrives once.
package main

import "fmt"

func main() {
	const n = 4000
	var chans [4]chan int
	for i := range chans {
		chans[i] = make(chan int, n)
		for v := range n / 4 {
			chans[i] <- v
		}
	}
	var count [4]int
	early := [4]int{}
	for k := range n {
		i := 0
		select {
		case <-chans[0]:
			i = 0
		case <-chans[1]:
			i = 1
		case <-chans[2]:
			i = 2
		case <-chans[3]:
			i = 3
		}
		count[i]++
		if k < 400 {
			early[i]++
		}
	}
	fair := true
	for _, e := range early {
		fair = fair && e > 40 && e < 200
	}
	fmt.Println(count, fair)
}
