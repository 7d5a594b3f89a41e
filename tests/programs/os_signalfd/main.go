// Signals that a thread blocks and takes by itself: signalfd, rt_sigtimedwait, masks.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

const (
	sysSigprocmask   = 14
	sysSigpending    = 127
	sysSigtimedwait  = 128
	sysSignalfd      = 282
	sysSignalfd4     = 289
	sysTgsigqueue    = 297
	usr1, usr2, rt3  = 10, 12, 37
	block, unblock   = 0, 1
	setmask          = 2
	nonblock, cloexe = 0o4000, 0o2000000
)

func set(signals ...uint) (s uint64) {
	for _, n := range signals {
		s |= 1 << (n - 1)
	}
	return s
}

func errText(e syscall.Errno) string {
	if e == 0 {
		return "ok"
	}
	return e.Error()
}

func mask(how int, s uint64) (old uint64) {
	_, _, e := syscall.RawSyscall6(sysSigprocmask, uintptr(how), uintptr(unsafe.Pointer(&s)),
		uintptr(unsafe.Pointer(&old)), 8, 0, 0)
	if e != 0 {
		panic(e)
	}
	return old
}

func signalfd4(fd int, s uint64, size, flags uintptr) (int, syscall.Errno) {
	r, _, e := syscall.Syscall6(sysSignalfd4, uintptr(fd), uintptr(unsafe.Pointer(&s)), size, flags, 0, 0)
	return int(r), e
}

func newfd(s uint64, flags uintptr) int {
	fd, e := signalfd4(-1, s, 8, flags)
	if e != 0 {
		panic(e)
	}
	return fd
}

func self(sig int) {
	_, _, e := syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(syscall.Gettid()), uintptr(sig))
	if e != 0 {
		panic(e)
	}
}

// Sends sig with a value, as sigqueue does.
func queue(sig int, value uint64) {
	var info [128]byte
	var code int32 = -1
	binary.LittleEndian.PutUint32(info[8:], uint32(code))
	binary.LittleEndian.PutUint32(info[16:], 4711)
	binary.LittleEndian.PutUint32(info[20:], 815)
	binary.LittleEndian.PutUint64(info[24:], value)
	_, _, e := syscall.RawSyscall6(sysTgsigqueue, uintptr(os.Getpid()), uintptr(syscall.Gettid()),
		uintptr(sig), uintptr(unsafe.Pointer(&info)), 0, 0)
	fmt.Println("queue", errText(e))
}

func show(b []byte) {
	for ; len(b) >= 128; b = b[128:] {
		u := binary.LittleEndian.Uint32
		pid := "another"
		if int(u(b[12:])) == os.Getpid() {
			pid = "this"
		} else if u(b[12:]) == 4711 {
			pid = "4711"
		}
		fmt.Printf(" signal %d errno %d code %d pid %s uid %d int %d ptr %#x\n", u(b), u(b[4:]), int32(u(b[8:])),
			pid, u(b[16:]), int32(u(b[44:])), binary.LittleEndian.Uint64(b[48:]))
	}
}

func read(fd, n int) {
	b := make([]byte, n)
	got, err := syscall.Read(fd, b)
	fmt.Println("read", n, "got", got, err)
	if got > 0 {
		show(b[:got])
	}
}

func poll(fd int, ms int) string {
	p := struct {
		fd      int32
		events  int16
		revents int16
	}{int32(fd), 0x7, 0}
	n, _, e := syscall.Syscall(syscall.SYS_POLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(ms))
	return fmt.Sprintf("%d %#x %s", n, p.revents, errText(e))
}

func pending() uint64 {
	var s uint64
	syscall.RawSyscall(sysSigpending, uintptr(unsafe.Pointer(&s)), 8, 0)
	return s
}

func reading() {
	fmt.Println("before", mask(block, set(usr1, usr2, rt3, 9, 19)))
	fmt.Printf("mask %#x\n", mask(block, 0))
	fd := newfd(set(usr1, usr2, rt3, 9), nonblock|cloexe)
	flags, _, _ := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	fdflags, _, _ := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
	name, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	fmt.Printf("flags %#o %d %s\n", flags, fdflags, name)
	fmt.Println("poll", poll(fd, 0))
	read(fd, 128)
	read(fd, 127)
	_, err := syscall.Write(fd, make([]byte, 128))
	fmt.Println("write", err)
	self(usr2)
	self(usr1)
	self(usr1)
	queue(rt3, 1)
	queue(rt3, 1<<40|7)
	self(rt3)
	queue(usr1, 5)
	fmt.Printf("poll %s pending %#x\n", poll(fd, 0), pending())
	read(fd, 200)
	read(fd, 256)
	read(fd, 1000)
	read(fd, 1000)
	fmt.Printf("poll %s pending %#x\n", poll(fd, 0), pending())

	self(usr1)
	self(usr2)
	same, e := signalfd4(fd, set(usr2), 8, 0)
	fmt.Println("new set", same == fd, errText(e))
	read(fd, 1000)
	fmt.Println("poll", poll(fd, 0))
	signalfd4(fd, set(usr1), 8, 0)
	fmt.Println("poll", poll(fd, 0))
	read(fd, 1000)
	syscall.Close(fd)
}

