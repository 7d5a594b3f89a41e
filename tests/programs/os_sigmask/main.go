// Calls that wait under a mask of signals of their own: ppoll, pselect6, epoll_pwait, epoll_pwait2,
// rt_sigsuspend.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"
	"unsafe"
)

const (
	sysSigprocmask = 14
	sysSigpending  = 127
	sysSigsuspend  = 130
	sysEpollPwait2 = 441
	usr1, usr2     = 10, 12
	never          = -1
)

func set(signals ...uint) (s uint64) {
	for _, n := range signals {
		s |= 1 << (n - 1)
	}
	return s
}

// A mask that lets these through, and no signal of Go's runtime.
func only(signals ...uint) uint64 { return ^set(signals...) }

func setmask(s uint64) (old uint64) {
	syscall.RawSyscall6(sysSigprocmask, 2, uintptr(unsafe.Pointer(&s)), uintptr(unsafe.Pointer(&old)), 8, 0, 0)
	return old
}

func pending() (s uint64) {
	syscall.RawSyscall(sysSigpending, uintptr(unsafe.Pointer(&s)), 8, 0)
	return s
}

func send(tid, sig int) {
	_, _, e := syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(tid), uintptr(sig))
	if e != 0 {
		panic(e)
	}
}

var (
	caught      = make(chan os.Signal, 10)
	in, out, ep int // a pipe's ends, and a set with its reading end
)

// One kind of call: waits for the pipe, under a mask, for ms milliseconds.
type wait struct {
	name string
	call func(mask uint64, ms int) (uintptr, syscall.Errno)
}

func timespec(ms int) unsafe.Pointer {
	if ms == never {
		return nil
	}
	t := syscall.NsecToTimespec(int64(ms) * 1e6)
	return unsafe.Pointer(&t)
}

func ppoll(mask uint64, ms int) (uintptr, syscall.Errno) {
	fd := struct {
		fd              int32
		events, revents int16
	}{int32(in), 1, 0}
	n, _, e := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&fd)), 1, uintptr(timespec(ms)),
		uintptr(unsafe.Pointer(&mask)), 8, 0)
	return n, e
}

func pselect(mask uint64, ms int) (uintptr, syscall.Errno) {
	var fds syscall.FdSet
	fds.Bits[in/64] |= 1 << (in % 64)
	six := [2]uintptr{uintptr(unsafe.Pointer(&mask)), 8}
	n, _, e := syscall.Syscall6(syscall.SYS_PSELECT6, uintptr(in+1), uintptr(unsafe.Pointer(&fds)), 0, 0,
		uintptr(timespec(ms)), uintptr(unsafe.Pointer(&six)))
	return n, e
}

func pwait(mask uint64, ms int) (uintptr, syscall.Errno) {
	var ev [4]syscall.EpollEvent
	n, _, e := syscall.Syscall6(syscall.SYS_EPOLL_PWAIT, uintptr(ep), uintptr(unsafe.Pointer(&ev)), 4, uintptr(ms),
		uintptr(unsafe.Pointer(&mask)), 8)
	return n, e
}

func pwait2(mask uint64, ms int) (uintptr, syscall.Errno) {
	var ev [4]syscall.EpollEvent
	n, _, e := syscall.Syscall6(sysEpollPwait2, uintptr(ep), uintptr(unsafe.Pointer(&ev)), 4, uintptr(timespec(ms)),
		uintptr(unsafe.Pointer(&mask)), 8)
	return n, e
}

// show says what a call has returned, and which signals have come: so many will, however late.
func show(what string, n uintptr, e syscall.Errno, signals int) {
	if e != 0 {
		fmt.Print("  ", what, ": ", e)
	} else {
		fmt.Print("  ", what, ": ", n)
	}
	fmt.Printf(", pending %#x, mask %#x", pending(), setmask(set(usr1)))
	var got []string
	for patience := time.Minute; ; {
		if len(got) >= signals {
			patience = 10 * time.Millisecond
		}
		select {
		case s := <-caught:
			got = append(got, s.String())
			continue
		case <-time.After(patience):
		}
		break
	}
	slices.Sort(got)
	fmt.Println("", got)
}

