// Raw sockets of protocols that the kernel does not know: who receives what, headers that the program
// writes, checksums that the kernel does. (On Linux it needs privilege.)
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"syscall"
)

const (
	proto        = 253 // for experiments: RFC 3692
	ipHdrincl    = 3
	ipv6Checksum = 7
)

func check(what string, err error) {
	if err != nil {
		fmt.Println("unexpected:", what, err)
		os.Exit(1)
	}
}

func raw(domain, protocol int) int {
	fd, err := syscall.Socket(domain, syscall.SOCK_RAW, protocol)
	check("socket", err)
	return fd
}

func in4(last byte) *syscall.SockaddrInet4 {
	return &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, last}}
}

func in6(port int) *syscall.SockaddrInet6 {
	return &syscall.SockaddrInet6{Port: port, Addr: [16]byte{15: 1}}
}

func from(sa syscall.Sockaddr) string {
	switch a := sa.(type) {
	case *syscall.SockaddrInet4:
		return fmt.Sprint(a.Addr, a.Port)
	case *syscall.SockaddrInet6:
		return fmt.Sprint(a.Addr, a.Port)
	}
	return fmt.Sprint(sa)
}

func sum(b []byte) uint16 {
	n := uint32(0)
	for i := 0; i+1 < len(b); i += 2 {
		n += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for n > 0xffff {
		n = n>>16 + n&0xffff
	}
	return ^uint16(n)
}

// show4 reads all that waits: the header's fields but the identification, which the kernel may choose.
func show4(name string, fd int) {
	b := make([]byte, 200)
	for {
		n, sa, err := syscall.Recvfrom(fd, b, syscall.MSG_DONTWAIT)
		if err != nil {
			fmt.Println(name, "then:", err)
			return
		}
		h := int(b[0]&15) * 4
		id := "the kernel's"
		if b[8] != 64 {
			id = fmt.Sprint(b[4:6])
		}
		fmt.Printf("%s: %d bytes from %s: header %d sum %#x length %d id %v ttl %d tos %d proto %d %v to %v: %q\n",
			name, n, from(sa), h, sum(b[:h]), binary.BigEndian.Uint16(b[2:]), id, b[8], b[1], b[9],
			b[12:16], b[16:20], b[h:n])
	}
}

func show6(name string, fd int) {
	b := make([]byte, 200)
	for {
		n, sa, err := syscall.Recvfrom(fd, b, syscall.MSG_DONTWAIT)
		if err != nil {
			fmt.Println(name, "then:", err)
			return
		}
		fmt.Printf("%s: %d bytes from %s: %q\n", name, n, from(sa), b[:n])
	}
}

func plain4() {
	a, b, other, bound := raw(syscall.AF_INET, proto), raw(syscall.AF_INET, proto),
		raw(syscall.AF_INET, proto+1), raw(syscall.AF_INET, proto)
	check("bind", syscall.Bind(bound, in4(3)))
	fmt.Println(syscall.Sendto(a, []byte("to one"), 0, in4(1)), syscall.Sendto(a, nil, 0, in4(1)))
	fmt.Println(syscall.Sendto(a, []byte("to three"), 0, in4(3)))
	for name, fd := range []int{a, b, other, bound} {
		show4(fmt.Sprint("socket ", name), fd)
	}
	_, err := syscall.Write(a, []byte("to nobody"))
	fmt.Println("without a peer:", err)
	check("connect", syscall.Connect(b, in4(3)))
	check("connect", syscall.Connect(a, in4(1)))
	_, err = syscall.Write(a, []byte("connected"))
	fmt.Println("with one:", err)
	show4("from the peer", a)
	show4("from another", b)
	sa, err := syscall.Getsockname(other)
	fmt.Println("name:", from(sa), err)
	for _, fd := range []int{a, b, other, bound} {
		syscall.Close(fd)
	}
}

func header(n, id int, src, dst byte, protocol byte) []byte {
	b := make([]byte, n)
	b[0], b[1], b[8], b[9] = byte(0x40|n/4), 16, 7, protocol
	binary.BigEndian.PutUint16(b[4:], uint16(id))
	if src != 0 {
		copy(b[12:], []byte{127, 0, 0, src})
	}
	copy(b[16:], []byte{127, 0, 0, dst})
	for i := 20; i < n; i++ {
		b[i] = 1 // no operation
	}
	return b
}

func headers() {
	in, out, only := raw(syscall.AF_INET, proto), raw(syscall.AF_INET, proto), raw(syscall.AF_INET, 255)
	v, err := syscall.GetsockoptInt(out, syscall.IPPROTO_IP, ipHdrincl)
	fmt.Println("first:", v, err)
	check("set", syscall.SetsockoptInt(out, syscall.IPPROTO_IP, ipHdrincl, 5))
	v, err = syscall.GetsockoptInt(out, syscall.IPPROTO_IP, ipHdrincl)
	fmt.Println("then:", v, err)
	v, err = syscall.GetsockoptInt(only, syscall.IPPROTO_IP, ipHdrincl)
	fmt.Println("of protocol 255:", v, err)
	for _, p := range [][]byte{header(20, 0x1234, 9, 1, proto), header(28, 77, 9, 1, proto),
		header(20, 5, 0, 1, proto), header(20, 6, 2, 1, proto+1)} {
		fmt.Println("send:", syscall.Sendto(out, append(p, "payload"...), 0, in4(1)))
		fmt.Println("send:", syscall.Sendto(only, append(p, "other"...), 0, in4(1)))
	}
	for _, bad := range [][]byte{nil, []byte("short"), append([]byte{0x4f}, make([]byte, 30)...),
		header(20, 1, 1, 1, proto)[:19]} {
		fmt.Println("bad:", syscall.Sendto(out, bad, 0, in4(1)))
	}
	show4("in", in)
	for _, fd := range []int{in, out, only} {
		syscall.Close(fd)
	}
}

// echo is a request under a header of the program's, which the kernel answers.
func echo() {
	fd := raw(syscall.AF_INET, syscall.IPPROTO_ICMP)
	check("set", syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, ipHdrincl, 1))
	m := []byte{8, 0, 0, 0, 0x12, 0x34, 0, 1}
	binary.BigEndian.PutUint16(m[2:], sum(m))
	check("send", syscall.Sendto(fd, append(header(20, 9, 2, 1, 1), m...), 0, in4(1)))
	b := make([]byte, 200)
	for range 2 {
		n, sa, err := syscall.Recvfrom(fd, b, 0)
		fmt.Println("echo:", n, from(sa), err, b[20], b[12:20], sum(b[20:28]))
	}
	syscall.Close(fd)
}

