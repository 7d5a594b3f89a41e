// Sockets of AF_UNIX in flight (SCM_RIGHTS) that nothing but each other's queues holds are closed, and
// those that somebody can still receive are not. A pipe's writing end that flies with them tells when.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func pair(kind int) (int, int) {
	p, err := syscall.Socketpair(syscall.AF_UNIX, kind, 0)
	check(err)
	t := syscall.Timeval{Sec: 30} // for ever, were it not for a fault
	check(syscall.SetsockoptTimeval(p[0], syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &t))
	check(syscall.SetsockoptTimeval(p[1], syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &t))
	return p[0], p[1]
}

func send(over int, fds ...int) {
	check(syscall.Sendmsg(over, []byte("x"), syscall.UnixRights(fds...), nil, 0))
}

func recv(from int) []int {
	b, oob := make([]byte, 1), make([]byte, 256)
	_, n, _, _, err := syscall.Recvmsg(from, b, oob, 0)
	check(err)
	m, err := syscall.ParseSocketControlMessage(oob[:n])
	check(err)
	fds, err := syscall.ParseUnixRights(&m[0])
	check(err)
	return fds
}

func shut(fds ...int) {
	for _, fd := range fds {
		check(syscall.Close(fd))
	}
}

// An event that makes Linux look for sockets that are lost.
func look() { shut(two(pair(syscall.SOCK_STREAM))...) }

func two(a, b int) []int { return []int{a, b} }

type flag struct{ r int }

// newFlag returns a pipe's end to be sent, and what says when it is closed.
func newFlag() (int, flag) {
	var p [2]int
	check(syscall.Pipe(p[:]))
	return p[1], flag{p[0]}
}

func (f flag) wait() string {
	n, err := syscall.Read(f.r, make([]byte, 1))
	shut(f.r)
	return fmt.Sprint(n, err)
}

// alive says whether the pipe's end is open. All that is lost by now has been closed before.
func (f flag) alive() bool {
	w, lost := newFlag()
	a, b := pair(syscall.SOCK_STREAM)
	send(a, b, w)
	shut(w, a, b)
	look()
	lost.wait()
	check(syscall.SetNonblock(f.r, true))
	n, err := syscall.Read(f.r, make([]byte, 1))
	check(syscall.SetNonblock(f.r, false))
	return n == -1 && err == syscall.EAGAIN
}

func read(fd int) string {
	n, err := syscall.Read(fd, make([]byte, 8))
	return fmt.Sprint(n, " ", err)
}

func itself(kind int) {
	w, f := newFlag()
	a, b := pair(kind)
	send(a, b, w)
	shut(w, b)
	look()
	fmt.Println("in itself:", f.wait())
	if kind != syscall.SOCK_DGRAM {
		fmt.Println("its peer:", read(a))
	}
	shut(a)
}

func circle(kind int) {
	w, f := newFlag()
	a, b := pair(kind)
	c, d := pair(kind)
	send(c, b)
	send(a, d, w)
	shut(w, a, b, c, d)
	look()
	fmt.Println("circle of two:", f.wait())
}

// ring makes n sockets, each in the queue of the next, and returns the first, which is open.
func ring(kind, n, w int) int {
	first, over := 0, 0
	var last int
	for i := range n {
		x, y := pair(kind)
		if i == 0 {
			first, over = y, x
		} else {
			send(x, last, w)
			shut(last, x)
		}
		last = y
		if i == 0 {
			last, _ = syscall.Dup(y)
		}
	}
	send(over, last)
	shut(over, last)
	return first
}

func large(kind int) {
	w, f := newFlag()
	first := ring(kind, 300, w)
	shut(w)
	fmt.Println("ring with a descriptor, alive:", f.alive())
	next := recv(first)
	fmt.Println("received:", len(next), f.alive())
	shut(next...)
	fmt.Println("cut open:", f.wait())
	shut(first)

	w, f = newFlag()
	first = ring(kind, 300, w)
	shut(w, first)
	look()
	fmt.Println("ring that nobody holds:", f.wait())
}

func outside() {
	w, f := newFlag()
	a, b := pair(syscall.SOCK_STREAM)
	c, d := pair(syscall.SOCK_STREAM)
	send(c, b, w)
	send(a, d)
	keep, err := syscall.Dup(d)
	check(err)
	shut(w, a, b, c, d)
	fmt.Println("held outside, alive:", f.alive())
	fds := recv(keep)
	shut(keep)
	fmt.Println("one received, alive:", f.alive(), len(fds))
	got := recv(fds[0])
	fmt.Println("and the other:", len(got))
	shut(fds...)
	fmt.Println("out of the circle:", read(got[0]), f.wait())
	shut(got...)
}

