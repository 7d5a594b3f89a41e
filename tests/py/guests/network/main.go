// Prints its network interfaces, asks the resolver in its argument, and serves one request.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// interfaces prints the interfaces as seen by netlink, by ioctl and in /proc/net.
func interfaces() {
	list, err := net.Interfaces()
	for _, i := range list {
		addrs, err := i.Addrs()
		fmt.Println(i.Index, i.Name, i.MTU, i.HardwareAddr, i.Flags, addrs, err)
	}
	fmt.Println(net.InterfaceAddrs())
	fd, _ := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	for _, name := range []string{"lo", "eth0", "eth9"} {
		fmt.Println(name, ask(fd, name, syscall.SIOCGIFADDR), ask(fd, name, syscall.SIOCGIFNETMASK),
			ask(fd, name, syscall.SIOCGIFBRDADDR), ask(fd, name, syscall.SIOCGIFHWADDR))
	}
	syscall.Close(fd)
	for _, name := range []string{"route", "if_inet6", "arp"} {
		text, err := os.ReadFile("/proc/net/" + name)
		fmt.Printf("%s%v\n", text, err)
	}
	if err != nil {
		fmt.Println(err)
	}
}

// ask is one ioctl about an interface; 8 bytes of the answer.
func ask(fd int, name string, request uintptr) any {
	var r struct {
		name [16]byte
		data [24]byte
	}
	copy(r.name[:], name)
	_, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(&r)))
	if e != 0 {
		return e
	}
	return r.data[:8]
}

// ping sends an echo request by a raw socket, and by a ping socket.
func ping(to string) {
	echo := []byte{8, 0, 0, 0, 0x12, 0x34, 0, 1, 'a', 'b', 'c', 'd', 0, 0, 0, 0}
	sum := uint32(0)
	for i := 0; i < len(echo); i += 2 {
		sum += uint32(echo[i])<<8 | uint32(echo[i+1])
	}
	sum = sum&0xffff + sum>>16
	echo[2], echo[3] = byte(^sum>>8), byte(^sum)
	raw, err := net.ListenPacket("ip4:icmp", "0.0.0.0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer raw.Close()
	raw.SetDeadline(time.Now().Add(10 * time.Second))
	addr, b := &net.IPAddr{IP: net.ParseIP(to)}, make([]byte, 100)
	_, err = raw.WriteTo(echo, addr)
	n, from, rerr := raw.ReadFrom(b)
	if n > 0 && b[0] == 8 { // to ourselves: we see the question, too
		n, from, rerr = raw.ReadFrom(b)
	}
	fmt.Println("raw", err, n, from, rerr, b[0], string(b[8:12]))
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, syscall.IPPROTO_ICMP)
	sa := &syscall.SockaddrInet4{Addr: [4]byte(addr.IP.To4())}
	serr := syscall.Sendto(fd, echo, 0, sa)
	n, _, rerr = syscall.Recvfrom(fd, b, 0)
	name, _ := syscall.Getsockname(fd)
	id := name.(*syscall.SockaddrInet4).Port
	fmt.Println("ping", err, serr, n, rerr, b[0], string(b[8:12]), id == int(b[4])<<8|int(b[5]))
	fmt.Println(syscall.Sendto(fd, b[:n], 0, sa), syscall.Sendto(fd, echo[:7], 0, sa))
	syscall.Close(fd)
}

// early is a socket that joins the group twice, leaves it and joins it again, and is bound then.
func early() (net.PacketConn, error) {
	mreq := &syscall.IPMreq{Multiaddr: [4]byte{239, 1, 2, 3}}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			for _, name := range []int{syscall.IP_ADD_MEMBERSHIP, syscall.IP_ADD_MEMBERSHIP,
				syscall.IP_DROP_MEMBERSHIP, syscall.IP_DROP_MEMBERSHIP, syscall.IP_ADD_MEMBERSHIP} {
				fmt.Print(syscall.SetsockoptIPMreq(int(fd), syscall.IPPROTO_IP, name, mreq), "; ")
			}
		})
	}}
	return lc.ListenPacket(context.Background(), "udp4", "239.1.2.3:5000")
}

// groups joins a group on eth0, prints what it receives, and leaves.
func groups() {
	eth0, err := net.InterfaceByName("eth0")
	fmt.Println("eth0", err)
	var c net.PacketConn
	if len(os.Args) > 2 {
		c, err = early()
	} else {
		c, err = net.ListenMulticastUDP("udp4", eth0, &net.UDPAddr{IP: net.IPv4(239, 1, 2, 3), Port: 5000})
	}
	fmt.Println("joined", err)
	b := make([]byte, 100)
	n, from, err := c.ReadFrom(b)
	fmt.Println(string(b[:n]), from, err)
	fmt.Println("left", c.Close())
	time.Sleep(100 * time.Millisecond)
}

func main() {
	if os.Args[1] == "groups" {
		groups()
		return
	}
	conf, _ := os.ReadFile("/etc/resolv.conf")
	hosts, _ := os.ReadFile("/etc/hosts")
	fmt.Printf("%s%s", conf, hosts)
	interfaces()
	ping("127.0.0.1")
	ping(os.Args[2])
	r := &net.Resolver{PreferGo: true, Dial: func(c context.Context, n, a string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(c, "udp", os.Args[1])
	}}
	fmt.Println(r.LookupHost(context.Background(), "some.test"))
	fmt.Println(r.LookupHost(context.Background(), "other.test"))
	fmt.Println(net.LookupHost("gort"))
	l, err := net.Listen("tcp", ":80")
	fmt.Println("listening", err)
	c, _ := l.Accept()
	b, _ := io.ReadAll(c)
	fmt.Printf("%s\n", b)
}
