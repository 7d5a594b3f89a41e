// TCP_FASTOPEN: a number that servers set, which sockets have it, and that connections come all the
// same, with and without.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

const fastOpen = 23

func check(err error) {
	if err != nil {
		fmt.Println("unexpected:", err)
		os.Exit(1)
	}
}

// try sets each value and tells what the socket says afterwards.
func try(what string, fd int, values ...int) {
	n, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, fastOpen)
	fmt.Println(what, "has", n, err)
	for _, v := range values {
		set := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, fastOpen, v)
		n, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, fastOpen)
		fmt.Println(what, v, set, n, err)
	}
}

func socket(domain, kind int) int {
	fd, err := syscall.Socket(domain, kind, 0)
	check(err)
	return fd
}

// connection is one end of one to l that the kernel has made, and the other.
func connection(l int) (*net.TCPConn, int) {
	sa, err := syscall.Getsockname(l)
	check(err)
	c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", sa.(*syscall.SockaddrInet4).Port))
	check(err)
	s, _, err := syscall.Accept(l)
	check(err)
	return c.(*net.TCPConn), s
}

func listener() {
	l := socket(syscall.AF_INET, syscall.SOCK_STREAM)
	try("new", l, 16384, -1, 0, 7, 1<<30)
	check(syscall.Bind(l, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	try("bound", l, 5)
	check(syscall.Listen(l, 5))
	try("listening", l, 3, 100000, 4)
	c, s := connection(l)
	raw, err := c.SyscallConn()
	check(err)
	raw.Control(func(fd uintptr) { try("connected", int(fd), 3) })
	try("accepted", s, 5)
	_, err = c.Write([]byte("to a server with fast open"))
	check(err)
	check(c.CloseWrite())
	text, err := io.ReadAll(os.NewFile(uintptr(s), "accepted"))
	fmt.Printf("%q %v\n", text, err)
}

func main() {
	listener()
	try("tcp6", socket(syscall.AF_INET6, syscall.SOCK_STREAM), 5)
	try("udp", socket(syscall.AF_INET, syscall.SOCK_DGRAM), 5)
	try("udp6", socket(syscall.AF_INET6, syscall.SOCK_DGRAM), 5)
	try("unix", socket(syscall.AF_UNIX, syscall.SOCK_STREAM), 5)
	l := uintptr(socket(syscall.AF_INET, syscall.SOCK_STREAM))
	for _, length := range []uintptr{0, 2, 4, 8} {
		_, _, e := syscall.Syscall6(syscall.SYS_SETSOCKOPT, l, syscall.IPPROTO_TCP, fastOpen, 0, length, 0)
		fmt.Println("no value of", length, "bytes:", e)
	}
}
