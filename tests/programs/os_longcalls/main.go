// One long system call does not keep others from the CPU: they sleep, collect and run meanwhile.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// Does work go on while the call runs? A call that is over before a few milliseconds have passed
// says nothing, and one alone does not either: a busy host may keep the others from their CPUs all
// the while. What the call itself keeps from running, it keeps from it in every try. again makes
// the next try as long as the first.
func beside(what string, call func() (int, error), again func()) {
	for try := 0; ; try++ {
		n, err, took, t, g := once(call)
		fmt.Fprintln(os.Stderr, what, took, t, "sleeps", g, "collections")
		slow := took > 30*time.Millisecond
		if ok := !slow || t >= 2 && g >= 1; ok || try == 10 {
			fmt.Println(what, n, err, ok)
			return
		}
		again()
	}
}

func once(call func() (int, error)) (n int, err error, took time.Duration, t, g int64) {
	var ticks, gcs atomic.Int64
	var stop atomic.Bool
	done := make(chan bool, 2)
	go func() {
		for !stop.Load() {
			time.Sleep(time.Millisecond)
			ticks.Add(1)
		}
		done <- true
	}()
	go func() {
		for !stop.Load() {
			runtime.GC()
			gcs.Add(1)
			time.Sleep(time.Millisecond)
		}
		done <- true
	}()
	time.Sleep(5 * time.Millisecond)
	t0, g0, start := ticks.Load(), gcs.Load(), time.Now()
	n, err = call()
	took = time.Since(start)
	t, g = ticks.Load()-t0, gcs.Load()-g0
	stop.Store(true)
	<-done
	<-done
	return
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	const size = 64 << 20
	m, err := syscall.Mmap(-1, 0, size, 3, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	zero, _ := syscall.Open("/dev/zero", syscall.O_RDWR, 0)
	name := os.TempDir() + "/longcalls"
	fd, err := syscall.Open(name, syscall.O_RDWR|syscall.O_CREAT, 0o600)
	if err != nil {
		panic(err)
	}
	nothing := func() {}
	cut := func(size int64) func() { return func() { check(syscall.Ftruncate(fd, size)) } }
	filled := func() { check(syscall.Fallocate(fd, 0, 0, 3*size)) }
	beside("read zeros", func() (int, error) { return syscall.Read(zero, m) }, nothing)
	beside("write", func() (int, error) { return syscall.Write(fd, m) }, func() {
		cut(0)()
		_, err := syscall.Seek(fd, 0, 0)
		check(err)
	})
	beside("read", func() (int, error) { return syscall.Pread(fd, m, 0) }, nothing)
	beside("random", func() (int, error) {
		n, _, e := syscall.Syscall(318, uintptr(unsafe.Pointer(&m[0])), 2<<20, 0)
		if e != 0 {
			return 0, e
		}
		return int(n), nil
	}, nothing)
	beside("allocate", func() (int, error) { return 0, syscall.Fallocate(fd, 0, 0, 3*size) }, cut(size))
	beside("truncate", func() (int, error) { return 0, syscall.Ftruncate(fd, 4096) }, filled)
	beside("allocate more", func() (int, error) { return 0, syscall.Fallocate(fd, 0, 1<<20, 2*size) }, cut(4096))
	os.Remove(name)
	beside("free", func() (int, error) { return 0, syscall.Close(fd) }, func() {
		var err error
		fd, err = syscall.Open(name, syscall.O_RDWR|syscall.O_CREAT, 0o600)
		check(err)
		check(os.Remove(name))
		filled()
	})
	var p [2]int
	syscall.Pipe(p[:])
	go func() {
		b := make([]byte, 1<<20)
		for {
			if n, _ := syscall.Read(p[0], b); n <= 0 {
				return
			}
		}
	}()
	beside("pipe", func() (int, error) { return syscall.Write(p[1], m) }, nothing)
}
