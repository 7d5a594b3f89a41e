// select, pselect6, ppoll and timer descriptors.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func set(fds ...int) *syscall.FdSet {
	var s syscall.FdSet
	for _, fd := range fds {
		s.Bits[fd/64] |= 1 << (fd % 64)
	}
	return &s
}

func has(s *syscall.FdSet, fd int) bool { return s.Bits[fd/64]>>(fd%64)&1 != 0 }

func selects() {
	var p [2]int
	check(syscall.Pipe(p[:]))
	r, w := set(p[0]), set(p[1])
	n, err := syscall.Select(p[1]+1, r, w, nil, nil)
	fmt.Println("writable:", n, err, has(r, p[0]), has(w, p[1]))
	tv := syscall.Timeval{Usec: 20000}
	start := time.Now()
	n, err = syscall.Select(p[1]+1, set(p[0]), nil, nil, &tv)
	fmt.Println("timeout:", n, err, time.Since(start) >= 20*time.Millisecond, tv.Usec)
	go func() {
		time.Sleep(10 * time.Millisecond)
		syscall.Write(p[1], []byte("x"))
	}()
	r = set(p[0])
	tv = syscall.Timeval{Sec: 100}
	n, err = syscall.Select(p[0]+1, r, nil, set(p[0]), &tv)
	fmt.Println("readable:", n, err, has(r, p[0]), tv.Sec > 0 && tv.Sec < 100)
	r, w = set(p[0]), set(p[0])
	n, err = syscall.Select(p[0]+1, r, w, nil, &syscall.Timeval{})
	fmt.Println("read end asked for writing:", n, err, has(r, p[0]), has(w, p[0]))
	n, err = syscall.Select(0, nil, nil, nil, &syscall.Timeval{Usec: 1000})
	fmt.Println("nothing:", n, err)
	n, err = syscall.Select(64, set(50), nil, nil, nil)
	fmt.Println("bad descriptor:", err)
	n, err = syscall.Select(-1, nil, nil, nil, nil)
	fmt.Println("negative:", err)
	n, err = syscall.Select(1, nil, nil, nil, &syscall.Timeval{Sec: -1})
	fmt.Println("negative time:", err)
	syscall.Close(p[1])
	r, w = set(p[0]), set(p[0])
	n, err = syscall.Select(p[0]+1, r, nil, nil, nil)
	fmt.Println("closed:", n, err, has(r, p[0]))

	mask := uint64(0)
	six := [2]uintptr{uintptr(unsafe.Pointer(&mask)), 8}
	ts := syscall.Timespec{Sec: 100}
	r = set(p[0])
	n1, _, e := syscall.Syscall6(syscall.SYS_PSELECT6, uintptr(p[0]+1), uintptr(unsafe.Pointer(r)), 0, 0, uintptr(unsafe.Pointer(&ts)), uintptr(unsafe.Pointer(&six)))
	fmt.Println("pselect6:", n1, e, ts.Sec > 0 && ts.Sec <= 100)
	six[1] = 3
	_, _, e = syscall.Syscall6(syscall.SYS_PSELECT6, uintptr(p[0]+1), uintptr(unsafe.Pointer(r)), 0, 0, uintptr(unsafe.Pointer(&ts)), uintptr(unsafe.Pointer(&six)))
	fmt.Println("pselect6, odd mask:", e)
	type pollfd struct {
		fd              int32
		events, revents int16
	}
	fds := []pollfd{{int32(p[0]), 0x41, 0}, {-1, 1, 9}, {400, 1, 0}}
	ts = syscall.Timespec{Nsec: 1e6}
	n1, _, e = syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), 3, uintptr(unsafe.Pointer(&ts)), uintptr(unsafe.Pointer(&mask)), 8, 0)
	fmt.Println("ppoll:", n1, e, fds[0].revents, fds[1].revents, fds[2].revents)
	ts = syscall.Timespec{Nsec: 1e6}
	n1, _, e = syscall.Syscall6(syscall.SYS_PPOLL, 0, 0, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	fmt.Println("ppoll, rest of the time:", n1, e, ts.Nsec)
	syscall.Close(p[0])
}

type spec struct{ interval, value syscall.Timespec }

func settime(fd, flags int, s spec) (old spec, e syscall.Errno) {
	_, _, e = syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, uintptr(fd), uintptr(flags), uintptr(unsafe.Pointer(&s)), uintptr(unsafe.Pointer(&old)), 0, 0)
	return old, e
}

func ticks(fd int) (uint64, error) {
	var n uint64
	_, err := syscall.Read(fd, unsafe.Slice((*byte)(unsafe.Pointer(&n)), 8))
	return n, err
}