func plain6() {
	a, b, c := raw(syscall.AF_INET6, 89), raw(syscall.AF_INET6, 89), raw(syscall.AF_INET6, 89)
	for _, v := range []int{3, 4, -5, 2} {
		err := syscall.SetsockoptInt(c, syscall.IPPROTO_IPV6, ipv6Checksum, v)
		got, _ := syscall.GetsockoptInt(c, syscall.IPPROTO_IPV6, ipv6Checksum)
		fmt.Println("sum at", v, err, got)
	}
	fmt.Println(syscall.Sendto(a, []byte("no sum"), 0, in6(0)), syscall.Sendto(a, []byte("of 89"), 0, in6(89)),
		syscall.Sendto(a, []byte("of 90"), 0, in6(90)))
	fmt.Println(syscall.Sendto(c, []byte("a sum goes here"), 0, in6(0)), syscall.Sendto(c, []byte("no"), 0, in6(0)))
	show6("a", a)
	show6("b", b)
	show6("with a sum", c)
	icmp := raw(syscall.AF_INET6, syscall.IPPROTO_ICMPV6)
	fmt.Println(syscall.SetsockoptInt(icmp, syscall.IPPROTO_IPV6, ipv6Checksum, 2))
	sa, err := syscall.Getsockname(a)
	fmt.Println("name:", from(sa), err)
	for _, fd := range []int{a, b, c, icmp} {
		syscall.Close(fd)
	}
}

// lines is in how many lines of a file the socket's inode stands.
func lines(file string, fd int) (n int) {
	var st syscall.Stat_t
	check("fstat", syscall.Fstat(fd, &st))
	text, err := os.ReadFile("/proc/net/" + file)
	check("read", err)
	for _, word := range strings.Fields(string(text)) {
		if word == fmt.Sprint(st.Ino) {
			n++
		}
	}
	return n
}

// known is of protocols that have sockets of their own: a raw one is not taken for such a socket.
func known() {
	const udpSegment, udpCork = 103, 1
	b := make([]byte, 10)
	for _, domain := range []int{syscall.AF_INET, syscall.AF_INET6} {
		udp, tcp := raw(domain, syscall.IPPROTO_UDP), raw(domain, syscall.IPPROTO_TCP)
		for _, option := range []int{udpSegment, udpCork} {
			fmt.Println("set:", syscall.SetsockoptInt(udp, syscall.IPPROTO_UDP, option, 1))
			_, err := syscall.GetsockoptInt(udp, syscall.IPPROTO_UDP, option)
			fmt.Println("get:", err)
		}
		fmt.Println("set:", syscall.SetsockoptInt(tcp, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
		_, _, err := syscall.Recvfrom(udp, b, syscall.MSG_ERRQUEUE)
		fmt.Println("errors:", err)
		if domain == syscall.AF_INET6 {
			sum, err := syscall.GetsockoptInt(udp, syscall.IPPROTO_IPV6, ipv6Checksum)
			fmt.Println("sum at", sum, err)
		}
		for _, file := range []string{"udp", "udp6", "tcp", "tcp6"} {
			fmt.Println(file, lines(file, udp), lines(file, tcp))
		}
		syscall.Close(udp)
		syscall.Close(tcp)
	}
}

func refused() {
	for _, p := range []int{0, 300, -1} {
		_, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW, p)
		fmt.Println("protocol", p, err)
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	check("socket", err)
	fmt.Println("of UDP:", syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, ipHdrincl, 1))
	syscall.Close(fd)
}

func main() {
	plain4()
	headers()
	echo()
	plain6()
	known()
	refused()
}
