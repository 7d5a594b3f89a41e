// TCP over loopback: transfers, half-closed connections, resets, refusals, deadlines, addresses.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

func check(err error) {
	if err != nil {
		fmt.Println("unexpected:", err)
		os.Exit(1)
	}
}

func pair(network, addr string) (a, b *net.TCPConn) {
	l, err := net.Listen(network, addr)
	check(err)
	defer l.Close()
	c, err := net.Dial(network, l.Addr().String())
	check(err)
	s, err := l.Accept()
	check(err)
	if c.LocalAddr().String() != s.RemoteAddr().String() || c.RemoteAddr().String() != s.LocalAddr().String() {
		fmt.Println("addresses:", c.LocalAddr(), s.RemoteAddr(), c.RemoteAddr(), s.LocalAddr())
	}
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

func kind(err error) string {
	switch {
	case err == nil:
		return "nil"
	case errors.Is(err, io.EOF):
		return "EOF"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, syscall.EPIPE):
		return "pipe"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "deadline"
	case errors.Is(err, net.ErrClosed):
		return "closed"
	}
	return err.Error()
}

func transfer(network, addr string) {
	a, b := pair(network, addr)
	data := make([]byte, 3<<20)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	var wg sync.WaitGroup
	for _, c := range []*net.TCPConn{a, b} {
		wg.Go(func() { _, err := c.Write(data); check(err); check(c.CloseWrite()) })
		wg.Go(func() {
			got, err := io.ReadAll(c)
			fmt.Println(network, len(got), sha256.Sum256(got) == sha256.Sum256(data), err)
		})
	}
	wg.Wait()
	_, err := a.Write([]byte("x"))
	fmt.Println("write after CloseWrite:", kind(err))
	a.Close()
	b.Close()
}

const pollIn, pollHup = 1, 16

// wait returns when poll says so of the socket.
func wait(c *net.TCPConn, event int16) {
	raw, err := c.SyscallConn()
	check(err)
	check(raw.Control(func(fd uintptr) {
		p := struct {
			fd              int32
			events, revents int16
		}{int32(fd), event, 0}
		for p.revents&event == 0 {
			_, _, e := syscall.Syscall(syscall.SYS_POLL, uintptr(unsafe.Pointer(&p)), 1, 100)
			if e != 0 && e != syscall.EINTR {
				panic(e)
			}
		}
	}))
}

func resets() {
	a, b := pair("tcp4", "127.0.0.1:0")
	b.Write([]byte("unread"))
	wait(a, pollIn)
	a.Close()
	_, err := b.Read(make([]byte, 10))
	fmt.Println("peer closed with unread bytes:", kind(err))
	b.Close()

	a, b = pair("tcp4", "127.0.0.1:0")
	a.SetLinger(0)
	a.Write([]byte("last words"))
	a.Close()
	buf := make([]byte, 20)
	n, err := io.ReadFull(b, buf)
	fmt.Printf("linger 0: %q %v\n", buf[:n], errors.Is(err, syscall.ECONNRESET) || kind(err) == "unexpected EOF")
	b.Close()

	a, b = pair("tcp4", "127.0.0.1:0")
	a.Close()
	_, err = b.Read(buf)
	fmt.Println("closed:", kind(err))
	_, err = b.Write([]byte("1"))
	fmt.Println("first write:", kind(err))
	wait(b, pollHup)
	_, err = b.Write([]byte("2"))
	fmt.Println("second write:", kind(err))
	b.Close()
}

func refused() {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	check(err)
	addr := l.Addr().String()
	_, err = net.Listen("tcp4", addr)
	fmt.Println("in use:", errors.Is(err, syscall.EADDRINUSE))
	l.Close()
	_, err = net.Dial("tcp4", addr)
	fmt.Println("dial:", kind(err))
	_, err = l.Accept()
	fmt.Println("accept:", kind(err))
	_, err = net.Listen("tcp4", "10.1.2.3:0")
	fmt.Println("foreign address:", errors.Is(err, syscall.EADDRNOTAVAIL))
}

func deadlines() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	l.(*net.TCPListener).SetDeadline(time.Now().Add(2 * time.Millisecond))
	_, err = l.Accept()
	fmt.Println("accept:", kind(err))
	l.Close()
	a, b := pair("tcp4", "127.0.0.1:0")
	a.SetReadDeadline(time.Now().Add(2 * time.Millisecond))
	_, err = a.Read(make([]byte, 1))
	fmt.Println("read:", kind(err))
	data := make([]byte, 64<<20)
	a.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	n, err := a.Write(data)
	fmt.Println("write:", n < 64<<20, kind(err)) // nothing, where the time is over already
	_, err = b.Read(make([]byte, 0))
	fmt.Println("nothing:", err) // it does not wait
	b.Close()
	a.Close()
}

func dual() {
	l, err := net.Listen("tcp", ":0")
	check(err)
	port := l.Addr().(*net.TCPAddr).Port
	for _, host := range []string{"127.0.0.1", "::1"} {
		c, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
		check(err)
		s, err := l.Accept()
		check(err)
		go func() { io.Copy(s, s); s.Close() }()
		fmt.Fprint(c, "hello ", host)
		c.(*net.TCPConn).CloseWrite()
		got, err := io.ReadAll(c)
		fmt.Printf("%s %v %s\n", got, err, s.RemoteAddr().(*net.TCPAddr).IP)
		c.Close()
	}
	l.Close()
}

func many() {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	check(err)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			for j := range 20 {
				c, err := net.Dial("tcp4", l.Addr().String())
				check(err)
				want := bytes.Repeat([]byte{byte(i), byte(j)}, 100)
				c.Write(want)
				got := make([]byte, len(want))
				_, err = io.ReadFull(c, got)
				check(err)
				if !bytes.Equal(got, want) {
					fmt.Println("other bytes")
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	l.Close()
	fmt.Println("a thousand connections")
}

func options() {
	a, b := pair("tcp4", "127.0.0.1:0")
	fmt.Println(a.SetKeepAlive(true), a.SetKeepAlivePeriod(time.Minute), a.SetNoDelay(false), a.SetLinger(5), b.SetReadBuffer(100000))
	raw, _ := a.SyscallConn()
	raw.Control(func(fd uintptr) {
		for _, o := range [][2]int{{syscall.SOL_SOCKET, syscall.SO_TYPE}, {syscall.SOL_SOCKET, syscall.SO_KEEPALIVE},
			{syscall.SOL_SOCKET, syscall.SO_ERROR}, {syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN}, {syscall.IPPROTO_TCP, syscall.TCP_NODELAY},
			{syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE}, {syscall.IPPROTO_IP, syscall.IP_TTL}, {syscall.SOL_SOCKET, 9999}} {
			v, err := syscall.GetsockoptInt(int(fd), o[0], o[1])
			fmt.Print(v, " ", err, "; ")
		}
		fmt.Println()
	})
	a.Close()
	b.Close()
}

func main() {
	transfer("tcp4", "127.0.0.1:0")
	transfer("tcp6", "[::1]:0")
	resets()
	refused()
	deadlines()
	dual()
	many()
	options()
	ifs, err := net.Interfaces()
	for _, i := range ifs {
		if i.Name == "lo" {
			fmt.Println(i.Name, i.Index, i.Flags&^net.FlagRunning, err)
		}
	}
}
