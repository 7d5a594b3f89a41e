// Buffers that root makes as large as it likes, and the memory behind them: sockets that nobody
// reads take a part of what there is for all, what is lost is counted, others go on.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

const ram = 256 << 20 // test.json

func check(err error) {
	if err != nil {
		fmt.Println("unexpected:", err)
		os.Exit(1)
	}
}

func raw(c syscall.Conn, f func(fd int)) {
	r, err := c.SyscallConn()
	check(err)
	check(r.Control(func(fd uintptr) { f(int(fd)) }))
}

// What Linux 6.18 says: the double of what was asked for, in the range of the numbers.
func sizes() {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	check(err)
	for _, force := range []int{syscall.SO_RCVBUFFORCE, syscall.SO_SNDBUFFORCE} {
		plain := map[int]int{syscall.SO_RCVBUFFORCE: syscall.SO_RCVBUF,
			syscall.SO_SNDBUFFORCE: syscall.SO_SNDBUF}[force]
		for _, v := range []int{0, -1, 1000, 300000, 32 << 20, 1 << 30, 1<<31 - 1, -1 << 31} {
			err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, force, v)
			n, _ := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, plain)
			fmt.Println(v, err, n)
		}
		err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, plain, 1<<30)
		n, _ := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, plain)
		fmt.Println("plain:", err, n)
	}
	syscall.Close(fd)
}

// The pages that /proc/net/sockstat shows, of TCP and of UDP.
func pages() (tcp, udp int) {
	b, err := os.ReadFile("/proc/net/sockstat")
	check(err)
	for _, l := range strings.Split(string(b), "\n") {
		w := strings.Fields(l)
		if strings.HasPrefix(l, "TCP:") {
			fmt.Sscan(w[len(w)-1], &tcp)
		} else if strings.HasPrefix(l, "UDP:") {
			fmt.Sscan(w[len(w)-1], &udp)
		}
	}
	return
}

func bounded() bool {
	tcp, udp := pages()
	return (tcp+udp)*4096 <= ram/8
}

// The drops column of /proc/net/udp, of that port.
func drops(port int) (n int) {
	b, err := os.ReadFile("/proc/net/udp")
	check(err)
	for _, l := range strings.Split(string(b), "\n") {
		w := strings.Fields(l)
		if len(w) > 12 && strings.HasSuffix(w[1], fmt.Sprintf(":%04X", port)) {
			fmt.Sscan(w[len(w)-1], &n)
		}
	}
	return
}

func hog() *net.UDPConn {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(err)
	raw(c, func(fd int) {
		check(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, 64<<20))
	})
	return c
}

// Datagrams and bytes go there and back, none is lost.
func othersGoOn() bool {
	a, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(err)
	b, err := net.DialUDP("udp4", nil, a.LocalAddr().(*net.UDPAddr))
	check(err)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	check(err)
	c, err := net.Dial("tcp4", l.Addr().String())
	check(err)
	d, err := l.Accept()
	check(err)
	buf, got := bytes.Repeat([]byte("abc"), 10000), make([]byte, 40000)
	good := true
	for range 20 {
		b.Write(buf)
		a.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err := a.Read(got)
		good = good && err == nil && bytes.Equal(got[:n], buf)
		go c.Write(buf)
		_, err = io.ReadFull(d, got[:len(buf)])
		good = good && err == nil && bytes.Equal(got[:len(buf)], buf)
	}
	for _, c := range []io.Closer{a, b, c, d, l} {
		c.Close()
	}
	return good
}

// Many senders fill queues that nobody reads.
func flood(hogs []*net.UDPConn, each int) {
	var wg sync.WaitGroup
	for i, h := range hogs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c, err := net.DialUDP("udp4", nil, h.LocalAddr().(*net.UDPAddr))
			check(err)
			defer c.Close()
			msg := bytes.Repeat([]byte{byte(i)}, 30000)
			for range each / len(msg) {
				_, err := c.Write(msg)
				check(err)
			}
		}()
	}
	wg.Wait()
}

func datagrams() {
	h := hog()
	flood([]*net.UDPConn{h}, 24<<20)
	port := h.LocalAddr().(*net.UDPAddr).Port
	_, udp := pages()
	fmt.Println("one:", bounded(), udp*4096 > ram/32, drops(port) > 0, othersGoOn())
	hogs := []*net.UDPConn{h}
	for range 40 {
		hogs = append(hogs, hog())
	}
	flood(hogs, 2<<20)
	fmt.Println("many:", bounded(), othersGoOn())
	// What was queued is whole, and its place is free again.
	buf, good, n := make([]byte, 40000), true, 0
	for {
		h.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		k, err := h.Read(buf)
		if err != nil {
			break
		}
		good = good && k == 30000 && bytes.Count(buf[:k], []byte{0}) == k
		n++
	}
	fmt.Println("read:", good, n > 100)
	for _, h := range hogs {
		h.Close()
	}
	_, udp = pages()
	fmt.Println("closed:", udp)
}

// Connections that nobody reads; then all their bytes come.
func streams() {
	const n, each = 200, 400 << 10
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	check(err)
	var ends []net.Conn
	var wg sync.WaitGroup
	for i := range n {
		c, err := net.Dial("tcp4", l.Addr().String())
		check(err)
		raw(c.(*net.TCPConn), func(fd int) {
			check(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUFFORCE, 64<<20))
		})
		d, err := l.Accept()
		check(err)
		ends = append(ends, d)
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, err := c.Write(bytes.Repeat([]byte{byte(i)}, each))
			check(err)
			check(c.Close())
		}()
	}
	time.Sleep(300 * time.Millisecond)
	fmt.Println("streams:", bounded(), othersGoOn())
	good := true
	for i, d := range ends {
		b, err := io.ReadAll(d)
		good = good && err == nil && len(b) == each && bytes.Count(b, []byte{byte(i)}) == each
		d.Close()
	}
	wg.Wait()
	tcp, _ := pages()
	fmt.Println("read:", good, tcp)
}

// AF_UNIX loses nothing: its senders wait.
func local() {
	var socks [][2]int
	total, full := 0, 0
	for range 100 {
		p, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK, 0)
		check(err)
		check(syscall.SetsockoptInt(p[0], syscall.SOL_SOCKET, syscall.SO_SNDBUFFORCE, 8<<20))
		check(syscall.SetsockoptInt(p[1], syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, 64<<20))
		socks = append(socks, p)
		for range 11 {
			if err := syscall.Sendto(p[0], make([]byte, 400<<10), 0, nil); err != nil {
				full++
				if err != syscall.EAGAIN && err != syscall.ENOBUFS {
					fmt.Println("unexpected:", err)
				}
				break
			}
			total++
		}
	}
	fmt.Println("local:", bounded(), total > 8, full > 50, othersGoOn())
	fmt.Println(syscall.Sendto(socks[0][0], make([]byte, 4<<20), 0, nil))
	b, n := make([]byte, 500<<10), 0
	for _, p := range socks {
		for {
			k, err := syscall.Read(p[1], b)
			if err != nil {
				break
			}
			if k != 400<<10 {
				fmt.Println("length:", k)
			}
			n++
		}
		syscall.Close(p[0])
		syscall.Close(p[1])
	}
	_, udp := pages()
	fmt.Println("read:", n == total, udp)
}

func main() {
	sizes()
	datagrams()
	streams()
	local()
}