func timers() {
	mk := func(clock, flags int) int {
		fd, _, e := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, uintptr(clock), uintptr(flags), 0)
		if e != 0 {
			fmt.Println("timerfd_create", clock, e)
		}
		return int(fd)
	}
	fd := mk(1, syscall.O_NONBLOCK)
	n, err := ticks(fd)
	fmt.Println("disarmed:", n, err)
	old, e := settime(fd, 0, spec{value: syscall.Timespec{Nsec: 5e6}})
	fmt.Println("set:", old, e)
	time.Sleep(10 * time.Millisecond)
	n, err = ticks(fd)
	fmt.Println("once:", n, err)
	n, err = ticks(fd)
	fmt.Println("no more:", n, err)
	settime(fd, 0, spec{syscall.Timespec{Nsec: 2e6}, syscall.Timespec{Nsec: 1}})
	time.Sleep(50 * time.Millisecond)
	n, err = ticks(fd)
	fmt.Println("many:", n >= 20, err)
	old, e = settime(fd, 0, spec{})
	fmt.Println("stopped:", old.interval.Nsec, old.value.Nsec >= 0 && old.value.Nsec <= 2e6, e)
	time.Sleep(5 * time.Millisecond)
	n, err = ticks(fd)
	fmt.Println("stays so:", n, err)
	_, err = syscall.Read(fd, make([]byte, 4))
	fmt.Println("short:", err)
	_, err = syscall.Write(fd, make([]byte, 8))
	fmt.Println("write:", err)
	_, e = settime(fd, 0, spec{value: syscall.Timespec{Nsec: 1e9}})
	fmt.Println("odd time:", e)
	_, e = settime(0, 0, spec{})
	fmt.Println("no timer:", e)
	link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	fmt.Println(link, err)
	syscall.Close(fd)

	fd = mk(0, 0) // blocking, wall clock
	var tv syscall.Timeval
	start := time.Now()
	syscall.Gettimeofday(&tv)
	when := syscall.NsecToTimespec(tv.Nano() + 20e6)
	_, e = settime(fd, 1, spec{value: when})
	n, err = ticks(fd)
	fmt.Println("absolute:", e, n, err, time.Since(start) > 15*time.Millisecond)
	_, e = settime(fd, 1, spec{value: syscall.Timespec{Sec: 1}})
	n, err = ticks(fd)
	fmt.Println("long ago:", e, n, err)
	var cur spec
	_, _, e = syscall.Syscall(syscall.SYS_TIMERFD_GETTIME, uintptr(fd), uintptr(unsafe.Pointer(&cur)), 0)
	fmt.Println("gettime:", cur, e)
	syscall.Close(fd)
	_, _, e = syscall.Syscall(syscall.SYS_TIMERFD_CREATE, 77, 0, 0)
	fmt.Println("no clock:", e)

	// os.File waits for it as for any other.
	fd = mk(7, syscall.O_NONBLOCK)
	settime(fd, 0, spec{syscall.Timespec{Nsec: 3e6}, syscall.Timespec{Nsec: 3e6}})
	f := os.NewFile(uintptr(fd), "timer")
	b := make([]byte, 8)
	for i := 0; i < 3; i++ {
		k, err := f.Read(b)
		if k != 8 || b[0] == 0 || err != nil {
			fmt.Println("ticker:", k, err, b)
		}
	}
	f.Close()
	fmt.Println("ticker")
}

// Waits for nothing that ever comes on standard output: for a time, and for good beside others.
func output() {
	type pollfd struct {
		fd              int32
		events, revents int16
	}
	poll := func(ms int) {
		p := pollfd{1, 0, 0}
		n, _, e := syscall.Syscall(syscall.SYS_POLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(ms))
		fmt.Println("poll output:", n, e, p.revents)
	}
	poll(5)
	n, err := syscall.Select(2, nil, nil, set(1), &syscall.Timeval{Usec: 5000})
	fmt.Println("select output:", n, err)
	ep, err := syscall.EpollCreate1(0)
	check(err)
	if syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, 1, &syscall.EpollEvent{Events: syscall.EPOLLPRI}) == nil {
		n, err = syscall.EpollWait(ep, make([]syscall.EpollEvent, 1), 5)
	}
	fmt.Println("epoll output:", n, err)
	syscall.Close(ep)
	go poll(-1)
	go syscall.Select(2, nil, nil, set(1), nil)
	for range 3 {
		time.Sleep(5 * time.Millisecond)
	}
	fmt.Println("beside")
}

func main() {
	selects()
	output()
	timers()
}
