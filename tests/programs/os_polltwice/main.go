// A descriptor that is polled already cannot be polled a second time: the second os.File on it has
// no deadlines. Another descriptor of the same pipe has, and so has the number once it is free.
package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

func deadline(f *os.File) {
	err := f.SetReadDeadline(time.Now().Add(time.Millisecond))
	fmt.Println(f.Name(), err, errors.Is(err, os.ErrNoDeadline))
}

func main() {
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_NONBLOCK); err != nil {
		panic(err)
	}
	dup, err := syscall.Dup(p[0])
	if err != nil {
		panic(err)
	}
	first := os.NewFile(uintptr(p[0]), "first")
	second := os.NewFile(uintptr(p[0]), "second")
	deadline(first)
	deadline(second)
	other := os.NewFile(uintptr(dup), "dup")
	deadline(other)
	_, err = first.Read(make([]byte, 1))
	fmt.Println(err, errors.Is(err, os.ErrDeadlineExceeded))
	first.Close()

	if fd, err := syscall.Dup(dup); err != nil || fd != p[0] {
		fmt.Println(fd, p[0], err)
	}
	deadline(os.NewFile(uintptr(p[0]), "again"))
}
