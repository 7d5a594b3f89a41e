// Locks of ranges of files: of the process (F_SETLK) and of open files (F_OFD_SETLK).
package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	ofdGetlk, ofdSetlk, ofdSetlkw = 36, 37, 38
	get, set, setw                = syscall.F_GETLK, syscall.F_SETLK, syscall.F_SETLKW
	rd, wr, un                    = syscall.F_RDLCK, syscall.F_WRLCK, syscall.F_UNLCK
)

func lock(fd int, cmd int, typ int16, start, n int64) error {
	return syscall.FcntlFlock(uintptr(fd), cmd, &syscall.Flock_t{Type: typ, Start: start, Len: n})
}

// The locks that fd's open file sees of others, from the front.
func list(what string, fd int) {
	fmt.Print(what)
	for at := int64(0); ; {
		l := syscall.Flock_t{Type: wr, Start: at, Len: 1}
		for ; at < 60; at++ {
			l = syscall.Flock_t{Type: wr, Start: at, Len: 1}
			if err := syscall.FcntlFlock(uintptr(fd), ofdGetlk, &l); err != nil || l.Type != un {
				break
			}
		}
		if at >= 60 {
			break
		}
		fmt.Print(" ", l.Type, ":", l.Start, "+", l.Len, "/", l.Pid)
		if l.Len == 0 {
			break
		}
		at = l.Start + l.Len
	}
	fmt.Println()
}

func main() {
	dir, _ := os.MkdirTemp("", "ofd")
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "f")
	os.WriteFile(name, make([]byte, 100), 0o600)
	open := func(how int) int {
		fd, err := syscall.Open(name, how, 0)
		if err != nil {
			panic(err)
		}
		return fd
	}
	a, b, ro, wo := open(syscall.O_RDWR), open(syscall.O_RDWR), open(syscall.O_RDONLY), open(syscall.O_WRONLY)
	fmt.Println("posix a:", lock(a, set, wr, 0, 10), "b:", lock(b, set, wr, 0, 10))
	fmt.Println("modes:", lock(ro, set, wr, 0, 10), lock(ro, set, rd, 90, 1), lock(wo, set, rd, 90, 1))
	fmt.Println("types:", lock(a, set, 9, 0, 10), lock(a, get, 9, 0, 10), lock(a, ofdSetlk, -1, 0, 1))
	l := syscall.Flock_t{Type: wr, Start: 0, Len: 10}
	fmt.Println("own:", syscall.FcntlFlock(uintptr(b), get, &l), l.Type == un, l.Start, l.Len)
	fmt.Println("ofd against posix:", lock(a, ofdSetlk, wr, 5, 1))
	fmt.Println("any close ends them:", syscall.Close(open(syscall.O_RDONLY)), lock(a, ofdSetlk, wr, 5, 1))
	fmt.Println("posix against ofd:", lock(b, set, rd, 0, 10), lock(a, ofdSetlk, un, 0, 0), lock(b, set, rd, 0, 10))
	lock(b, set, un, 0, 0)

	fmt.Println("ofd a 20-30:", lock(a, ofdSetlk, wr, 20, 10))
	fmt.Println("ofd b 25-35:", lock(b, ofdSetlk, wr, 25, 10))
	fmt.Println("ofd b 30-40:", lock(b, ofdSetlk, wr, 30, 10))
	list("b sees", b)
	list("a sees", a)
	lock(a, ofdSetlk, rd, 23, 3)
	list("a part is read:", b)
	lock(a, ofdSetlk, un, 24, 1)
	list("a hole:", b)
	lock(a, ofdSetlk, wr, 23, 3)
	list("mended:", b)
	lock(a, ofdSetlk, un, 0, 22)
	list("the front is gone:", b)
	lock(a, ofdSetlk, rd, 50, 0)
	list("to the end:", b)
	lock(a, ofdSetlk, rd, 40, 10)
	list("together:", b)
	fmt.Println("both read:", lock(b, ofdSetlk, rd, 45, 20))
	lock(a, ofdSetlk, un, 0, 0)
	list("nothing:", b)

	fmt.Println("edges:", lock(a, ofdSetlk, wr, math.MaxInt64, 1), lock(a, ofdSetlk, wr, math.MaxInt64, 2),
		lock(a, ofdSetlk, wr, -1, 1), lock(a, ofdSetlk, wr, 5, -5), lock(a, ofdSetlk, wr, 5, -6),
		lock(a, ofdSetlk, wr, math.MaxInt64, 0))
	for _, w := range []int16{1, 2, 3} {
		l = syscall.Flock_t{Type: rd, Whence: w, Start: -10, Len: 3}
		fmt.Println("whence", w, syscall.FcntlFlock(uintptr(a), ofdSetlk, &l))
	}
	list("from the end:", b)
	lock(a, ofdSetlk, un, 0, 0)
	l = syscall.Flock_t{Type: rd, Pid: 5}
	fmt.Println("a number:", syscall.FcntlFlock(uintptr(a), ofdSetlk, &l))

	// Waiting.
	lock(a, ofdSetlk, wr, 0, 10)
	done := make(chan error)
	for i := range 4 {
		go func() { done <- lock(open(syscall.O_RDWR), ofdSetlkw, rd, int64(i), 5) }()
	}
	go func() { done <- lock(b, setw, wr, 9, 1) }()
	time.Sleep(20 * time.Millisecond)
	select {
	case <-done:
		fmt.Println("one did not wait")
	default:
	}
	syscall.Close(a)
	for range 5 {
		fmt.Println(<-done)
	}
}
