// Options of level IP and of level IPV6 on sockets of both families: which values are taken, what is
// read then, that each level keeps its own, and whose count for datagrams of either family.
package main

import (
	"fmt"
	"syscall"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

const (
	ip, ipv6                        = syscall.IPPROTO_IP, syscall.IPPROTO_IPV6
	recvTTL, recvTOS                = syscall.IP_RECVTTL, syscall.IP_RECVTOS
	recvHops, recvClass, class, err = syscall.IPV6_RECVHOPLIMIT, 66, 67, syscall.IPV6_RECVERR
)

type option struct {
	name        string
	level, what int
}

var options = []option{
	{"TTL", ip, syscall.IP_TTL}, {"TOS", ip, syscall.IP_TOS},
	{"MTU_DISCOVER", ip, syscall.IP_MTU_DISCOVER}, {"RECVERR", ip, syscall.IP_RECVERR},
	{"MULTICAST_TTL", ip, syscall.IP_MULTICAST_TTL}, {"MULTICAST_LOOP", ip, syscall.IP_MULTICAST_LOOP},
	{"UNICAST_HOPS", ipv6, syscall.IPV6_UNICAST_HOPS}, {"TCLASS", ipv6, class},
	{"MTU_DISCOVER6", ipv6, syscall.IPV6_MTU_DISCOVER}, {"RECVERR6", ipv6, err},
	{"MULTICAST_HOPS", ipv6, syscall.IPV6_MULTICAST_HOPS}, {"MULTICAST_LOOP6", ipv6, syscall.IPV6_MULTICAST_LOOP},
}

func values(fd int) []string {
	var all []string
	for _, o := range options {
		v, err := syscall.GetsockoptInt(fd, o.level, o.what)
		if err != nil {
			all = append(all, err.Error())
		} else {
			all = append(all, fmt.Sprint(v))
		}
	}
	return all
}

func sets(name string, family, kind, protocol int) {
	fd, err := syscall.Socket(family, kind, protocol)
	check(err)
	fmt.Println(name, values(fd))
	for _, o := range options {
		fmt.Print(" ", o.name, ":")
		for _, v := range []int{-2, -1, 0, 1, 2, 5, 6, 17, 255, 256} {
			before := values(fd)
			if err := syscall.SetsockoptInt(fd, o.level, o.what, v); err != nil {
				fmt.Printf(" %d %v;", v, err)
				continue
			}
			fmt.Print(" ", v)
			for i, now := range values(fd) {
				if now != before[i] {
					fmt.Printf(" %s=%s", options[i].name, now)
				}
			}
			fmt.Print(";")
		}
		fmt.Println()
	}
	check(syscall.Close(fd))
}

func socket(family int, at syscall.Sockaddr) int {
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM, 0)
	check(err)
	check(syscall.Bind(fd, at))
	t := syscall.Timeval{Sec: 30}
	check(syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &t))
	return fd
}

// told receives a datagram and says what comes with it of its header.
func told(fd int) string {
	b, oob := make([]byte, 16), make([]byte, 256)
	n, oobn, _, _, err := syscall.Recvmsg(fd, b, oob, 0)
	check(err)
	s := fmt.Sprintf("%q", b[:n])
	m, err := syscall.ParseSocketControlMessage(oob[:oobn])
	check(err)
	for _, c := range m {
		s += fmt.Sprintf(" %d/%d=%d", c.Header.Level, c.Header.Type, c.Data[0])
	}
	return s
}

func port(fd int) int {
	a, err := syscall.Getsockname(fd)
	check(err)
	switch a := a.(type) {
	case *syscall.SockaddrInet4:
		return a.Port
	case *syscall.SockaddrInet6:
		return a.Port
	}
	return 0
}

func datagrams() {
	r4 := socket(syscall.AF_INET, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	r6 := socket(syscall.AF_INET6, &syscall.SockaddrInet6{Addr: [16]byte{15: 1}})
	s := socket(syscall.AF_INET6, &syscall.SockaddrInet6{})
	for _, o := range []option{{"", ip, recvTTL}, {"", ip, recvTOS}} {
		check(syscall.SetsockoptInt(r4, o.level, o.what, 1))
	}
	for _, o := range []option{{"", ipv6, recvHops}, {"", ipv6, recvClass}} {
		check(syscall.SetsockoptInt(r6, o.level, o.what, 1))
	}
	to4 := &syscall.SockaddrInet6{Addr: [16]byte{10: 255, 255, 127, 0, 0, 1}, Port: port(r4)}
	to6 := &syscall.SockaddrInet6{Addr: [16]byte{15: 1}, Port: port(r6)}
	both := func(what string) {
		check(syscall.Sendto(s, []byte("four"), 0, to4))
		check(syscall.Sendto(s, []byte("six"), 0, to6))
		fmt.Println(what, told(r4), told(r6))
	}
	both("as it is:")
	check(syscall.SetsockoptInt(s, ip, syscall.IP_TTL, 17))
	check(syscall.SetsockoptInt(s, ip, syscall.IP_TOS, 0x28))
	both("of IP:")
	check(syscall.SetsockoptInt(s, ipv6, syscall.IPV6_UNICAST_HOPS, 99))
	check(syscall.SetsockoptInt(s, ipv6, class, 0x48))
	both("of IPv6:")
	check(syscall.SetsockoptInt(s, ipv6, syscall.IPV6_UNICAST_HOPS, -1))
	both("the default again:")

	// Errors are kept for the family whose level asks for it.
	check(syscall.Close(r4))
	check(syscall.Close(r6))
	check(syscall.SetsockoptInt(s, ip, syscall.IP_RECVERR, 1))
	refused := func(to syscall.Sockaddr) {
		check(syscall.Sendto(s, []byte("x"), 0, to))
		_, _, flags, _, err := syscall.Recvmsg(s, make([]byte, 16), make([]byte, 256), syscall.MSG_ERRQUEUE)
		fmt.Println("refused:", flags, err)
		v, err := syscall.GetsockoptInt(s, syscall.SOL_SOCKET, syscall.SO_ERROR)
		fmt.Println("SO_ERROR:", v, err)
	}
	refused(to6)
	refused(to4)
	check(syscall.SetsockoptInt(s, ip, syscall.IP_RECVERR, 0))
	check(syscall.SetsockoptInt(s, ipv6, err, 1))
	refused(to4)
	refused(to6)
	check(syscall.Close(s))
}

func main() {
	sets("udp", syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	sets("udp6", syscall.AF_INET6, syscall.SOCK_DGRAM, 0)
	sets("tcp", syscall.AF_INET, syscall.SOCK_STREAM, 0)
	sets("tcp6", syscall.AF_INET6, syscall.SOCK_STREAM, 0)
	datagrams()
}
