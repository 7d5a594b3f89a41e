// Spins on every CPU, without calls, and takes signals; `wait` idles until one comes;
// a duration is slept.
package main

import (
	crand "crypto/rand"
	"fmt"
	"math/rand"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func spin() {
	for {
	}
}

// chances prints random choices: the case that a select takes, random numbers.
func chances() {
	c, d := make(chan int, 1000), make(chan int, 1000)
	sum := 0
	for i := range 1000 {
		select {
		case c <- i:
			sum = sum*31 + 1
		case d <- i:
			sum = sum*31 + 2
		}
	}
	var b [8]byte
	crand.Read(b[:])
	fmt.Println(sum, rand.Uint64(), b)
}

func main() {
	if os.Args[1] == "chances" {
		chances()
		return
	}
	if d, err := time.ParseDuration(os.Args[1]); err == nil {
		time.Sleep(d)
		return
	}
	c := make(chan os.Signal, 1)
	if os.Args[1] != "default" {
		signal.Notify(c, syscall.SIGTERM, syscall.SIGINT)
	}
	if os.Args[1] != "wait" {
		for range runtime.GOMAXPROCS(0) + 1 {
			go spin()
		}
	}
	fmt.Println("ready")
	fmt.Println("got", <-c)
}
