// What a process is told of itself: CPU time, its environment, the auxiliary vector, signals of
// timers and pipes, and calls that few make.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"
)

//go:linkname getAuxv runtime.getAuxv
func getAuxv() []uintptr

func clock(id int32) time.Duration {
	var t syscall.Timespec
	_, _, e := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(uint32(id)), uintptr(unsafe.Pointer(&t)), 0)
	if e != 0 {
		fmt.Println("clock", id, e)
	}
	return time.Duration(t.Nano())
}

func usage(who int) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(who, &r); err != nil {
		fmt.Println("rusage", who, err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func cpuTime() {
	// A virtual CPU that its host has stopped is in use: so each clock has some tries.
	var still [5]bool
	for try := 0; try < 5 && still != [5]bool{true, true, true, true, true}; try++ {
		p, th, own, r, rt := clock(2), clock(3), clock(-6), usage(0), usage(1)
		time.Sleep(400 * time.Millisecond)
		const most = 200 * time.Millisecond
		for i, d := range []time.Duration{clock(2) - p, clock(3) - th, clock(-6) - own, usage(0) - r, usage(1) - rt} {
			still[i] = still[i] || d < most
		}
	}
	fmt.Println("stand still:", still)
	p, r := clock(2), usage(0)
	for start := time.Now(); clock(2)-p < 20*time.Millisecond && time.Since(start) < 30*time.Second; {
	}
	fmt.Println("go on:", clock(2)-p >= 20*time.Millisecond, usage(0)-r >= 10*time.Millisecond)
	for _, id := range []int32{0, 1, 4, 5, 6, 7, 11} {
		if clock(id) == 0 {
			fmt.Println("clock", id, "is zero")
		}
	}
	clock(8)
	clock(-8*12345 + 2)
	fmt.Println("children:", usage(-1), syscall.Getrusage(7, new(syscall.Rusage)))
	var t syscall.Tms
	ticks, err := syscall.Times(&t)
	fmt.Println("times:", ticks > 0, t.Utime < 300, err)
}

func environment() {
	found := map[uintptr]uintptr{}
	v := getAuxv()
	for i := 0; i+1 < len(v); i += 2 {
		found[v[i]] = v[i+1]
	}
	fmt.Println("page", found[6], "clock", found[17], "hwcap", found[16] != 0, "random", found[25] != 0, "uid", found[11])
	_, hwcap2 := found[26]
	fmt.Println("hwcap2", hwcap2)
	st, err := os.Stat("/dev/shm")
	fmt.Println(st.Mode(), err)
}

func signals() {
	c := make(chan os.Signal, 10)
	signal.Notify(c, syscall.SIGALRM, syscall.SIGPIPE)
	type itimer struct{ interval, value syscall.Timeval }
	set := func(t itimer) (old itimer, e syscall.Errno) {
		_, _, e = syscall.Syscall(syscall.SYS_SETITIMER, 0, uintptr(unsafe.Pointer(&t)), uintptr(unsafe.Pointer(&old)))
		return old, e
	}
	set(itimer{value: syscall.Timeval{Usec: 5000}})
	fmt.Println(<-c)
	set(itimer{syscall.Timeval{Usec: 3000}, syscall.Timeval{Usec: 1000}})
	fmt.Println(<-c, <-c, <-c)
	old, e := set(itimer{})
	fmt.Println(old.interval.Usec, e)
	left, _, e := syscall.Syscall(syscall.SYS_ALARM, 100, 0, 0)
	fmt.Println("alarm:", left, e)
	var cur itimer
	_, _, e = syscall.Syscall(syscall.SYS_GETITIMER, 0, uintptr(unsafe.Pointer(&cur)), 0)
	fmt.Println("left:", cur.value.Sec == 99, e)
	left, _, e = syscall.Syscall(syscall.SYS_ALARM, 0, 0, 0)
	fmt.Println("alarm:", left, e)
	_, _, e = syscall.Syscall(syscall.SYS_SETITIMER, 7, uintptr(unsafe.Pointer(&cur)), 0)
	fmt.Println("no timer:", e)
	for len(c) > 0 {
		<-c
	}

	r, w, _ := os.Pipe()
	r.Close()
	_, err := w.Write([]byte("x"))
	fmt.Println(err, <-c)
	s, _ := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	syscall.Close(s[0])
	_, err = syscall.Write(s[1], []byte("x"))
	fmt.Println(err, <-c)
	signal.Reset()
	_, err = w.Write([]byte("x"))
	fmt.Println(err)
}

func odd() {
	call := func(num, a, b, c uintptr) (int, syscall.Errno) {
		r, _, e := syscall.Syscall6(num, a, b, c, 0, 0, 0)
		return int(r), e
	}
	name := append([]byte("a-name-that-is-too-long"), 0)
	fmt.Println(call(syscall.SYS_PRCTL, 15, uintptr(unsafe.Pointer(&name[0])), 0))
	var got [16]byte
	fmt.Println(call(syscall.SYS_PRCTL, 16, uintptr(unsafe.Pointer(&got)), 0))
	fmt.Printf("%q\n", got)
	fmt.Println(call(syscall.SYS_PRCTL, 3, 0, 0))
	fmt.Println(call(syscall.SYS_PRCTL, 4, 0, 0))
	fmt.Println(call(syscall.SYS_PRCTL, 3, 0, 0))
	fmt.Println(call(syscall.SYS_PRCTL, 4, 5, 0))
	fmt.Println(call(syscall.SYS_PRCTL, 39, 0, 0))
	fmt.Println(call(syscall.SYS_PRCTL, 38, 1, 0))
	fmt.Println(call(syscall.SYS_PRCTL, 39, 0, 0))
	fmt.Println(call(syscall.SYS_PRCTL, 30, 0, 0))
	fmt.Println(call(syscall.SYS_SCHED_GETSCHEDULER, 0, 0, 0))
	fmt.Println(call(syscall.SYS_SCHED_GET_PRIORITY_MAX, 1, 0, 0))
	fmt.Println(call(syscall.SYS_SCHED_GET_PRIORITY_MIN, 0, 0, 0))
	fmt.Println(call(syscall.SYS_SCHED_GET_PRIORITY_MIN, 77, 0, 0))

	m, err := syscall.Mmap(-1, 0, 4*4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	m[0] = 1
	var there [4]byte
	_, e := call(syscall.SYS_MINCORE, uintptr(unsafe.Pointer(&m[0])), 4*4096, uintptr(unsafe.Pointer(&there)))
	fmt.Println(err, e, there[0])
	_, e = call(syscall.SYS_MINCORE, uintptr(unsafe.Pointer(&m[0]))+1, 4096, uintptr(unsafe.Pointer(&there)))
	fmt.Println(e)

	a, b, _ := os.Pipe()
	first, last := a.Fd(), b.Fd()
	fmt.Println(call(436, first, last, 4))
	flags, _ := call(syscall.SYS_FCNTL, first, syscall.F_GETFD, 0)
	fmt.Println("close on exec:", flags)
	fmt.Println(call(436, first, last, 0))
	fmt.Println(call(syscall.SYS_FCNTL, first, syscall.F_GETFD, 0))
	fmt.Println(call(436, 5, 4, 0))

	f, _ := os.CreateTemp("", "odd")
	defer os.Remove(f.Name())
	times := [2]int64{1000, 2000}
	path := append([]byte(f.Name()), 0)
	_, e = call(syscall.SYS_UTIME, uintptr(unsafe.Pointer(&path[0])), uintptr(unsafe.Pointer(&times)), 0)
	st, _ := f.Stat()
	fmt.Println(e, st.ModTime().Unix())
	text := []byte("text")
	vec := [1]syscall.Iovec{{Base: &text[0], Len: 4}}
	r, _, e := syscall.Syscall6(328, f.Fd(), uintptr(unsafe.Pointer(&vec)), 1, ^uintptr(0), 0, 2)
	fmt.Println(int(r), e)
	r, _, e = syscall.Syscall6(327, f.Fd(), uintptr(unsafe.Pointer(&vec)), 1, 1, 0, 0)
	fmt.Println(int(r), e, string(text))
	r, _, e = syscall.Syscall6(327, f.Fd(), uintptr(unsafe.Pointer(&vec)), 1, 1, 0, 0x8000)
	fmt.Println(int(r), e)
}

func main() {
	cpuTime()
	environment()
	signals()
	odd()
}
