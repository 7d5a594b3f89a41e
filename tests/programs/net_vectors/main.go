// writev and readv of sockets: several buffers are one datagram, or one piece of a stream.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func vector(number uintptr, fd int, bufs ...[]byte) (int, error) {
	iov := make([]syscall.Iovec, len(bufs))
	for i, b := range bufs {
		if len(b) > 0 {
			iov[i].Base = &b[0]
		}
		iov[i].SetLen(len(b))
	}
	n, _, e := syscall.Syscall(number, uintptr(fd), uintptr(unsafe.Pointer(&iov[0])), uintptr(len(iov)))
	if e != 0 {
		return -1, e
	}
	return int(n), nil
}

func datagrams(kind string, typ int) {
	fd, err := syscall.Socketpair(syscall.AF_UNIX, typ, 0)
	check(err)
	n, err := vector(syscall.SYS_WRITEV, fd[0], nil, []byte("one "), []byte{}, []byte("two "), []byte("three"))
	fmt.Println(kind, "sent", n, err)
	n, err = vector(syscall.SYS_WRITEV, fd[0], []byte("four"), []byte("five"))
	fmt.Println(kind, "sent", n, err)
	a, b := make([]byte, 6), make([]byte, 20)
	n, err = vector(syscall.SYS_READV, fd[1], a, b)
	fmt.Printf("%s got %d %v %q %q\n", kind, n, err, a, b)
	a, b = make([]byte, 2), make([]byte, 3)
	n, err = vector(syscall.SYS_READV, fd[1], a, b)
	fmt.Printf("%s got %d %v %q %q\n", kind, n, err, a, b)
	check(syscall.SetNonblock(fd[1], true))
	n, err = vector(syscall.SYS_READV, fd[1], a, b)
	fmt.Println(kind, "got", n, err)
	n, err = vector(syscall.SYS_WRITEV, fd[0], []byte("x"), unsafe.Slice((*byte)(unsafe.Pointer(uintptr(8))), 5))
	fmt.Println(kind, "sent from nowhere", n, err)
}

func udp() {
	to, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(err)
	from, err := net.Dial("udp", to.LocalAddr().String())
	check(err)
	v := net.Buffers{[]byte("a"), []byte("bc"), []byte("def")}
	n, err := v.WriteTo(from)
	fmt.Println("udp sent", n, err)
	b := make([]byte, 100)
	m, _, err := to.ReadFrom(b)
	fmt.Printf("udp got %q %v\n", b[:m], err)
}

func stream() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	done := make(chan string)
	go func() {
		c, err := l.Accept()
		check(err)
		b, err := io.ReadAll(c)
		check(err)
		done <- string(b)
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	check(err)
	v, want := net.Buffers{}, strings.Builder{}
	for i := 0; i < 3000; i++ {
		s := strings.Repeat(string(rune('a'+i%26)), i%700)
		v = append(v, []byte(s))
		want.WriteString(s)
	}
	n, err := v.WriteTo(c)
	fmt.Println("tcp sent", n, err, n == int64(want.Len()))
	c.Close()
	fmt.Println("tcp got all:", <-done == want.String())
}

func main() {
	datagrams("dgram", syscall.SOCK_DGRAM)
	datagrams("seqpacket", syscall.SOCK_SEQPACKET)
	udp()
	stream()
}
