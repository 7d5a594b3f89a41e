// UDP over loopback: connected and not, refusals, sizes, deadlines, both families.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Println("unexpected:", err)
		os.Exit(1)
	}
}

func echo(network, addr string) {
	s, err := net.ListenPacket(network, addr)
	check(err)
	go func() {
		b := make([]byte, 70000)
		for {
			n, from, err := s.ReadFrom(b)
			if err != nil {
				return
			}
			s.WriteTo(b[:n], from)
		}
	}()
	c, err := net.Dial(network, s.LocalAddr().String())
	check(err)
	b := make([]byte, 70000)
	for _, n := range []int{0, 1, 1472, 9000, 65507} {
		m, err := c.Write(b[:n])
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		k, err2 := c.Read(b)
		fmt.Println(network, n, m, err, k, err2)
	}
	_, err = c.Write(b[:65536])
	fmt.Println(errors.Is(err, syscall.EMSGSIZE))
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err = c.Read(b)
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded))
	s.Close()
	c.Write([]byte("x"))
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err = c.Read(b)
	fmt.Println(errors.Is(err, syscall.ECONNREFUSED))
	c.Close()
}

func main() {
	echo("udp4", "127.0.0.1:0")
	echo("udp6", "[::1]:0")
	a, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(err)
	_, err = net.ListenUDP("udp4", a.LocalAddr().(*net.UDPAddr))
	fmt.Println(errors.Is(err, syscall.EADDRINUSE))
	b, err := net.ListenUDP("udp4", nil)
	check(err)
	to := b.LocalAddr().(*net.UDPAddr)
	n, oobn, err := a.WriteMsgUDP([]byte("message"), nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: to.Port})
	fmt.Println(n, oobn, err)
	buf := make([]byte, 4)
	n, oobn, flags, from, err := b.ReadMsgUDP(buf, nil)
	fmt.Println(n, oobn, flags&syscall.MSG_TRUNC != 0, from.Port == a.LocalAddr().(*net.UDPAddr).Port, from.IP, err)
	_, err = a.Write([]byte("nowhere"))
	fmt.Println(err != nil)
	// More datagrams than a queue holds: some are lost, none is damaged, no writer waits.
	for i := range 2000 {
		a.WriteTo([]byte{byte(i), byte(i >> 8)}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: to.Port})
	}
	last, got := -1, 0
	for {
		b.SetReadDeadline(time.Now().Add(time.Second)) // all are there, or lost
		n, err := b.Read(buf)
		if err != nil {
			break
		}
		if i := int(buf[0]) | int(buf[1])<<8; n != 2 || i <= last {
			fmt.Println("order:", n, i, last)
		} else {
			last = i
		}
		got++
	}
	fmt.Println(got > 50 && got < 2000)
}
