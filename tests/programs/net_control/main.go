// Control messages and the options that ask for them; UDP_SEGMENT; errors of datagrams; timeouts
// of read and write; all of it over loopback, both families.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const (
	udpSegment, udpGRO = 103, 104
	recvErr6           = 25
	errQueue           = 0x2000
	timestampNS        = 35
)

func check(what string, err error) {
	if err != nil {
		fmt.Println("unexpected:", what, err)
		os.Exit(1)
	}
}

func cmsg(level, typ int, data ...byte) []byte {
	b := make([]byte, (16+len(data)+7)&^7)
	binary.LittleEndian.PutUint64(b, uint64(16+len(data)))
	binary.LittleEndian.PutUint32(b[8:], uint32(level))
	binary.LittleEndian.PutUint32(b[12:], uint32(typ))
	copy(b[16:], data)
	return b
}

func word(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }

type family struct {
	name          string
	domain        int
	any, one, two syscall.Sockaddr
}

func port(a syscall.Sockaddr) int {
	switch a := a.(type) {
	case *syscall.SockaddrInet4:
		return a.Port
	case *syscall.SockaddrInet6:
		return a.Port
	}
	return -1
}

func ip(a syscall.Sockaddr) string {
	switch a := a.(type) {
	case *syscall.SockaddrInet4:
		return fmt.Sprint(a.Addr)
	case *syscall.SockaddrInet6:
		return fmt.Sprint(a.Addr)
	}
	return "nobody"
}

func at(a syscall.Sockaddr, port int) syscall.Sockaddr {
	switch a := a.(type) {
	case *syscall.SockaddrInet4:
		return &syscall.SockaddrInet4{Addr: a.Addr, Port: port}
	case *syscall.SockaddrInet6:
		return &syscall.SockaddrInet6{Addr: a.Addr, Port: port}
	}
	return nil
}

func bound(f family, typ int, a syscall.Sockaddr) (int, syscall.Sockaddr) {
	fd, err := syscall.Socket(f.domain, typ, 0)
	check("socket", err)
	check("bind", syscall.Bind(fd, a))
	name, err := syscall.Getsockname(fd)
	check("getsockname", err)
	return fd, name
}

// controls shows control messages; times are only said to be near.
func controls(b []byte) string {
	var all []string
	ms, err := syscall.ParseSocketControlMessage(b)
	check("parse", err)
	for _, m := range ms {
		text := fmt.Sprint(m.Data)
		if m.Header.Level == syscall.SOL_SOCKET {
			part := int64(binary.LittleEndian.Uint64(m.Data[8:]))
			if m.Header.Type == syscall.SO_TIMESTAMP {
				part *= 1000
			}
			at := time.Unix(int64(binary.LittleEndian.Uint64(m.Data)), part)
			text = fmt.Sprint(len(m.Data), time.Since(at).Abs() < time.Minute)
		}
		all = append(all, fmt.Sprintf("(%d,%d) %s", m.Header.Level, m.Header.Type, text))
	}
	return strings.Join(all, " ")
}

func recv(what string, fd int) {
	b, oob := make([]byte, 100), make([]byte, 256)
	n, c, flags, from, err := syscall.Recvmsg(fd, b, oob, 0)
	check(what, err)
	fmt.Printf("%s: %q flags %#x from %s: %s\n", what, b[:n], flags, ip(from), controls(oob[:c]))
}

func set(fd, level, name int) {
	err := syscall.SetsockoptInt(fd, level, name, 1)
	v, e := syscall.GetsockoptInt(fd, level, name)
	fmt.Println("set", level, name, err, v, e)
}

func options4(fd int) {
	for _, o := range []int{syscall.IP_PKTINFO, syscall.IP_RECVTTL, syscall.IP_RECVTOS} {
		set(fd, syscall.IPPROTO_IP, o)
	}
}

func options6(fd int) {
	const recvPathMTU = 60
	for _, o := range []int{syscall.IPV6_RECVPKTINFO, syscall.IPV6_RECVHOPLIMIT, syscall.IPV6_RECVTCLASS, recvPathMTU} {
		set(fd, syscall.IPPROTO_IPV6, o)
	}
}