func errors() {
	fd := newfd(set(usr1), 0)
	var p [2]int
	syscall.Pipe(p[:])
	try := func(what string, fd int, size, flags uintptr) {
		_, e := signalfd4(fd, set(usr1), size, flags)
		fmt.Println(what, errText(e))
	}
	try("size", -1, 4, 0)
	try("flags", -1, 8, 1)
	try("flags of an old one", fd, 8, nonblock)
	try("not open", 999, 8, 0)
	try("-2", -2, 8, 0)
	try("a pipe", p[0], 8, 0)
	_, _, e := syscall.Syscall6(sysSignalfd4, ^uintptr(0), 8, 8, 0, 0, 0)
	fmt.Println("pointer", errText(e))
	s := set(usr1)
	old, _, e := syscall.Syscall(sysSignalfd, ^uintptr(0), uintptr(unsafe.Pointer(&s)), 8)
	fmt.Println("signalfd", errText(e))
	syscall.Close(int(old))
	_, _, e = syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(syscall.Gettid()), 65)
	fmt.Println("signal 65:", errText(e))
	_, _, e = syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), 0, usr1)
	fmt.Println("thread 0:", errText(e))
	_, _, e = syscall.RawSyscall6(sysSigprocmask, 3, uintptr(unsafe.Pointer(&s)), 0, 8, 0, 0)
	fmt.Println("how 3:", errText(e))
	syscall.Close(fd)
	syscall.Close(p[0])
	syscall.Close(p[1])
}

// A read that waits, a poll that waits, an epoll that waits: another goroutine sends.
func waiting() {
	fd := newfd(set(usr1, usr2), 0)
	tid := syscall.Gettid()
	later := func(sig int) {
		time.Sleep(30 * time.Millisecond)
		syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(tid), uintptr(sig))
	}
	go later(usr1)
	read(fd, 256)
	go later(usr2)
	fmt.Println("poll", poll(fd, 60000))
	read(fd, 256)
	ep, _ := syscall.EpollCreate1(0)
	syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: 7})
	ev := make([]syscall.EpollEvent, 4)
	n, err := syscall.EpollWait(ep, ev, 0)
	fmt.Println("epoll", n, err)
	go later(usr1)
	n, err = syscall.EpollWait(ep, ev, 60000)
	fmt.Println("epoll", n, err, ev[0].Events, ev[0].Fd)
	read(fd, 256)
	n, err = syscall.EpollWait(ep, ev, 0)
	fmt.Println("epoll", n, err)
	fmt.Println("poll", poll(fd, 20))
	syscall.Close(ep)
	syscall.Close(fd)
}

// What is not blocked, or is for the process, goes to os/signal.
func delivered() {
	c := make(chan os.Signal, 10)
	signal.Notify(c, syscall.SIGUSR1, syscall.SIGUSR2)
	fd := newfd(set(usr1, usr2), nonblock)
	syscall.Kill(os.Getpid(), usr1)
	fmt.Println("for the process:", <-c)
	read(fd, 256)
	self(usr1)
	self(usr2)
	select {
	case s := <-c:
		fmt.Println("blocked, and yet", s)
	case <-time.After(20 * time.Millisecond):
		fmt.Println("blocked")
	}
	fmt.Printf("old mask %#x\n", mask(unblock, set(usr1)))
	fmt.Println("unblocked:", <-c)
	read(fd, 256)
	self(usr1)
	fmt.Println("not blocked:", <-c)
	fmt.Printf("old mask %#x\n", mask(setmask, set(usr1, usr2, rt3)))
	signal.Stop(c)
	syscall.Close(fd)
}

func pipes() {
	var p [2]int
	syscall.Pipe(p[:])
	syscall.Close(p[0])
	fd := newfd(set(13), nonblock)
	mask(block, set(13))
	_, err := syscall.Write(p[1], []byte("x"))
	fmt.Println("write", err)
	read(fd, 256)
	syscall.Close(p[1])
	syscall.Close(fd)
}

func timedwait() {
	wait := func(s uint64, ns int64) {
		var info [128]byte
		t := syscall.NsecToTimespec(ns)
		r, _, e := syscall.Syscall6(sysSigtimedwait, uintptr(unsafe.Pointer(&s)), uintptr(unsafe.Pointer(&info)),
			uintptr(unsafe.Pointer(&t)), 8, 0, 0)
		if e != 0 {
			fmt.Println("wait", errText(e))
			return
		}
		fmt.Println("wait", r, binary.LittleEndian.Uint32(info[0:]), int32(binary.LittleEndian.Uint32(info[8:])),
			int32(binary.LittleEndian.Uint32(info[24:])))
	}
	wait(set(usr1), 0)
	start := time.Now()
	wait(set(usr1), 30e6)
	fmt.Println(time.Since(start) >= 30*time.Millisecond)
	wait(set(usr1), -1)
	queue(rt3, 99)
	self(usr2)
	wait(set(usr1, rt3), 0)
	wait(set(usr2), 1e9)
	tid := syscall.Gettid()
	go func() {
		time.Sleep(20 * time.Millisecond)
		syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(tid), usr1)
	}()
	wait(set(usr1), 60e9)
}

// Goroutines that are locked have masks of their own, which end with them.
func others() {
	for i := range 40 {
		done := make(chan bool)
		go func() {
			runtime.LockOSThread()
			if old := mask(setmask, set(usr1, usr2, rt3)); old != 0 {
				fmt.Printf("goroutine %d begins with mask %#x\n", i, old)
			}
			fd := newfd(set(rt3), nonblock)
			self(rt3)
			self(usr1)
			b := make([]byte, 512)
			if n, err := syscall.Read(fd, b); n != 128 || err != nil {
				fmt.Println(i, n, err)
			}
			syscall.Close(fd)
			done <- true
		}()
		<-done
	}
	fmt.Printf("mask %#x pending %#x\n", mask(block, 0), pending())
}

func main() {
	runtime.LockOSThread()
	reading()
	errors()
	waiting()
	delivered()
	pipes()
	timedwait()
	others()
}
