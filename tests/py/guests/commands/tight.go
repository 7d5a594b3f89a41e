package main

import (
	"fmt"
	"time"
)

func tightLoop() {
	for {
	}
}

func main() {
	go tightLoop()
	go tightLoop()
	time.Sleep(30 * time.Millisecond)
	fmt.Println("the loops did not keep the timer from its turn")
}
