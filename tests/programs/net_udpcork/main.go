// UDP_CORK and MSG_MORE: several writes make one datagram.
package main

import (
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
)

const (
	msgMore            = 0x8000
	udpCork, udpSegmnt = 1, 103
	solUDP             = 17
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

type end struct {
	fd   int
	addr syscall.Sockaddr
}

func socket(family int) end {
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	check(err)
	var a syscall.Sockaddr = &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if family == syscall.AF_INET6 {
		a = &syscall.SockaddrInet6{Addr: [16]byte{15: 1}}
	}
	check(syscall.Bind(fd, a))
	a, err = syscall.Getsockname(fd)
	check(err)
	tv := syscall.NsecToTimeval(20e6)
	check(syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv))
	return end{fd, a}
}

// All datagrams that have come to it.
func (e end) got() {
	b := make([]byte, 70000)
	for n := 0; ; n++ {
		k, _, err := syscall.Recvfrom(e.fd, b, 0)
		if err == syscall.EAGAIN {
			if n == 0 {
				fmt.Println("  nothing")
			}
			return
		}
		s := string(b[:k])
		if len(s) > 40 {
			s = fmt.Sprintf("%d bytes, %d a, %d b", k, strings.Count(s, "a"), strings.Count(s, "b"))
		}
		fmt.Printf("  %q %v\n", s, err)
	}
}

func (e end) write(s string, flags int, to end) {
	name := s
	if len(s) > 40 {
		name = fmt.Sprint(len(s), " bytes")
	}
	fmt.Println(" send", name, flags != 0, syscall.Sendto(e.fd, []byte(s), flags, to.addr))
}

func (e end) option(name, v int) {
	got, err := 0, syscall.SetsockoptInt(e.fd, solUDP, name, v)
	if err == nil {
		got, err = syscall.GetsockoptInt(e.fd, solUDP, name)
	}
	fmt.Println(" option", name, v, got, err)
}

func pairs(family int) {
	a, to, other := socket(family), socket(family), socket(family)
	fmt.Println("more, more, last")
	a.write("one ", msgMore, to)
	a.write("two ", msgMore, to)
	to.got()
	a.write("three", 0, to)
	to.got()
	fmt.Println("the first says where")
	a.write("to ", msgMore, to)
	a.write("whom", 0, other)
	to.got()
	other.got()
	fmt.Println("cork")
	a.option(udpCork, 1)
	a.write("x", 0, to)
	a.write("", 0, to)
	a.write("y", msgMore, to)
	to.got()
	a.option(udpCork, 0)
	to.got()
	a.option(udpCork, 7)
	a.option(udpCork, 0)
	fmt.Println("no bytes")
	a.write("", msgMore, to)
	a.write("", 0, to)
	to.got()
	fmt.Println("on and off, then more")
	a.option(udpCork, 1)
	a.write("p", 0, to)
	a.option(udpCork, 0)
	a.write("q", 0, to)
	to.got()
	fmt.Println("too long")
	as := strings.Repeat("a", 40000)
	a.write(as, msgMore, to)
	a.write(as, msgMore, to)
	a.write("b", 0, to)
	to.got()
	a.write(as, msgMore, to)
	a.write(strings.Repeat("b", 66000), msgMore, to)
	a.write("b", 0, to)
	to.got()
	fmt.Println("the longest of IPv4, and more")
	for _, n := range []int{25507, 25508, 25527, 25528} {
		a.write(as, msgMore, to)
		a.write(strings.Repeat("b", n), 0, to)
		to.got()
	}
	fmt.Println("segments")
	a.option(udpSegmnt, 3)
	a.write("abcd", msgMore, to)
	a.write("efgh", 0, to)
	to.got()
	a.option(udpSegmnt, 0)
	fmt.Println("closed")
	a.write("lost", msgMore, to)
	syscall.Close(a.fd)
	to.got()
	syscall.Close(to.fd)
	syscall.Close(other.fd)
}

func connected() {
	a, to := socket(syscall.AF_INET), socket(syscall.AF_INET)
	check(syscall.Connect(a.fd, to.addr))
	a.option(udpCork, 1)
	for _, s := range []string{"w", "ri", "te"} {
		n, err := syscall.Write(a.fd, []byte(s))
		fmt.Println(" write", n, err)
	}
	a.option(udpCork, 0)
	to.got()
	fmt.Println("a port that nobody has")
	check(syscall.Connect(a.fd, to.addr))
	syscall.Close(to.fd)
	fmt.Println(syscall.Sendto(a.fd, []byte("x"), msgMore, to.addr))
	n, err := syscall.Write(a.fd, []byte("y"))
	fmt.Println(n, err)
	n, err = syscall.Write(a.fd, []byte("z"))
	fmt.Println(n, err)
	fmt.Println("no destination")
	b := socket(syscall.AF_INET)
	n, err = syscall.Write(b.fd, []byte("z"))
	fmt.Println(n, err)
	b.option(udpCork, 1)
	n, err = syscall.Write(b.fd, []byte("z"))
	fmt.Println(n, err)
	b.write("1", 0, a)
	n, err = syscall.Write(b.fd, []byte("2"))
	fmt.Println(n, err)
	b.option(udpCork, 0)
	a.got()
}

// Threads write to one corked socket: bytes are neither lost nor doubled. (Linux refuses one of two
// that begin a datagram at once.)
func threads() {
	var sent atomic.Int64
	a, to := socket(syscall.AF_INET), socket(syscall.AF_INET)
	done := make(chan bool)
	for range 4 {
		go func() {
			for i := range 200 {
				flags := msgMore
				if i%5 == 4 {
					flags = 0
				}
				switch err := syscall.Sendto(a.fd, []byte("a"), flags, to.addr); err {
				case nil:
					sent.Add(1)
				case syscall.EINVAL:
				default:
					panic(err)
				}
			}
			done <- true
		}()
	}
	sum, b := 0, make([]byte, 1000)
	recv := func() bool {
		n, _, err := syscall.Recvfrom(to.fd, b, 0)
		sum += n
		return err == nil
	}
	for n := 0; n < 4; {
		select {
		case <-done:
			n++
		default:
			recv()
		}
	}
	syscall.SetsockoptInt(a.fd, solUDP, udpCork, 0)
	for recv() {
	}
	fmt.Println("threads:", int64(sum) == sent.Load())
}

func main() {
	for _, family := range []int{syscall.AF_INET, syscall.AF_INET6} {
		fmt.Println("family", family)
		pairs(family)
	}
	connected()
	threads()
}
