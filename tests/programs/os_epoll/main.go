// Event loops of their own: epoll over pipes, sockets, eventfds and timers, in all its modes, as
// modules call it that do not wait with package os.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	in        = syscall.EPOLLIN
	out       = syscall.EPOLLOUT
	et        = 1 << 31
	oneshot   = 1 << 30
	exclusive = 1 << 28
	rdhup     = 0x2000
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func create() int {
	ep, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	check(err)
	return ep
}

func ctl(ep, op, fd int, events uint32, data int32) error {
	return syscall.EpollCtl(ep, op, fd, &syscall.EpollEvent{Events: events, Fd: data})
}

func add(ep, fd int, events uint32, data int32) {
	check(ctl(ep, syscall.EPOLL_CTL_ADD, fd, events, data))
}
func mod(ep, fd int, events uint32, data int32) {
	check(ctl(ep, syscall.EPOLL_CTL_MOD, fd, events, data))
}

// The events that epoll_wait returns, sorted.
func wait(ep, ms int) string {
	ev := make([]syscall.EpollEvent, 16)
	n, err := syscall.EpollWait(ep, ev, ms)
	if err != nil {
		return err.Error()
	}
	ev = ev[:n]
	sort.Slice(ev, func(i, j int) bool { return ev[i].Fd < ev[j].Fd })
	s := fmt.Sprint(n)
	for _, e := range ev {
		s += fmt.Sprintf(" %d:%#x", e.Fd, e.Events)
	}
	return s
}

func pipe() (r, w int) {
	var p [2]int
	check(syscall.Pipe2(p[:], syscall.O_NONBLOCK))
	return p[0], p[1]
}

func eventfd() int {
	fd, _, e := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK, 0)
	if e != 0 {
		panic(e)
	}
	return int(fd)
}

func put(fd int, s string) {
	_, err := syscall.Write(fd, []byte(s))
	check(err)
}

func take(fd int) int {
	n, _ := syscall.Read(fd, make([]byte, 100))
	return n
}

func level() {
	ep := create()
	r, w := pipe()
	add(ep, r, in, 1)
	add(ep, w, out, 2)
	fmt.Println("level:", wait(ep, 0))
	put(w, "x")
	fmt.Println("level, written:", wait(ep, 0), "again:", wait(ep, 0))
	take(r)
	mod(ep, w, 0, 3)
	fmt.Println("level, read:", wait(ep, 0), "timeout:", wait(ep, 20))
	syscall.Close(w)
	fmt.Println("level, closed:", wait(ep, -1), "errors:", ctl(ep, syscall.EPOLL_CTL_DEL, w, 0, 0))
	check(ctl(ep, syscall.EPOLL_CTL_DEL, r, 0, 0))
	fmt.Println("deleted:", wait(ep, 0), ctl(ep, syscall.EPOLL_CTL_DEL, r, 0, 0))
	syscall.Close(r)
	syscall.Close(ep)
}

func edge() {
	ep := create()
	r, w := pipe()
	add(ep, r, uint32(in|et&0xffffffff), 1)
	put(w, "x")
	fmt.Println("edge:", wait(ep, 0), "again:", wait(ep, 0))
	put(w, "y")
	fmt.Println("edge, second write:", wait(ep, 0), "again:", wait(ep, 0))
	mod(ep, r, uint32(in|et&0xffffffff), 5)
	fmt.Println("edge, modified:", wait(ep, 0), "again:", wait(ep, 0))
	take(r)
	put(w, "z")
	take(r)
	fmt.Println("edge, gone by the time:", wait(ep, 0))
	syscall.Close(w)
	fmt.Println("edge, closed:", wait(ep, 0), "again:", wait(ep, 0))
	syscall.Close(r)
	syscall.Close(ep)

	ep = create()
	r, w = pipe()
	add(ep, r, in|oneshot, 1)
	put(w, "x")
	fmt.Println("one shot:", wait(ep, 0), "again:", wait(ep, 0))
	put(w, "x")
	fmt.Println("one shot, disarmed:", wait(ep, 0))
	mod(ep, r, in|oneshot, 2)
	fmt.Println("one shot, armed:", wait(ep, 0), "again:", wait(ep, 0))
	syscall.Close(r)
	syscall.Close(w)
	syscall.Close(ep)
}