// behind: lost sockets keep others, which are in no circle themselves, and files of all kinds.
func behind() {
	w, f := newFlag()
	a, b := pair(syscall.SOCK_STREAM)
	c, d := pair(syscall.SOCK_SEQPACKET)
	e, err := syscall.EpollCreate1(0)
	check(err)
	check(syscall.EpollCtl(e, syscall.EPOLL_CTL_ADD, b, &syscall.EpollEvent{Events: syscall.EPOLLIN}))
	t, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	check(err)
	n, err := syscall.Open("/dev/null", syscall.O_RDWR, 0)
	check(err)
	send(c, w)
	send(a, b, d, e, t, n)
	shut(w, b, d, e, t, n)
	look()
	fmt.Println("behind a circle:", f.wait())
	fmt.Println("peers:", read(a), read(c))
	shut(a, c)
}

func listener(name string, keep bool) {
	l, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	check(err)
	to := &syscall.SockaddrUnix{Name: "@" + name + strconv.Itoa(os.Getpid())}
	check(syscall.Bind(l, to))
	check(syscall.Listen(l, 5))
	w, f := newFlag()
	c, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	check(err)
	check(syscall.Connect(c, to))
	a, b := pair(syscall.SOCK_STREAM)
	send(a, l) // by way of b, and twice
	send(c, b, w, l)
	shut(w, a, b)
	if !keep {
		shut(l)
		look()
		fmt.Println("in its own backlog:", f.wait(), read(c))
		shut(c)
		return
	}
	fmt.Println("backlog of an open one, alive:", f.alive())
	s, _, err := syscall.Accept(l)
	check(err)
	shut(l)
	fmt.Println("accepted, alive:", f.alive())
	fds := recv(s)
	shut(fds[1], fds[2])
	fmt.Println("received:", len(fds), f.wait())
	l = recv(fds[0])[0]
	shut(fds[0], s)
	again, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	check(err)
	check(syscall.Connect(again, to)) // it listens still
	s, _, err = syscall.Accept(l)
	check(err)
	shut(again)
	fmt.Println("listens:", read(c), read(s))
	shut(c, s, l)
}

// chain: one closes the next, which must not take a stack frame for each.
func chain(n int) {
	w, f := newFlag()
	last := w
	for range n {
		x, y := pair(syscall.SOCK_STREAM)
		send(x, last)
		shut(last, x)
		last = y
	}
	fmt.Println("chain, alive:", f.alive())
	shut(last)
	fmt.Println("chain:", f.wait())
}

// crowd: circles are made and lost while others are handed round and have to live.
func crowd(n, times int) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			kind := []int{syscall.SOCK_STREAM, syscall.SOCK_DGRAM, syscall.SOCK_SEQPACKET}[i%3]
			w, alive := newFlag()
			a, b := pair(kind)
			c, d := pair(kind)
			send(c, a, b, w) // a and b are reached through d alone
			shut(a, b, w)
			for k := range times {
				w, f := newFlag()
				x := ring(kind, 2+k%7, w)
				shut(w, x)
				fds := recv(d)
				if k%2 == 0 {
					send(fds[0], fds[1]) // b is in its own queue, and a and b open
				}
				look()
				if got := f.wait(); got != "0 <nil>" {
					fmt.Println("a ring stays:", got)
				}
				if k%2 == 0 {
					shut(recv(fds[1])...)
				}
				send(c, fds...)
				shut(fds...)
			}
			if !alive.alive() {
				fmt.Println("what could be received was closed")
			}
			shut(c, d)
			alive.wait()
		})
	}
	all.Wait()
	fmt.Println("crowd: done")
}

func main() {
	if len(os.Args) > 1 {
		n, _ := strconv.Atoi(os.Args[1])
		crowd(12, n)
		chain(n)
		return
	}
	for _, kind := range []int{syscall.SOCK_STREAM, syscall.SOCK_DGRAM, syscall.SOCK_SEQPACKET} {
		itself(kind)
		circle(kind)
		large(kind)
	}
	outside()
	behind()
	listener("lost", false)
	listener("open", true)
	chain(3000)
	crowd(6, 40)
	if _, err := os.Stat("/proc/self/fd/9"); !errors.Is(err, os.ErrNotExist) {
		fmt.Println("descriptors are left open:", err)
	}
}
