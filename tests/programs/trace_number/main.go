// What GOTRACEBACK's values show of the other goroutines.
package main

import "time"

func other(c chan int) { <-c }

func main() {
	go other(make(chan int))
	time.Sleep(10 * time.Millisecond)
	panic("shown")
}
