// AF_UNIX: streams, packets and datagrams, by path, in the abstract space and as pairs; files in
// flight, credentials, names.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Println("unexpected:", err)
		os.Exit(1)
	}
}

func streams(network, name string) {
	l, err := net.Listen(network, name)
	check(err)
	done := make(chan string)
	go func() {
		c, err := l.Accept()
		check(err)
		b := make([]byte, 100)
		n, err := c.Read(b)
		m, err2 := c.Read(b[n:])
		done <- fmt.Sprintf("%q %v %d %v", b[:n], err, m, err2)
		fmt.Fprint(c, "answer")
		c.Close()
	}()
	c, err := net.Dial(network, name)
	check(err)
	fmt.Fprint(c, "question")
	time.Sleep(time.Millisecond)
	c.(*net.UnixConn).CloseWrite()
	fmt.Println(network, <-done)
	got, err := io.ReadAll(c)
	fmt.Printf("%q %v %q\n", got, err, c.LocalAddr().String())
	c.Close()
	l.Close()
	_, err = net.Dial(network, name)
	fmt.Println(errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT))
}

func datagrams(dir string) {
	a, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "a"), Net: "unixgram"})
	check(err)
	b, err := net.DialUnix("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "b"), Net: "unixgram"}, a.LocalAddr().(*net.UnixAddr))
	check(err)
	for _, s := range []string{"one", "", "three"} {
		b.Write([]byte(s))
	}
	buf := make([]byte, 4)
	for range 3 {
		n, from, err := a.ReadFrom(buf)
		fmt.Printf("%q from %s %v\n", buf[:n], filepath.Base(from.String()), err)
	}
	a.WriteTo([]byte("back"), b.LocalAddr())
	n, err := b.Read(buf)
	fmt.Printf("%q %v\n", buf[:n], err)
	_, err = a.WriteTo([]byte("x"), &net.UnixAddr{Name: filepath.Join(dir, "nobody"), Net: "unixgram"})
	fmt.Println(errors.Is(err, syscall.ENOENT))
	// A full inbox: the writer waits until there is room.
	sent := make(chan int)
	go func() {
		n := 0
		for range 2000 {
			if _, err := b.Write(make([]byte, 1000)); err != nil {
				fmt.Println(err)
			}
			n++
		}
		sent <- n
	}()
	time.Sleep(2 * time.Millisecond)
	big := make([]byte, 2000)
	for range 2000 {
		if n, err := a.Read(big); n != 1000 || err != nil {
			fmt.Println(n, err)
		}
	}
	fmt.Println(<-sent)
	a.Close()
	_, err = b.Write([]byte("x"))
	fmt.Println(errors.Is(err, syscall.ECONNREFUSED))
	b.Close()
}

// crowd has several writers wait for the same inbox: what each sends at last is all of it.
func crowd() {
	fd, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	check(err)
	const writers, each = 4, 3000
	for range writers {
		go func() {
			for range each {
				if err := syscall.Sendto(fd[0], []byte("all of it"), 0, nil); err != nil {
					fmt.Println(err)
				}
			}
		}()
	}
	buf, bad := make([]byte, 20), 0
	for range writers * each {
		if n, err := syscall.Read(fd[1], buf); string(buf[:n]) != "all of it" || err != nil {
			bad++
		}
	}
	fmt.Println("crowd:", bad, "bad")
	syscall.Close(fd[0])
	syscall.Close(fd[1])
}

func rights() {
	fd, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	check(err)
	p := make([]int, 2)
	check(syscall.Pipe(p))
	check(syscall.Sendmsg(fd[0], []byte("here"), syscall.UnixRights(p[1], p[0]), nil, 0))
	syscall.Write(fd[0], []byte("more"))
	buf, oob := make([]byte, 10), make([]byte, 200)
	n, on, flags, _, err := syscall.Recvmsg(fd[1], buf, oob, 0)
	fmt.Printf("%q %d %v\n", buf[:n], flags, err)
	msgs, err := syscall.ParseSocketControlMessage(oob[:on])
	check(err)
	fds, err := syscall.ParseUnixRights(&msgs[0])
	fmt.Println(len(msgs), len(fds), err)
	syscall.Close(p[1])
	syscall.Write(fds[0], []byte("through"))
	syscall.Close(fds[0])
	n, err = syscall.Read(p[0], buf)
	fmt.Printf("%q %v\n", buf[:n], err)
	n, err = syscall.Read(p[0], buf)
	fmt.Println(n, err)
	n, err = syscall.Read(fd[1], buf)
	fmt.Printf("%q %v\n", buf[:n], err)
	syscall.Close(fd[0])
	n, err = syscall.Read(fd[1], buf)
	fmt.Println(n, err)
	_, err = syscall.Write(fd[1], buf)
	fmt.Println(err)
}

func packets() {
	fd, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_NONBLOCK, 0)
	check(err)
	syscall.Write(fd[0], []byte("first packet"))
	syscall.Write(fd[0], []byte("2nd"))
	buf := make([]byte, 5)
	for range 3 {
		n, _, flags, _, err := syscall.Recvmsg(fd[1], buf, nil, 0)
		fmt.Printf("%d %#x %v\n", n, flags, err)
	}
	check(syscall.SetsockoptInt(fd[1], syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1))
	syscall.Write(fd[0], []byte("3"))
	oob := make([]byte, 100)
	_, on, flags, _, err := syscall.Recvmsg(fd[1], buf, oob, syscall.MSG_CMSG_CLOEXEC)
	fmt.Printf("%#x\n", flags)
	m, err2 := syscall.ParseSocketControlMessage(oob[:on])
	fmt.Println(err, err2, len(m))
	c, err := syscall.ParseUnixCredentials(&m[0])
	fmt.Println(int(c.Pid) == os.Getpid(), int(c.Uid) == os.Getuid(), err)
	syscall.Close(fd[0])
	n, err := syscall.Read(fd[1], buf)
	fmt.Println(n, err)
}

func main() {
	dir, err := os.MkdirTemp("", "u")
	check(err)
	defer os.RemoveAll(dir)
	streams("unix", filepath.Join(dir, "s"))
	streams("unix", "@gort-test")
	streams("unixpacket", filepath.Join(dir, "p"))
	l, err := net.Listen("unix", filepath.Join(dir, "stat"))
	check(err)
	st, err := os.Stat(filepath.Join(dir, "stat"))
	fmt.Println(st.Mode()&os.ModeType == os.ModeSocket, err)
	_, err = net.Listen("unix", filepath.Join(dir, "stat"))
	fmt.Println(errors.Is(err, syscall.EADDRINUSE))
	l.Close()
	datagrams(dir)
	crowd()
	rights()
	packets()
}