func told(f family) {
	r, to := bound(f, syscall.SOCK_DGRAM, f.any)
	s, _ := bound(f, syscall.SOCK_DGRAM, f.any)
	to = at(f.one, port(to))
	check("send", syscall.Sendto(s, []byte("plain"), 0, to))
	recv("nothing asked", r)
	set(r, syscall.SOL_SOCKET, timestampNS)
	set(r, syscall.SOL_SOCKET, syscall.SO_TIMESTAMP)
	options4(r)
	if f.domain == syscall.AF_INET6 {
		options6(r)
	}
	check("send", syscall.Sendto(s, []byte("all"), 0, to))
	recv("asked", r)
	small := make([]byte, 40)
	check("send", syscall.Sendto(s, []byte("short"), 0, to))
	_, n, flags, _, err := syscall.Recvmsg(r, make([]byte, 10), small, 0)
	fmt.Println("little room:", n <= 40, flags, err)
	level, hop, tos := syscall.IPPROTO_IP, syscall.IP_TTL, syscall.IP_TOS
	if f.domain == syscall.AF_INET6 {
		level, hop, tos = syscall.IPPROTO_IPV6, syscall.IPV6_HOPLIMIT, syscall.IPV6_TCLASS
	}
	oob := append(cmsg(level, hop, word(7)...), cmsg(level, tos, word(0x20)...)...)
	check("sendmsg", syscall.Sendmsg(s, []byte("own hops"), oob, to, 0))
	recv("hops", r)
	fmt.Println(syscall.Sendmsg(s, []byte("x"), cmsg(level, hop, word(256)...), to, 0),
		syscall.Sendmsg(s, []byte("x"), cmsg(level, 99, word(1)...), to, 0),
		syscall.Sendmsg(s, []byte("x"), cmsg(level, hop, 1, 2), to, 0))
	source(f, s, r, to)
	syscall.Close(r)
	syscall.Close(s)
}

// source: a datagram names its own source.
func source(f family, s, r int, to syscall.Sockaddr) {
	info := append(word(0), 0, 0, 0, 0, 0, 0, 0, 0)
	level, typ, want, bad := syscall.IPPROTO_IP, syscall.IP_PKTINFO, []byte{127, 0, 0, 9}, []byte{192, 0, 2, 1}
	if f.domain == syscall.AF_INET6 {
		level, typ = syscall.IPPROTO_IPV6, syscall.IPV6_PKTINFO
		info = append(make([]byte, 16), word(0)...)
		info[15] = 1
		check("sendmsg", syscall.Sendmsg(s, []byte("from"), cmsg(level, typ, info...), to, 0))
		recv("source", r)
		copy(info, []byte{0x20, 1, 0xd, 0xb8})
		fmt.Println("not ours:", syscall.Sendmsg(s, []byte("x"), cmsg(level, typ, info...), to, 0))
		return
	}
	copy(info[4:], want)
	check("sendmsg", syscall.Sendmsg(s, []byte("from"), cmsg(level, typ, info...), to, 0))
	recv("source", r)
	copy(info[4:], bad)
	fmt.Println("not ours:", syscall.Sendmsg(s, []byte("x"), cmsg(level, typ, info...), to, 0))
}

func segments(f family) {
	r, to := bound(f, syscall.SOCK_DGRAM, f.one)
	s, _ := bound(f, syscall.SOCK_DGRAM, f.any)
	set(r, syscall.IPPROTO_UDP, udpGRO)
	check("nogro", syscall.SetsockoptInt(r, syscall.IPPROTO_UDP, udpGRO, 0))
	text := []byte("aaaabbbbccccdd")
	check("cmsg", syscall.Sendmsg(s, text, cmsg(syscall.IPPROTO_UDP, udpSegment, 4, 0), to, 0))
	for range 4 {
		recv("segment", r)
	}
	fmt.Println(syscall.SetsockoptInt(s, syscall.IPPROTO_UDP, udpSegment, 5),
		syscall.SetsockoptInt(s, syscall.IPPROTO_UDP, udpSegment, 70000))
	check("option", syscall.Sendto(s, text, 0, to))
	for range 3 {
		recv("segment", r)
	}
	fmt.Println("too many:", syscall.Sendto(s, make([]byte, 5*129), 0, to))
	syscall.Close(r)
	syscall.Close(s)
}

