// SO_ATTACH_FILTER and what belongs to it: options and their errors, what is left of datagrams of
// UDP, AF_UNIX and netlink, what senders and readers see of the rest, and filters that change while
// datagrams pass.
package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	attachFilter, detachFilter, lockFilter = 26, 27, 44

	ld, ldb, ret, retA = 0x20, 0x30, 0x06, 0x16
	ldLen, sub, jeq    = 0x80, 0x14, 0x15
	ad                 = 0xfffff000
)

type insn struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

type fprog struct {
	n    uint16
	insn *insn
}

var (
	all   = []insn{{code: ret, k: 0xffffffff}}
	none  = []insn{{code: ret, k: 0}}
	three = []insn{{code: ret, k: 3}}
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func option(call uintptr, fd, name int, p unsafe.Pointer, n uintptr) error {
	_, _, e := syscall.Syscall6(call, uintptr(fd), syscall.SOL_SOCKET, uintptr(name), uintptr(p), n, 0)
	if e != 0 {
		return e
	}
	return nil
}

func set(fd, name int, p unsafe.Pointer, n uintptr) error {
	return option(syscall.SYS_SETSOCKOPT, fd, name, p, n)
}

func attach(fd int, p []insn) error {
	f := fprog{uint16(len(p)), &p[0]}
	return set(fd, attachFilter, unsafe.Pointer(&f), unsafe.Sizeof(f))
}

func number(fd, name, v int) error { return syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, name, v) }

// get is SO_GET_FILTER with room for so many instructions.
func get(fd int, room int32) {
	p := make([]insn, 16)
	n := room
	err := option(syscall.SYS_GETSOCKOPT, fd, attachFilter, unsafe.Pointer(&p[0]),
		uintptr(unsafe.Pointer(&n)))
	fmt.Println(" get", room, n, err, p[:2])
}

func socket(family int) (int, syscall.Sockaddr) {
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	check(err)
	var a syscall.Sockaddr = &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if family == syscall.AF_INET6 {
		a = &syscall.SockaddrInet6{Addr: [16]byte{15: 1}}
	}
	check(syscall.Bind(fd, a))
	a, err = syscall.Getsockname(fd)
	check(err)
	return fd, a
}

// got is what stands in the inbox.
func got(fd int) (s []string) {
	b := make([]byte, 70000)
	for {
		n, _, err := syscall.Recvfrom(fd, b, syscall.MSG_DONTWAIT|syscall.MSG_TRUNC)
		if err != nil {
			return s
		}
		if n > 40 {
			s = append(s, fmt.Sprint(n))
		} else {
			s = append(s, fmt.Sprintf("%q", b[:n]))
		}
	}
}

func options() {
	fd, _ := socket(syscall.AF_INET)
	f := fprog{1, &all[0]}
	fmt.Println("without:", number(fd, detachFilter, 0))
	get(fd, 0)
	get(fd, 16)
	fmt.Println("attach:", attach(fd, all))
	for _, n := range []uintptr{0, 3, 4, 15, 17} {
		fmt.Println(" length", n, set(fd, attachFilter, unsafe.Pointer(&f), n))
	}
	var small [4]byte
	p, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	check(err)
	gone := unsafe.Pointer(&small)
	// Memory that may not be read.
	*(*uintptr)(unsafe.Pointer(&gone)) = *(*uintptr)(unsafe.Pointer(&p))
	fmt.Println(" fault", set(fd, attachFilter, gone, 16), set(fd, attachFilter, gone, 15))
	fmt.Println(" fault", set(fd, attachFilter, unsafe.Pointer(&fprog{1, (*insn)(gone)}), 16))
	fmt.Println(" nothing", set(fd, attachFilter, unsafe.Pointer(&fprog{1, nil}), 16),
		set(fd, attachFilter, unsafe.Pointer(&fprog{0, &all[0]}), 16))
	for _, bad := range [][]insn{
		{{code: 0xff}}, {{code: ld}}, {{code: jeq, jt: 1}, all[0]}, {{code: 0x60, k: 1}, all[0]},
		{{code: 0x34, k: 0}, all[0]}, {{code: 0x02, k: 16}, all[0]}, {{code: ld, k: ad + 3}, all[0]},
	} {
		fmt.Println(" bad", bad, attach(fd, bad))
	}
	long := make([]insn, 4097)
	long[4096], long[4095] = all[0], all[0]
	fmt.Println(" long", attach(fd, long[:4096]), attach(fd, long))
	fmt.Println(" two", attach(fd, []insn{{code: ldLen, k: 7}, {code: retA}}))
	for _, room := range []int32{-1, 0, 1, 2, 16} {
		get(fd, room)
	}
	fmt.Println("detach:", number(fd, detachFilter, 1), number(fd, detachFilter, 1))
	get(fd, 16)

	is := func() int {
		v, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, lockFilter)
		check(err)
		return v
	}
	check(attach(fd, none))
	fmt.Println("lock:", is(), number(fd, lockFilter, 0), number(fd, lockFilter, 5), is(),
		number(fd, lockFilter, 1), number(fd, lockFilter, 0), is())
	fmt.Println(attach(fd, all), attach(fd, []insn{{code: 0xff}}), number(fd, detachFilter, 0))
	fmt.Println(set(fd, attachFilter, unsafe.Pointer(&f), 15), set(fd, attachFilter, gone, 16))
	get(fd, 16)
	other, _ := socket(syscall.AF_INET6)
	fmt.Println("none, locked:", number(other, lockFilter, 1), number(other, detachFilter, 0),
		attach(other, all))
	check(syscall.Close(fd))
	check(syscall.Close(other))
}

