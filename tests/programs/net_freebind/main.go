// IP_FREEBIND and IPV6_FREEBIND: sockets with addresses that the machine has not. IP_RECVORIGDSTADDR
// and IPV6_RECVORIGDSTADDR: where a datagram was sent to.
package main

import (
	"fmt"
	"syscall"
	"unsafe"
)

const (
	ipRecvOrigDstAddr, ipFreebind     = 20, 15
	ipv6RecvOrigDstAddr, ipv6Freebind = 74, 78
)

func at6(last byte) (a [16]byte) {
	copy(a[:], []byte{0x20, 1, 0xd, 0xb8})
	a[15] = last
	return a
}

func bind(family, kind int, a syscall.Sockaddr, level, option int) {
	s, err := syscall.Socket(family, kind, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer syscall.Close(s)
	before := syscall.Bind(s, a)
	err = syscall.SetsockoptInt(s, level, option, 1)
	on, err2 := syscall.GetsockoptInt(s, level, option)
	fmt.Println("bind:", before, err, on, err2, syscall.Bind(s, a))
	name, err := syscall.Getsockname(s)
	switch n := name.(type) {
	case *syscall.SockaddrInet4:
		fmt.Println(n.Addr, n.Port != 0, err)
	case *syscall.SockaddrInet6:
		fmt.Println(n.Addr, n.Port != 0, err)
	}
	if kind == syscall.SOCK_STREAM {
		fmt.Println("listen:", syscall.Listen(s, 1))
	}
}

func control(level, kind int, data []byte) []byte {
	b := make([]byte, syscall.CmsgSpace(len(data)))
	h := (*syscall.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = int32(level), int32(kind)
	h.SetLen(syscall.CmsgLen(len(data)))
	copy(b[syscall.CmsgLen(0):], data)
	return b
}

// source6 sends with a source that is not ours, named by a control message.
func source6(free bool) {
	r, _ := syscall.Socket(syscall.AF_INET6, syscall.SOCK_DGRAM, 0)
	s, _ := syscall.Socket(syscall.AF_INET6, syscall.SOCK_DGRAM, 0)
	defer syscall.Close(r)
	defer syscall.Close(s)
	err := syscall.Bind(r, &syscall.SockaddrInet6{Addr: [16]byte{15: 1}})
	to, err2 := syscall.Getsockname(r)
	if free {
		err = syscall.SetsockoptInt(s, syscall.IPPROTO_IPV6, ipv6Freebind, 1)
	}
	a := at6(7)
	err3 := syscall.Sendmsg(s, []byte{1}, control(syscall.IPPROTO_IPV6, syscall.IPV6_PKTINFO, append(a[:], 0, 0, 0, 0)), to, 0)
	fmt.Println("source:", free, err, err2, err3)
	if err3 != nil {
		return
	}
	_, from, err := syscall.Recvfrom(r, make([]byte, 8), 0)
	fmt.Println("from", from.(*syscall.SockaddrInet6).Addr, err)
}

// told prints the control messages of a datagram from the loopback.
func told(family int, own, to syscall.Sockaddr, options ...[2]int) {
	r, _ := syscall.Socket(family, syscall.SOCK_DGRAM, 0)
	defer syscall.Close(r)
	for _, o := range options {
		err := syscall.SetsockoptInt(r, o[0], o[1], 1)
		on, err2 := syscall.GetsockoptInt(r, o[0], o[1])
		fmt.Println("option:", err, on, err2)
	}
	err := syscall.Bind(r, own)
	name, err2 := syscall.Getsockname(r)
	fmt.Println("bound:", err, err2)
	port := 0
	sender := syscall.AF_INET6
	switch n := name.(type) {
	case *syscall.SockaddrInet4:
		port = n.Port
	case *syscall.SockaddrInet6:
		port = n.Port
	}
	switch n := to.(type) {
	case *syscall.SockaddrInet4:
		n.Port = port
		sender = syscall.AF_INET
	case *syscall.SockaddrInet6:
		n.Port = port
	}
	s, _ := syscall.Socket(sender, syscall.SOCK_DGRAM, 0)
	defer syscall.Close(s)
	fmt.Println("sent:", syscall.Sendto(s, []byte("x"), 0, to))
	oob := make([]byte, 256)
	_, n, _, _, err := syscall.Recvmsg(r, make([]byte, 8), oob, 0)
	messages, err2 := syscall.ParseSocketControlMessage(oob[:n])
	fmt.Println("received:", n, err, err2)
	for _, m := range messages {
		d := m.Data
		fmt.Println(m.Header.Level, m.Header.Type, len(d))
		if m.Header.Type == ipRecvOrigDstAddr || m.Header.Type == ipv6RecvOrigDstAddr {
			fmt.Println(d[0], int(d[2])<<8|int(d[3]) == port, d[4:])
		}
	}
}

func main() {
	four := [4]byte{192, 0, 2, 1}
	for _, kind := range []int{syscall.SOCK_DGRAM, syscall.SOCK_STREAM} {
		bind(syscall.AF_INET, kind, &syscall.SockaddrInet4{Addr: four}, syscall.IPPROTO_IP, ipFreebind)
		bind(syscall.AF_INET6, kind, &syscall.SockaddrInet6{Addr: at6(1)}, syscall.IPPROTO_IPV6, ipv6Freebind)
		bind(syscall.AF_INET6, kind, &syscall.SockaddrInet6{Addr: at6(1)}, syscall.IPPROTO_IP, ipFreebind)
	}
	source6(false)
	source6(true)
	four = [4]byte{127, 0, 0, 1}
	v4, v6 := [2]int{syscall.IPPROTO_IP, ipRecvOrigDstAddr}, [2]int{syscall.IPPROTO_IPV6, ipv6RecvOrigDstAddr}
	told(syscall.AF_INET, &syscall.SockaddrInet4{}, &syscall.SockaddrInet4{Addr: four}, v4, [2]int{syscall.IPPROTO_IP, syscall.IP_RECVTTL})
	told(syscall.AF_INET6, &syscall.SockaddrInet6{}, &syscall.SockaddrInet6{Addr: [16]byte{15: 1}}, v6, v4, [2]int{syscall.IPPROTO_IPV6, syscall.IPV6_RECVPKTINFO})
	told(syscall.AF_INET6, &syscall.SockaddrInet6{}, &syscall.SockaddrInet4{Addr: four}, v6, v4)
}
