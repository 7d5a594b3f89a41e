// Results of system calls that had to wait reach buffers and variables on stacks that a
// collection would like to halve meanwhile.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

//go:noinline
func deep(n int) int {
	var pad [512]byte
	pad[n%512] = byte(n)
	if n == 0 {
		return int(pad[0])
	}
	return deep(n-1) + int(pad[n%512]) - n%256
}

//go:noinline
func pattern(seed byte) int {
	var buf [700]byte
	for i := range buf {
		buf[i] = seed + byte(i)
	}
	runtime.Gosched()
	bad := 0
	for i := range buf {
		if buf[i] != seed+byte(i) {
			bad++
		}
	}
	return bad
}

// read waits for n bytes in a buffer of its own stack.
//
//go:noinline
func read(fd int) (int, string, error) {
	var buf [64]byte
	n, err := syscall.Read(fd, buf[:])
	if n < 0 || n > len(buf) {
		return n, "", err
	}
	return n, string(buf[:n]), err
}

func check(what string, ok bool) int {
	if !ok {
		fmt.Println(what, "went wrong")
		return 1
	}
	return 0
}

func main() {
	rounds := 20
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	debug.SetGCPercent(-1)
	p := make([]int, 2)
	if err := syscall.Pipe2(p, 0); err != nil {
		fmt.Println(err)
		return
	}
	bad, wrecked := 0, make(chan int)
	for i := range rounds {
		text := fmt.Sprintf("message %d", i)
		done, slept := make(chan int), make(chan int)
		go func() {
			deep(100) // a stack of 64 KiB, of which little is used from here on
			n, s, err := read(p[0])
			done <- check("read: "+fmt.Sprint(n, s, err), n == len(text) && s == text && err == nil)
		}()
		go func() {
			deep(100)
			ts := syscall.Timespec{Nsec: 3e6}
			var left syscall.Timespec
			err := syscall.Nanosleep(&ts, &left)
			slept <- check("nanosleep: "+fmt.Sprint(err, left), err == nil && left.Nsec == 0)
		}()
		time.Sleep(time.Millisecond)
		runtime.GC()
		runtime.GC()
		for j := range 8 { // the memory of the old stacks has new owners
			go func() { wrecked <- pattern(byte(i + j)) }()
		}
		for range 8 {
			bad += <-wrecked
		}
		if _, err := syscall.Write(p[1], []byte(text)); err != nil {
			fmt.Println(err)
		}
		bad += <-done + <-slept
	}
	fmt.Println("bad:", bad)
}