// drops is the last column of the socket's line in /proc/net/udp.
func drops(family int, a syscall.Sockaddr) string {
	name, port := "/proc/net/udp", 0
	switch a := a.(type) {
	case *syscall.SockaddrInet4:
		port = a.Port
	case *syscall.SockaddrInet6:
		name, port = name+"6", a.Port
	}
	b, err := os.ReadFile(name)
	check(err)
	for _, line := range strings.Split(string(b), "\n") {
		f := strings.Fields(line)
		if len(f) > 12 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
			return f[12]
		}
	}
	return "no line"
}

func udp(family int) {
	fmt.Println("UDP, family", family)
	from, fa := socket(family)
	to, a := socket(family)
	send := func(what string, s ...string) {
		for _, s := range s {
			check(syscall.Sendto(from, []byte(s), 0, a))
		}
		fmt.Println("", what, got(to))
	}
	word := func(off uint32) []insn { // the datagram is as long as that byte of it says
		return []insn{{code: ldb, k: off}, {code: 0x04, k: 9}, {code: retA}}
	}
	big := strings.Repeat("x", 20000)
	check(attach(to, none))
	send("none", "a", "", "bb")
	check(attach(to, three))
	send("of the header", "abc", "")
	check(attach(to, []insn{{code: ret, k: 10}}))
	send("ten", "abc", "a", "", big)
	came := 0
	for range 100 { // what was cut off does not fill the inbox for ever
		check(syscall.Sendto(from, []byte(big), 0, a))
		came += len(got(to))
	}
	fmt.Println(" hundred", came)
	check(attach(to, []insn{{code: ldb, k: 8}, {code: jeq, jf: 1, k: 'b'}, all[0], none[0]}))
	send("only b", "abc", "bcd", "", "b"+big)
	check(attach(to, []insn{{code: ldLen}, {code: sub, k: 1}, {code: retA}}))
	send("all but one", "abc", "x", "", big)
	for off := uint32(4); off < 6; off++ {
		check(attach(to, word(off)))
		send("length", big, strings.Repeat("y", 300))
	}
	// The ports, compared with where they came from, and the sum of the pseudo header.
	var p, q uint32
	switch port := fa.(type) {
	case *syscall.SockaddrInet4:
		p, q = uint32(port.Port), uint32(a.(*syscall.SockaddrInet4).Port)
	case *syscall.SockaddrInet6:
		p, q = uint32(port.Port), uint32(a.(*syscall.SockaddrInet6).Port)
	}
	sum := uint32(17 + 8 + 4)
	if family == syscall.AF_INET {
		sum += 2 * (0x7f00 + 1)
	} else {
		sum += 2
	}
	check(attach(to, []insn{{code: ld, k: 0}, {code: jeq, jf: 3, k: p<<16 | q},
		{code: 0x28, k: 6}, {code: jeq, jf: 1, k: sum&0xffff + sum>>16}, all[0], none[0]}))
	send("header", "abcd")
	for _, off := range []uint32{0, 8, 0x7fffffff} {
		k := ad + off
		if off == 0x7fffffff {
			k = off
		}
		check(attach(to, []insn{{code: ld, k: k}, {code: 0x04, k: 9}, {code: retA}}))
		send("beside", big)
	}
	check(number(to, detachFilter, 0))
	send("without", "abc")
	fmt.Println(" drops", drops(family, a), drops(family, fa))

	check(attach(to, none))
	tv := syscall.NsecToTimeval(50e6)
	check(syscall.SetsockoptTimeval(to, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv))
	go func() { syscall.Sendto(from, []byte("lost"), 0, a) }()
	_, _, err := syscall.Recvfrom(to, make([]byte, 10), 0)
	fmt.Println(" reader", err)
	check(attach(to, all))
	go func() { time.Sleep(5e6); syscall.Sendto(from, []byte("found"), 0, a) }()
	b := make([]byte, 10)
	n, _, err := syscall.Recvfrom(to, b, 0)
	fmt.Printf(" reader %q %v\n", b[:n], err)
	check(syscall.Close(from))
	check(syscall.Close(to))
}