// refused: IP_RECVERR says what became of a datagram, also on a socket that is not connected.
func refused(f family) {
	gone, to := bound(f, syscall.SOCK_DGRAM, f.one)
	syscall.Close(gone)
	s, _ := bound(f, syscall.SOCK_DGRAM, f.any)
	check("send", syscall.Sendto(s, []byte("unheard"), 0, to))
	time.Sleep(5 * time.Millisecond)
	_, _, err := syscall.Recvfrom(s, make([]byte, 10), syscall.MSG_DONTWAIT)
	fmt.Println("without the option:", err)
	level, typ := syscall.IPPROTO_IP, syscall.IP_RECVERR
	if f.domain == syscall.AF_INET6 {
		level, typ = syscall.IPPROTO_IPV6, recvErr6
	}
	set(s, level, typ)
	check("send", syscall.Sendto(s, []byte("returned"), 0, to))
	time.Sleep(5 * time.Millisecond)
	b, oob := make([]byte, 100), make([]byte, 256)
	n, c, flags, from, err := syscall.Recvmsg(s, b, oob, errQueue)
	check("errqueue", err)
	fmt.Printf("returned: %q flags %#x to %s, the same port: %v\n", b[:n], flags, ip(from),
		port(from) == port(to))
	fmt.Println(controls(oob[:c]))
	_, _, _, _, err = syscall.Recvmsg(s, b, oob, errQueue)
	fmt.Println("once:", err)
	check("send", syscall.Sendto(s, []byte("again"), 0, to))
	time.Sleep(5 * time.Millisecond)
	_, _, err = syscall.Recvfrom(s, b, syscall.MSG_DONTWAIT)
	fmt.Println("as an error:", err)
	syscall.Close(s)
}

func within(what string, least time.Duration, start time.Time, n int, err error) {
	took := time.Since(start)
	fmt.Println(what, n, err, took >= least && took < least+20*time.Second)
}

// timeouts: SO_RCVTIMEO and SO_SNDTIMEO with read and write, streams and datagrams.
func timeouts() {
	tv := syscall.Timeval{Usec: 30000}
	d := 30 * time.Millisecond
	b := make([]byte, 1<<20)
	for _, typ := range []int{syscall.SOCK_STREAM, syscall.SOCK_DGRAM, syscall.SOCK_SEQPACKET} {
		p, err := syscall.Socketpair(syscall.AF_UNIX, typ, 0)
		check("pair", err)
		check("rcvtimeo", syscall.SetsockoptTimeval(p[0], syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv))
		check("sndtimeo", syscall.SetsockoptTimeval(p[0], syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &tv))
		start := time.Now()
		n, err := syscall.Read(p[0], b)
		within("read", d, start, n, err)
		for err = nil; err == nil; { // until it is full
			start = time.Now()
			n, err = syscall.Write(p[0], b[:1000])
		}
		within("write", d, start, n, err)
		_, err = syscall.Write(p[1], []byte("there"))
		check("write", err)
		n, err = syscall.Read(p[0], b)
		fmt.Println(n, err)
		syscall.Close(p[0])
		syscall.Close(p[1])
	}
	iov := syscall.Iovec{Base: &b[0], Len: 10}
	p, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	check("pair", err)
	check("rcvtimeo", syscall.SetsockoptTimeval(p[0], syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv))
	start := time.Now()
	_, _, e := syscall.Syscall(syscall.SYS_READV, uintptr(p[0]), uintptr(unsafe.Pointer(&iov)), 1)
	within("readv", d, start, -1, e)
}

// long messages stay whole, in write as in sendmsg.
func long() {
	p, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET, 0)
	check("pair", err)
	n, err := syscall.Write(p[0], make([]byte, 100000))
	fmt.Println("write", n, err)
	n, err = syscall.Read(p[1], make([]byte, 200000))
	fmt.Println("read", n, err)
}

func main() {
	v4 := family{"IPv4", syscall.AF_INET, &syscall.SockaddrInet4{},
		&syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}, nil}
	v6 := family{"IPv6", syscall.AF_INET6, &syscall.SockaddrInet6{},
		&syscall.SockaddrInet6{Addr: [16]byte{15: 1}}, nil}
	for _, f := range []family{v4, v6} {
		fmt.Println(f.name)
		told(f)
		segments(f)
		refused(f)
	}
	timeouts()
	long()
}
