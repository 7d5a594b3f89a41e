// Copies between files, pipes and sockets inside the kernel: sendfile and splice,
// as io.Copy asks for them and by hand.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

func check(err error) {
	if err != nil {
		fmt.Println("unexpected:", err)
		os.Exit(1)
	}
}

func pair(network, addr string) (net.Conn, net.Conn) {
	l, err := net.Listen(network, addr)
	check(err)
	defer l.Close()
	c, err := net.Dial(network, l.Addr().String())
	check(err)
	s, err := l.Accept()
	check(err)
	return c, s
}

func main() {
	dir, err := os.MkdirTemp("", "splice")
	check(err)
	defer os.RemoveAll(dir)
	data := make([]byte, 1<<20+12345)
	for i := range data {
		data[i] = byte(i * i >> 5)
	}
	sum := sha256.Sum256(data)
	check(os.WriteFile(dir+"/f", data, 0o600))

	// A file to TCP, TCP through a proxy to a unix socket, from there to a file.
	a, b := pair("tcp4", "127.0.0.1:0")
	c, d := pair("unix", dir+"/s")
	go func() {
		f, err := os.Open(dir + "/f")
		check(err)
		n, err := io.Copy(a, io.LimitReader(f, 1<<20))
		pos, _ := f.Seek(0, io.SeekCurrent)
		fmt.Println("sendfile:", n, pos, err)
		n, err = io.Copy(a, f)
		fmt.Println("sendfile:", n, err)
		a.Close()
	}()
	proxied := make(chan bool)
	go func() {
		n, err := io.Copy(c, b)
		fmt.Println("proxy:", n, err)
		c.Close()
		proxied <- true
	}()
	g, err := os.Create(dir + "/g")
	check(err)
	n, err := io.Copy(g, d)
	<-proxied
	fmt.Println("to a file:", n, err)
	got, err := os.ReadFile(dir + "/g")
	check(err)
	fmt.Println(sha256.Sum256(got) == sum)

	// By hand.
	p := make([]int, 2)
	check(syscall.Pipe2(p, syscall.O_NONBLOCK))
	f, err := os.Open(dir + "/f")
	check(err)
	off := int64(100)
	k, err := syscall.Splice(int(f.Fd()), &off, p[1], nil, 5000, 0)
	fmt.Println(k, off, err)
	buf := make([]byte, 10000)
	m, err := syscall.Read(p[0], buf)
	fmt.Println(m, err, string(buf[:m]) == string(data[100:5100]))
	k, err = syscall.Splice(p[0], nil, int(g.Fd()), nil, 5000, 2)
	fmt.Println(k, err)
	k, err = syscall.Splice(int(f.Fd()), nil, int(g.Fd()), nil, 5000, 0)
	fmt.Println(k, err)
	k, err = syscall.Splice(p[0], &off, p[1], nil, 5000, 0)
	fmt.Println(k, err)
	off = -1
	_, err = syscall.Sendfile(p[1], int(f.Fd()), &off, 10)
	fmt.Println(err)
	_, err = syscall.Sendfile(p[1], p[0], nil, 10)
	fmt.Println(err)
	off = 1 << 20
	w, err := syscall.Sendfile(p[1], int(f.Fd()), &off, 100)
	fmt.Println(w, off, err)
	w, err = syscall.Sendfile(-1, int(f.Fd()), nil, 100)
	fmt.Println(w, err)
	off = 1 << 40
	w, err = syscall.Sendfile(p[1], int(f.Fd()), &off, 100)
	fmt.Println(w, err)
}
