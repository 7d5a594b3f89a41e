package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// Rows that the guest runs by itself, over its loopback: each makes n operations. What it returns is
// the row's figure if that is not the instructions of an operation.
var within = map[string]func(n int) int64{
	"lo_ping":    func(n int) int64 { return ping("tcp", n) },
	"lo_udp":     func(n int) int64 { return pingUDP(n) },
	"lo_unix":    func(n int) int64 { return ping("unix", n) },
	"lo_raw":     raw,
	"lo_connect": connect,
	"lo_dial":    dialPing,
	"lo_http":    func(n int) int64 { return httpLoop(1, n) },
	"lo_http_32": func(n int) int64 { return httpLoop(32, n) },
	"lo_memory":  memory,
}

func local(network string) net.Listener {
	addr := "127.0.0.1:0"
	if network == "unix" {
		addr = "@bench"
	}
	l, err := net.Listen(network, addr)
	check(err)
	return l
}

func ping(network string, n int) int64 {
	l := local(network)
	defer l.Close()
	go func() {
		c, err := l.Accept()
		check(err)
		echo(c)
	}()
	c, err := net.Dial(network, l.Addr().String())
	check(err)
	defer c.Close()
	b := make([]byte, size)
	for range n {
		_, err := c.Write(b)
		check(err)
		_, err = io.ReadFull(c, b)
		check(err)
	}
	return 0
}

func pingUDP(n int) int64 {
	c, err := net.Dial("udp", "127.0.0.1:7")
	check(err)
	defer c.Close()
	b := make([]byte, size)
	for range n {
		_, err := c.Write(b)
		check(err)
		_, err = c.Read(b)
		check(err)
	}
	return 0
}

// A listener and its address, by system calls alone.
func rawListen() (int, syscall.Sockaddr) {
	l, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	check(err)
	check(syscall.Bind(l, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	check(syscall.Listen(l, 4096))
	addr, err := syscall.Getsockname(l)
	check(err)
	return l, addr
}

func rawPair(l int, addr syscall.Sockaddr) (int, int) {
	a, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	check(err)
	check(syscall.Connect(a, addr))
	b, _, err := syscall.Accept4(l, 0)
	check(err)
	return a, b
}

// One way and back without package net: a write and a read of each end.
func raw(n int) int64 {
	l, addr := rawListen()
	a, b := rawPair(l, addr)
	buf := make([]byte, size)
	move := func(from, to int) {
		_, err := syscall.Write(from, buf)
		check(err)
		_, err = syscall.Read(to, buf)
		check(err)
	}
	for range n {
		move(a, b)
		move(b, a)
	}
	for _, fd := range []int{a, b, l} {
		syscall.Close(fd)
	}
	return 0
}

// Who accepts closes last: the TIME-WAIT is the client's.
func connect(n int) int64 {
	l, addr := rawListen()
	for range n {
		a, b := rawPair(l, addr)
		check(syscall.Close(a))
		check(syscall.Close(b))
	}
	check(syscall.Close(l))
	return 0
}

func dialPing(n int) int64 {
	l := local("tcp")
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go echo(c)
		}
	}()
	b := make([]byte, size)
	for range n {
		c, err := net.Dial("tcp", l.Addr().String())
		check(err)
		_, err = c.Write(b)
		check(err)
		_, err = io.ReadFull(c, b)
		check(err)
		check(c.Close())
	}
	return 0
}

// The client sends bytes and compares bytes: what is measured is the server and the sockets.
func httpAsk(n int) {
	c, err := net.Dial("tcp", "127.0.0.1:80")
	check(err)
	defer c.Close()
	ask := []byte("GET / HTTP/1.1\r\nHost: bench\r\n\r\n")
	end := []byte(strings.Repeat("x", size))
	b := make([]byte, 4096)
	for range n {
		_, err := c.Write(ask)
		check(err)
		for got := 0; got < size || !bytes.Equal(b[got-size:got], end); {
			m, err := c.Read(b[got:])
			check(err)
			got += m
		}
	}
}

func httpLoop(clients, n int) int64 {
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() { httpAsk(n / clients) })
	}
	wg.Wait()
	return 0
}

// Bytes of memory that is free, with nothing of Go's garbage in between.
func free() int64 {
	var info syscall.Sysinfo_t
	runtime.GC()
	if err := syscall.Sysinfo(&info); err != nil {
		fmt.Println("failed: sysinfo:", err)
		return 0
	}
	return int64(info.Freeram) * int64(info.Unit)
}

// Bytes of the kernel's for a pair of connected sockets that wait.
func memory(n int) int64 {
	l, addr := rawListen()
	fds := make([]int, 0, 2*n)
	pairs := func(n int) {
		for range n {
			a, b := rawPair(l, addr)
			fds = append(fds, a, b)
		}
	}
	pairs(n / 10) // tables have their size now
	before := free()
	pairs(n - n/10)
	used := (before - free()) / int64(n-n/10)
	for _, fd := range append(fds, l) {
		check(syscall.Close(fd))
	}
	return used
}
