// The SYSCALL instruction in a program's own assembly: calls that return at once, calls that wait
// while stacks would like to shrink and collections run, registers, signals, a loop of calls.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

func direct(number, a, b, c uintptr) uintptr
func blocking(number, a, b, c uintptr) uintptr
func nested(number, a, b uintptr) uintptr
func spin(number uintptr, stop *uint32, calls *uint64)

//go:noescape
func keeps(number uintptr, ts *[2]int64, hidden *byte) uintptr

func simple() {
	fmt.Println("getpid:", direct(39, 0, 0, 0) == uintptr(os.Getpid()))
	fmt.Println("umask:", direct(95, 0o22, 0, 0) < 0o1000)
	text := []byte("written by write(2)\n")
	fmt.Println("write:", direct(1, 1, uintptr(unsafe.Pointer(&text[0])), uintptr(len(text))))
	fmt.Println("bad descriptor:", int(direct(3, 12345, 0, 0)))
	fmt.Println("bad address:", int(direct(1, 1, 8, 3)))
	fmt.Println("unknown call:", int(direct(5000, 0, 0, 0)))
	fmt.Println("no fork here:", int(direct(437, 0, 0, 0)) < 0)
}

//go:noinline
func deep(n int) int {
	var pad [512]byte
	pad[n%512] = byte(n)
	if n == 0 {
		return int(pad[0])
	}
	return deep(n-1) + int(pad[n%512]) - n%256
}

// read waits for n bytes in a buffer of its own stack.
//
//go:noinline
func read(fd int) (int, string) {
	var buf [64]byte
	n := int(blocking(0, uintptr(fd), uintptr(unsafe.Pointer(&buf)), uintptr(len(buf))))
	if n < 0 || n > len(buf) {
		return n, ""
	}
	return n, string(buf[:n])
}

// hidden makes an object that says when it is gone.
func hidden(gone *atomic.Bool) *byte {
	p := new([64]byte)
	p[0] = 77
	runtime.AddCleanup(p, func(gone *atomic.Bool) { gone.Store(true) }, gone)
	return &p[0]
}

func waits(rounds int) (bad int) {
	p := make([]int, 2)
	if err := syscall.Pipe2(p, 0); err != nil {
		panic(err)
	}
	for i := range rounds {
		text := fmt.Sprintf("message %d", i)
		done := make(chan int)
		go func() {
			deep(100) // a stack of 64 KiB, of which little is used from here on
			if n, s := read(p[0]); n != len(text) || s != text {
				fmt.Println("read:", n, s)
				done <- 1
			}
			done <- 0
		}()
		go func() {
			deep(100)
			gone := new(atomic.Bool)
			n := int(keeps(35, &[2]int64{0, 9000000}, hidden(gone)))
			if gone.Load() {
				n += 100
			}
			done <- n
		}()
		go func() {
			deep(100)
			ts := [2]int64{0, 2000000}
			n := int(nested(35, uintptr(unsafe.Pointer(&ts)), 0))
			if n == -int(syscall.EINTR) { // a signal of Linux' own runtime
				n = 0
			}
			done <- n
		}()
		time.Sleep(time.Millisecond)
		runtime.GC()
		runtime.GC()
		syscall.Write(p[1], []byte(text))
		for range 3 {
			bad += <-done
		}
	}
	return bad
}

func signals() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	direct(62, uintptr(os.Getpid()), uintptr(syscall.SIGUSR1), 0)
	fmt.Println(<-c)
}

// loop calls in assembly, where nothing else stops a goroutine. The world stops all the same, which
// only gort promises.
func loop() {
	var stop uint32
	var calls uint64
	done := make(chan bool)
	go func() { spin(39, &stop, &calls); close(done) }()
	for atomic.LoadUint64(&calls) < 10 {
		time.Sleep(time.Millisecond)
	}
	for range 3 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	atomic.StoreUint32(&stop, 1)
	<-done
	fmt.Println("calls:", calls >= 10)
}

func main() {
	rounds := 20
	if len(os.Args) > 1 && os.Args[1] == "loop" {
		loop()
		return
	}
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	simple()
	fmt.Println("wrong:", waits(rounds))
	signals()
}
