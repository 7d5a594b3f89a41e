// flock(2): whole-file locks belong to open files.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

func state(err error) string {
	switch {
	case err == nil:
		return "granted"
	case errors.Is(err, syscall.EWOULDBLOCK):
		return "refused"
	}
	return err.Error()
}

func open(name string, how int) int {
	fd, err := syscall.Open(name, how, 0o644)
	if err != nil {
		panic(err)
	}
	return fd
}

func main() {
	dir, err := os.MkdirTemp("", "flock")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "lock")
	a, b := open(name, syscall.O_RDWR|syscall.O_CREAT), open(name, syscall.O_RDONLY)
	try := func(what string, fd, how int) {
		fmt.Println(what, state(syscall.Flock(fd, how|syscall.LOCK_NB)))
	}
	const sh, ex, un = syscall.LOCK_SH, syscall.LOCK_EX, syscall.LOCK_UN
	try("a exclusive:", a, ex)
	try("b exclusive:", b, ex)
	try("b shared:", b, sh)
	try("b gives up:", b, un)
	try("a to shared:", a, sh)
	try("b shared:", b, sh)
	try("a back to exclusive:", a, ex) // and has lost its own
	try("b to exclusive:", b, ex)
	dup, _ := syscall.Dup(b)
	syscall.Close(b)
	try("a, a duplicate of b is open:", a, sh)
	try("the duplicate again:", dup, ex)
	syscall.Close(dup)
	try("a, all closed:", a, sh)
	try("nonsense:", a, 3)
	try("nothing:", a, 0)
	try("closed:", b, ex)
	d := open(dir, syscall.O_RDONLY)
	try("a directory:", d, ex)
	try("again:", open(dir, syscall.O_RDONLY), ex)
	var p [2]int
	syscall.Pipe(p[:])
	try("a pipe:", p[0], ex)
	try("its other end:", p[1], ex)

	// Waiting.
	var got atomic.Int32
	done := make(chan string)
	try("a exclusive:", a, ex)
	for range 5 {
		go func() {
			fd := open(name, syscall.O_RDWR)
			s := state(syscall.Flock(fd, ex))
			got.Add(1)
			syscall.Close(fd)
			done <- s
		}()
	}
	time.Sleep(20 * time.Millisecond)
	fmt.Println("while a has it:", got.Load())
	syscall.Flock(a, un)
	for range 5 {
		fmt.Println(<-done)
	}
}
