// Raw ICMP sockets over loopback: what they see, ICMP_FILTER and SO_ATTACH_FILTER. (On Linux it needs
// privilege.)
package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

func check(what string, err error) {
	if err != nil {
		fmt.Println("unexpected:", what, err)
		os.Exit(1)
	}
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

func option(call uintptr, fd, level, name int, p unsafe.Pointer, n uintptr) error {
	_, _, e := syscall.Syscall6(call, uintptr(fd), uintptr(level), uintptr(name), uintptr(p), n, 0)
	if e != 0 {
		return e
	}
	return nil
}

// types are those of the messages that have come.
func types(fd, header int) (all []int) {
	b := make([]byte, 200)
	for {
		n, _, err := syscall.Recvfrom(fd, b, syscall.MSG_DONTWAIT)
		if err != nil {
			return all
		}
		if n > header {
			all = append(all, int(b[header]))
		}
	}
}

// request returns an echo request, with its sum if the kernel does not put it in.
func request(domain int, echo byte) []byte {
	m := []byte{echo, 0, 0, 0, 0x12, 0x34, 0, 1, 'd', 'a', 't', 'a'}
	if domain == syscall.AF_INET {
		s := sum(m)
		m[2], m[3] = byte(s>>8), byte(s)
	}
	return m
}

func try(domain, protocol, level int, echo byte, header int, to syscall.Sockaddr, filter []uint32) {
	fd, err := syscall.Socket(domain, syscall.SOCK_RAW, protocol)
	check("socket", err)
	m := request(domain, echo)
	check("send", syscall.Sendto(fd, m, 0, to))
	fmt.Println("all:", types(fd, header))
	size := uintptr(4 * len(filter))
	check("set", option(syscall.SYS_SETSOCKOPT, fd, level, 1, unsafe.Pointer(&filter[0]), size))
	back := make([]uint32, len(filter))
	length := uint32(size)
	check("get", option(syscall.SYS_GETSOCKOPT, fd, level, 1, unsafe.Pointer(&back[0]),
		uintptr(unsafe.Pointer(&length))))
	fmt.Println(fmt.Sprint(back) == fmt.Sprint(filter), length)
	check("send", syscall.Sendto(fd, m, 0, to))
	fmt.Println("without requests:", types(fd, header))
	syscall.Close(fd)
}

type insn struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

type fprog struct {
	n    uint16
	insn *insn
}

// take makes fd take what has that type, and k bytes of it.
func take(fd, header int, typ byte, k uint32) {
	p := []insn{{0x30, 0, 0, uint32(header)}, {0x15, 0, 1, uint32(typ)}, {0x06, 0, 0, k}, {0x06, 0, 0, 0}}
	f := fprog{uint16(len(p)), &p[0]}
	check("filter", option(syscall.SYS_SETSOCKOPT, fd, syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER,
		unsafe.Pointer(&f), unsafe.Sizeof(f)))
}

// programs is about SO_ATTACH_FILTER: a raw socket's program sees what the socket reads.
func programs(domain, protocol int, echo, reply byte, header int, to syscall.Sockaddr) {
	fd, err := syscall.Socket(domain, syscall.SOCK_RAW, protocol)
	check("socket", err)
	m := request(domain, echo)
	b := make([]byte, 200)
	for _, k := range []uint32{1000, uint32(header) + 6, 3} {
		take(fd, header, reply, k)
		check("send", syscall.Sendto(fd, m, 0, to))
		n, _, err := syscall.Recvfrom(fd, b, syscall.MSG_DONTWAIT)
		fmt.Println("reply:", n, err, n <= header || b[header] == reply, len(types(fd, 0)), "more")
	}
	take(fd, header, 77, 1000)
	check("send", syscall.Sendto(fd, m, 0, to))
	fmt.Println("none:", types(fd, header))
	syscall.Close(fd)
}

func main() {
	programs(syscall.AF_INET, syscall.IPPROTO_ICMP, 8, 0, 20,
		&syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	programs(syscall.AF_INET6, syscall.IPPROTO_ICMPV6, 128, 129, 0,
		&syscall.SockaddrInet6{Addr: [16]byte{15: 1}})
	try(syscall.AF_INET, syscall.IPPROTO_ICMP, 255, 8, 20,
		&syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}, []uint32{1 << 8})
	filter := make([]uint32, 8)
	filter[128/32] = 1 << (128 % 32)
	try(syscall.AF_INET6, syscall.IPPROTO_ICMPV6, syscall.IPPROTO_ICMPV6, 128, 0,
		&syscall.SockaddrInet6{Addr: [16]byte{15: 1}}, filter)
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	check("socket", err)
	fmt.Println(option(syscall.SYS_SETSOCKOPT, fd, 255, 1, unsafe.Pointer(&filter[0]), 4))
}
