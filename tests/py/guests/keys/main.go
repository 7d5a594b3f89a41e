// Spins on every CPU, without calls, and takes signals; `wait` idles until one comes;
// a duration is slept, and what interrupts came meanwhile is printed.
package main

import (
	crand "crypto/rand"
	"fmt"
	"math/rand"
	"os"
	"os/signal"
	"runtime"
	"strings"
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

// interrupts returns how many all CPUs have taken since boot.
func interrupts() int {
	text, err := os.ReadFile("/proc/stat")
	_, line, found := strings.Cut(string(text), "\nintr ")
	var n int
	if _, err2 := fmt.Sscan(line, &n); err != nil || err2 != nil || !found {
		panic(fmt.Sprint(err, err2, string(text)))
	}
	return n
}

func main() {
	if os.Args[1] == "chances" {
		chances()
		return
	}
	if d, err := time.ParseDuration(os.Args[1]); err == nil {
		time.Sleep(100 * time.Millisecond) // what began at boot has ended
		before := interrupts()
		time.Sleep(d)
		fmt.Println(interrupts() - before)
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