func unix() {
	fmt.Println("AF_UNIX")
	s, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	check(err)
	send := func(b string) error { return syscall.Sendto(s[0], []byte(b), syscall.MSG_DONTWAIT, nil) }
	check(attach(s[1], none))
	lost := 0
	for range 2000 { // it never fills up
		if send("hello") == nil {
			lost++
		}
	}
	fmt.Println(" none", lost, got(s[1]))
	check(attach(s[1], three))
	fmt.Println(" three", send("hello"), send(""), send("ab"), got(s[1]))
	for _, off := range []uint32{0, 8} { // no packet of IP, by no interface
		check(attach(s[1], []insn{{code: ld, k: ad + off}, {code: 0x04, k: 1}, {code: retA}}))
		fmt.Println(" beside", off, send("hello"), got(s[1]))
	}

	var p [2]int // the reader's end learns when the last writer is gone
	check(syscall.Pipe2(p[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK))
	pass := func(what string) {
		fmt.Println("", what, syscall.Sendmsg(s[0], []byte("file"), syscall.UnixRights(p[1]), nil, 0))
	}
	check(attach(s[1], none))
	pass("files, lost")
	check(attach(s[1], three))
	pass("files")
	check(syscall.Close(p[1]))
	n, err := syscall.Read(p[0], make([]byte, 1))
	fmt.Println(" in flight:", n, err)
	b, oob := make([]byte, 10), make([]byte, 100)
	n, k, _, _, err := syscall.Recvmsg(s[1], b, oob, 0)
	fmt.Printf(" %q %v\n", b[:n], err)
	m, err := syscall.ParseSocketControlMessage(oob[:k])
	check(err)
	fds, err := syscall.ParseUnixRights(&m[0])
	check(err)
	check(syscall.Close(fds[0]))
	n, err = syscall.Read(p[0], make([]byte, 1))
	fmt.Println(" closed:", n, err)

	check(attach(s[1], none))
	check(syscall.Shutdown(s[1], syscall.SHUT_RD))
	fmt.Println(" to who does not read:", send("hello"))
	check(number(s[1], detachFilter, 0))
	fmt.Println(" without:", syscall.Sendto(s[0], []byte("x"), syscall.MSG_NOSIGNAL, nil))
	for _, fd := range []int{s[0], s[1], p[0]} {
		check(syscall.Close(fd))
	}
}

func netlink() {
	fmt.Println("netlink")
	ask := func(p []insn) (sizes []int) {
		fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, 0)
		check(err)
		defer syscall.Close(fd)
		check(attach(fd, p))
		// RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP
		m := []byte{20, 0, 0, 0, 18, 0, 1, 3, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		check(syscall.Sendto(fd, m, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}))
		for {
			n, _, err := syscall.Recvfrom(fd, make([]byte, 70000), syscall.MSG_DONTWAIT)
			if err != nil {
				return sizes
			}
			sizes = append(sizes, n)
		}
	}
	fmt.Println(" none", ask(none))
	fmt.Println(" a bit", ask([]insn{{code: 0x28, k: 4}, {code: jeq, jf: 1, k: 16 << 8}, // RTM_NEWLINK
		{code: ret, k: 24}, none[0]})[0])
}

// change attaches, locks not, and detaches while datagrams pass: each comes whole, or cut, or not.
func change() {
	from, _ := socket(syscall.AF_INET)
	to, a := socket(syscall.AF_INET)
	stop := make(chan bool)
	var senders, others sync.WaitGroup
	for range 2 {
		senders.Add(1)
		go func() {
			defer senders.Done()
			for range 3000 {
				check(syscall.Sendto(from, []byte("abcdef"), 0, a))
			}
		}()
	}
	each := func(f func()) {
		others.Add(1)
		go func() {
			defer others.Done()
			for {
				select {
				case <-stop:
					return
				default:
					f()
				}
			}
		}()
	}
	each(func() { check(attach(to, []insn{{code: ldb, k: 8}, {code: ret, k: 10}})) })
	each(func() { check(attach(to, none)) })
	each(func() {
		if err := number(to, detachFilter, 0); err != nil && err != syscall.ENOENT {
			panic(err)
		}
	})
	wrong := 0
	each(func() {
		b := make([]byte, 10)
		n, _, err := syscall.Recvfrom(to, b, syscall.MSG_DONTWAIT)
		if err == nil && string(b[:n]) != "ab" && string(b[:n]) != "abcdef" {
			wrong++
		}
	})
	senders.Wait()
	close(stop)
	others.Wait()
	fmt.Println("changed meanwhile:", wrong, "wrong")
	check(syscall.Close(from))
	check(syscall.Close(to))
}

func main() {
	options()
	udp(syscall.AF_INET)
	udp(syscall.AF_INET6)
	unix()
	netlink()
	change()
}
