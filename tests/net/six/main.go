// Six talks IPv6 with the host: QEMU's user network announces fec0::/64, and shows the host's ::1 as
// fec0::2. Arguments: TCP and UDP ports of services that echo, and a port where nobody is.
package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

func check(what string, err error) {
	if err != nil {
		fmt.Println("unexpected:", what, err)
		os.Exit(1)
	}
}

// address is ours by the router's announcement; it takes a moment, and another until it is known
// that nobody else has it. The fields are address, interface, prefix, scope, flags, name.
func address() net.IP {
	const tentative = "40"
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		text, err := os.ReadFile("/proc/net/if_inet6")
		check("addresses", err)
		for _, line := range strings.Split(string(text), "\n") {
			f := strings.Fields(line)
			if len(f) == 6 && strings.HasPrefix(f[0], "fec0") && f[4] != tentative {
				ip, err := hex.DecodeString(f[0])
				check("address", err)
				return ip
			}
		}
	}
	check("address", errors.New("none was announced"))
	return nil
}

func stream(port string, own net.IP) {
	c, err := net.Dial("tcp6", net.JoinHostPort("fec0::2", port))
	check("dial", err)
	fmt.Println("local:", c.LocalAddr().(*net.TCPAddr).IP.Equal(own))
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	go c.Write(data)
	back := make([]byte, len(data))
	_, err = io.ReadFull(c, back)
	fmt.Println("stream:", len(data), bytes.Equal(back, data), err)
	check("close", c.Close())
}

func datagrams(port string) {
	c, err := net.Dial("udp6", net.JoinHostPort("fec0::2", port))
	check("dial", err)
	for _, n := range []int{1, 1000, 1200} {
		data, back := bytes.Repeat([]byte{byte(n)}, n), make([]byte, 2000)
		got := 0
		for try := 0; try < 20 && got == 0; try++ { // a datagram may be lost
			_, err = c.Write(data)
			check("write", err)
			c.SetReadDeadline(time.Now().Add(time.Second))
			got, _ = c.Read(back)
		}
		fmt.Println("datagram:", n, bytes.Equal(back[:got], data))
	}
}

func main() {
	own := address()
	stream(os.Args[1], own)
	datagrams(os.Args[2])
	_, err := net.Dial("tcp6", net.JoinHostPort("fec0::2", os.Args[3]))
	fmt.Println("refused:", errors.Is(err, syscall.ECONNREFUSED))
	l, err := net.Listen("tcp6", "[::]:0")
	check("listen", err)
	c, err := net.Dial("tcp6", net.JoinHostPort(own.String(), fmt.Sprint(l.Addr().(*net.TCPAddr).Port)))
	check("own address", err)
	fmt.Println("own address:", c.RemoteAddr().(*net.TCPAddr).IP.Equal(own))
}