func kinds() {
	ep := create()
	e := eventfd()
	add(ep, e, in|out, 1)
	fmt.Println("eventfd:", wait(ep, 0))
	syscall.Write(e, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	fmt.Println("eventfd, counted:", wait(ep, 0))
	syscall.Close(e)

	s, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	check(err)
	add(ep, s[0], in|rdhup, 2)
	fmt.Println("socket:", wait(ep, 0))
	put(s[1], "x")
	fmt.Println("socket, written:", wait(ep, -1))
	take(s[0])
	syscall.Shutdown(s[1], syscall.SHUT_WR)
	fmt.Println("socket, shut:", wait(ep, -1))
	syscall.Close(s[1])
	fmt.Println("socket, closed:", wait(ep, -1))
	syscall.Close(s[0])
	fmt.Println("all closed:", wait(ep, 0))

	l, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	check(err)
	check(syscall.Bind(l, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	check(syscall.Listen(l, 5))
	sa, err := syscall.Getsockname(l)
	check(err)
	add(ep, l, in, 3)
	fmt.Println("listener:", wait(ep, 0))
	c, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	check(err)
	check(syscall.Connect(c, sa))
	fmt.Println("listener, connected:", wait(ep, 1000))
	a, _, err := syscall.Accept(l)
	check(err)
	add(ep, a, in|out, 4)
	fmt.Println("accepted:", wait(ep, 1000))
	syscall.Close(a)
	syscall.Close(c)
	syscall.Close(l)
	syscall.Close(ep)
}

func nested() {
	inner, outer := create(), create()
	r, w := pipe()
	add(inner, r, in, 1)
	add(outer, inner, in, 2)
	fmt.Println("nested:", wait(outer, 0))
	put(w, "x")
	fmt.Println("nested, written:", wait(outer, 0), wait(inner, 0), wait(outer, 0))
	take(r)
	fmt.Println("nested, read:", wait(outer, 0), wait(inner, 0))
	fmt.Println("circle:", ctl(inner, syscall.EPOLL_CTL_ADD, outer, in, 0))
	fmt.Println("itself:", ctl(inner, syscall.EPOLL_CTL_ADD, inner, in, 0))
	done := make(chan string)
	go func() { done <- wait(outer, -1) }()
	time.Sleep(10 * time.Millisecond)
	put(w, "x")
	fmt.Println("nested, waited for:", <-done)
	syscall.Close(inner)
	fmt.Println("inner closed:", wait(outer, 0))
	syscall.Close(outer)

	sets := []int{create()}
	for i := 0; i < 4; i++ {
		sets = append(sets, create())
		fmt.Print(ctl(sets[i+1], syscall.EPOLL_CTL_ADD, sets[i], in, int32(i)), " ")
	}
	add(sets[0], r, in, 9)
	fmt.Println("deep:", wait(sets[4], 0))
	for _, s := range sets {
		syscall.Close(s)
	}
	syscall.Close(r)
	syscall.Close(w)
}

// Each event is for one of the waiters.
func shared() {
	ep := create()
	r, w := pipe()
	add(ep, r, uint32(in|et&0xffffffff), 1)
	const waiters = 8
	got := make(chan string, waiters)
	for i := 0; i < waiters; i++ {
		go func() { got <- wait(ep, -1) }()
	}
	for i := 0; i < waiters; i++ {
		time.Sleep(2 * time.Millisecond)
		put(w, "x")
		if s := <-got; s != "1 1:0x1" {
			fmt.Println("shared:", s)
		}
	}
	fmt.Println("shared:", len(got), "left,", take(r), "bytes")

	// A pipe in many sets, exclusively: at least one is woken for each event, and no event is lost.
	var wg sync.WaitGroup
	told := make(chan int, waiters)
	for i := 0; i < waiters; i++ {
		e := create()
		add(e, r, in|exclusive, int32(i))
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				if s := wait(e, -1); s[0] != '1' {
					fmt.Println("exclusive:", s)
				}
				var b [1]byte
				n, err := syscall.Read(r, b[:])
				if n == 1 && b[0] == 'q' {
					syscall.Close(e)
					told <- -1
					return
				} else if n == 1 {
					told <- 1
				} else if err != syscall.EAGAIN {
					fmt.Println("exclusive read:", n, err)
				}
			}
		}()
	}
	for i := 0; i < 100; i++ {
		put(w, "x")
		<-told
	}
	for i := 0; i < waiters; i++ {
		put(w, "q")
		<-told
	}
	wg.Wait()
	fmt.Println("exclusive: done")
	ep2 := create()
	add(ep2, r, in|exclusive, 0)
	fmt.Println("exclusive, refused:", ctl(ep2, syscall.EPOLL_CTL_MOD, r, in, 0),
		ctl(ep, syscall.EPOLL_CTL_ADD, ep2, in|exclusive, 0), ctl(ep2, syscall.EPOLL_CTL_ADD, w, in|exclusive|oneshot, 0))
	for _, fd := range []int{ep, ep2, r, w} {
		syscall.Close(fd)
	}
}

func errors() {
	ep := create()
	r, w := pipe()
	add(ep, r, in, 1)
	fmt.Println(ctl(ep, syscall.EPOLL_CTL_ADD, r, in, 1), ctl(ep, syscall.EPOLL_CTL_MOD, w, in, 1),
		ctl(ep, 9, w, in, 1), ctl(ep, syscall.EPOLL_CTL_ADD, 999, in, 1), ctl(999, syscall.EPOLL_CTL_ADD, r, in, 1),
		ctl(r, syscall.EPOLL_CTL_ADD, w, in, 1))
	f, err := os.CreateTemp("", "epoll")
	check(err)
	fmt.Println("file:", ctl(ep, syscall.EPOLL_CTL_ADD, int(f.Fd()), in, 1))
	os.Remove(f.Name())
	_, err = syscall.EpollWait(ep, nil, 0)
	fmt.Println("no room:", err)
	_, err = syscall.EpollWait(r, make([]syscall.EpollEvent, 1), 0)
	fmt.Println("no set:", err)
	put(w, "x")
	n, _, e := syscall.Syscall6(syscall.SYS_EPOLL_WAIT, uintptr(ep), 8, 1, 0, 0, 0)
	fmt.Println("bad address:", int(n), e, wait(ep, 0))
	_, err = syscall.Read(ep, make([]byte, 8))
	fmt.Println("read:", err)
	_, err = syscall.EpollCreate(0)
	fmt.Println("create(0):", err)
	_, err = syscall.EpollCreate1(1)
	fmt.Println("create1(1):", err)
	link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", ep))
	fmt.Println(link, err)

	// A descriptor's copy keeps the open file in the set.
	d, err := syscall.Dup(r)
	check(err)
	syscall.Close(r)
	fmt.Println("copy is left:", wait(ep, 0))
	syscall.Close(d)
	fmt.Println("none is left:", wait(ep, 0))
	ts := syscall.Timespec{Nsec: 5e6}
	start := time.Now()
	ev := make([]syscall.EpollEvent, 1)
	n, _, e = syscall.Syscall6(441, uintptr(ep), uintptr(unsafe.Pointer(&ev[0])), 1, uintptr(unsafe.Pointer(&ts)), 0, 0)
	fmt.Println("pwait2:", n, e, time.Since(start) >= 5*time.Millisecond)
	_, _, e = syscall.Syscall6(syscall.SYS_EPOLL_PWAIT, uintptr(ep), uintptr(unsafe.Pointer(&ev[0])), 1, 0, uintptr(unsafe.Pointer(&ts)), 4)
	fmt.Println("pwait, mask of 4 bytes:", e)
	syscall.Close(ep)
	syscall.Close(w)
}

// Tokens go round through pipes, pushed on by loops that share their sets, while others close and
// open descriptors: no event is lost, and none is reported for a closed descriptor.
func storm() {
	const pipes, loops, rounds = 8, 4, 300
	ep := create()
	var rs, ws [pipes]int
	for i := range rs {
		rs[i], ws[i] = pipe()
		add(ep, rs[i], in|oneshot, int32(i))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := 0
	stop := eventfd()
	add(ep, stop, in, -1)
	for i := 0; i < loops; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			ev := make([]syscall.EpollEvent, 3)
			for {
				n, err := syscall.EpollWait(ep, ev, -1)
				check(err)
				for _, e := range ev[:n] {
					if e.Fd < 0 {
						return
					}
					n := take(rs[e.Fd])
					if n < 1 {
						panic("nothing there")
					}
					mod(ep, rs[e.Fd], in|oneshot, e.Fd)
					mu.Lock()
					count += n
					last := count >= rounds*pipes
					mu.Unlock()
					if last {
						syscall.Write(stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
					} else {
						put(ws[(e.Fd+1)%pipes], "xxxx"[:n])
					}
				}
			}
		}()
	}
	wg.Add(1)
	go func() {
		defer wg.Done()
		for i := 0; i < 200; i++ {
			r, w := pipe()
			add(ep, r, in, -2000)
			check(ctl(ep, syscall.EPOLL_CTL_DEL, r, 0, 0))
			put(w, "x")
			syscall.Close(r)
			syscall.Close(w)
			runtime.Gosched()
		}
	}()
	for i := 0; i < 4; i++ {
		put(ws[2*i], "x")
	}
	wg.Wait()
	fmt.Println("storm:", count >= rounds*pipes)
}

func main() {
	level()
	edge()
	kinds()
	nested()
	shared()
	errors()
	storm()
}