func kinds(w wait) {
	fmt.Println(w.name)
	tid := syscall.Gettid()
	try := func(what string, mask uint64, ms, signals int) {
		n, e := w.call(mask, ms)
		show(what, n, e, signals)
	}
	later := func(sig int) {
		go func() {
			time.Sleep(20 * time.Millisecond)
			send(tid, sig)
		}()
	}
	setmask(set(usr1))
	try("nothing", only(usr1), 5, 0)
	send(tid, usr1)
	try("waits and stays blocked", only(), 5, 0)
	try("waits, let through", only(usr1), never, 1)
	send(tid, usr1)
	n, e := w.call(only(usr1), 0)
	due := 0
	if e == syscall.EINTR { // not of every kind
		due = 1
	}
	show("waits, no time", n, e, due)
	send(tid, usr1)
	syscall.Write(out, []byte("x"))
	try("waits, but the pipe is ready", only(usr1), never, 0)
	var b [1]byte
	syscall.Read(in, b[:])
	try("waits still", only(usr1), 1000, 1)
	later(usr1)
	try("comes", only(usr1), never, 1)
	again := resend(tid, usr2)
	n, e = w.call(only(usr2), never)
	again()
	show("not blocked before, comes", n, e, 1)
	setmask(set(usr1))
	later(usr2)
	try("blocked meanwhile", only(), 60, 1)
	later(usr1)
	later(usr2)
	n, e = w.call(only(usr1), never)
	show("one of two", n, e, 2)
}

// resend sends a signal that the caller's next call must meet, which may be late: again and again,
// until what is returned is called. That leaves one of them in caught.
func resend(tid, sig int) func() {
	over, sent := make(chan bool), make(chan int)
	go func() {
		n := 0
		for patience := 20 * time.Millisecond; ; patience = time.Second {
			select {
			case <-over:
				sent <- n
				return
			case <-time.After(patience):
				send(tid, sig)
				n++
			}
		}
	}()
	return func() {
		close(over)
		for n := <-sent; n > 1; n-- {
			select {
			case <-caught:
			case <-time.After(time.Second): // two have become one
			}
		}
	}
}

func suspend() {
	fmt.Println("rt_sigsuspend")
	tid := syscall.Gettid()
	mask := only(usr1)
	call := func(p unsafe.Pointer, size uintptr) (uintptr, syscall.Errno) {
		n, _, e := syscall.Syscall(sysSigsuspend, uintptr(p), size, 0)
		return n, e
	}
	setmask(set(usr1))
	send(tid, usr1)
	n, e := call(unsafe.Pointer(&mask), 8)
	show("waits", n, e, 1)
	go func() {
		time.Sleep(20 * time.Millisecond)
		send(tid, usr1)
	}()
	n, e = call(unsafe.Pointer(&mask), 8)
	show("comes", n, e, 1)
	n, e = call(unsafe.Pointer(&mask), 4)
	show("size", n, e, 0)
	n, e = call(nil, 8)
	show("pointer", n, e, 0)
	n, e = call(nil, 4)
	show("both", n, e, 0)
}

func main() {
	runtime.LockOSThread()
	signal.Notify(caught, syscall.SIGUSR1, syscall.SIGUSR2)
	var p [2]int
	syscall.Pipe(p[:])
	in, out = p[0], p[1]
	ep, _ = syscall.EpollCreate1(0)
	syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, in, &syscall.EpollEvent{Events: syscall.EPOLLIN})
	for _, w := range []wait{{"ppoll", ppoll}, {"pselect6", pselect}, {"epoll_pwait", pwait}, {"epoll_pwait2", pwait2}} {
		kinds(w)
	}
	suspend()
}
