// /proc/net about sockets: what it says of our own, found by their inodes.
package main

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
)

func check(err error) {
	if err != nil {
		fmt.Println("unexpected:", err)
		os.Exit(1)
	}
}

// inode is that of /proc/self/fd, and of stat.
func inode(fd int) string {
	link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	check(err)
	var st syscall.Stat_t
	check(syscall.Fstat(fd, &st))
	n := strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")
	if n != fmt.Sprint(st.Ino) {
		fmt.Println("inode", link, st.Ino)
	}
	return n
}

var ports = map[string]string{}

// ours names ports by order, as the system has chosen them.
func ours(text string) string {
	return regexp.MustCompile(`:[0-9A-F]{4}\b`).ReplaceAllStringFunc(text, func(p string) string {
		if p == ":0000" {
			return p
		}
		if ports[p] == "" {
			ports[p] = fmt.Sprintf(":<%d>", len(ports)+1)
		}
		return ports[p]
	})
}

// lines are those columns of a file that are about that inode.
func lines(file string, fd int, at int, columns ...int) {
	text, err := os.ReadFile("/proc/net/" + file)
	check(err)
	n := inode(fd)
	found := false
	for _, line := range strings.Split(string(text), "\n")[1:] {
		f := strings.Fields(line)
		if len(f) <= at || f[at] != n {
			continue
		}
		found = true
		var show []string
		for _, c := range columns {
			if c < len(f) {
				show = append(show, f[c])
			}
		}
		fmt.Println(file, ours(strings.Join(show, " ")))
	}
	if !found {
		fmt.Println(file, "nothing")
	}
}

func socket(domain, typ int, a syscall.Sockaddr) int {
	fd, err := syscall.Socket(domain, typ, 0)
	check(err)
	if a != nil {
		check(syscall.Bind(fd, a))
	}
	return fd
}

func inet(domain int, local syscall.Sockaddr, tcp, udp string) {
	const ino = 9
	l := socket(domain, syscall.SOCK_STREAM, local)
	check(syscall.Listen(l, 8))
	name, err := syscall.Getsockname(l)
	check(err)
	c := socket(domain, syscall.SOCK_STREAM, nil)
	check(syscall.Connect(c, name))
	lines(tcp, l, ino, 1, 2, 3, 4)
	s, _, err := syscall.Accept(l)
	check(err)
	lines(tcp, l, ino, 1, 2, 3, 4)
	lines(tcp, c, ino, 1, 2, 3)
	_, err = syscall.Write(c, []byte("12345"))
	check(err)
	lines(tcp, s, ino, 1, 2, 3, 4)
	check(syscall.Shutdown(c, syscall.SHUT_WR))
	lines(tcp, s, ino, 3)
	d, err := syscall.Dup(s)
	check(err)
	lines(tcp, d, ino, 3)
	u := socket(domain, syscall.SOCK_DGRAM, local)
	lines(udp, u, ino, 1, 2, 3)
	name, err = syscall.Getsockname(u)
	check(err)
	check(syscall.Connect(u, name))
	lines(udp, u, ino, 1, 2, 3)
}

func local() {
	const ino = 6
	l := socket(syscall.AF_UNIX, syscall.SOCK_STREAM, &syscall.SockaddrUnix{Name: "sock"})
	check(syscall.Listen(l, 8))
	lines("unix", l, ino, 3, 4, 5, 7)
	c := socket(syscall.AF_UNIX, syscall.SOCK_STREAM, nil)
	lines("unix", c, ino, 3, 4, 5, 7)
	check(syscall.Connect(c, &syscall.SockaddrUnix{Name: "sock"}))
	lines("unix", c, ino, 3, 4, 5, 7)
	p, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET, 0)
	check(err)
	lines("unix", p[0], ino, 3, 4, 5, 7)
	d := socket(syscall.AF_UNIX, syscall.SOCK_DGRAM, &syscall.SockaddrUnix{Name: "@gort net_proc"})
	lines("unix", d, ino, 3, 4, 5, 7, 8)
	os.Remove("sock")
}

// counters shows that each line of names has one of numbers, and whether some names are there. What
// they count depends on what else the machine does.
func counters(file string, names ...string) {
	text, err := os.ReadFile("/proc/net/" + file)
	check(err)
	has := map[string]bool{}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		head, values := strings.Split(lines[i], " "), strings.Split(lines[i+1], " ")
		if len(head) != len(values) || head[0] != values[0] {
			fmt.Printf("%s %q %q\n", file, lines[i], lines[i+1])
		}
		for k, name := range head {
			has[head[0]+name] = k > 0 && regexp.MustCompile(`^\d+$`).MatchString(values[k])
		}
	}
	for _, name := range names {
		fmt.Println(file, name, has[name])
	}
}

func main() {
	for _, f := range []string{"tcp", "udp", "tcp6", "udp6", "unix", "igmp"} {
		text, err := os.ReadFile("/proc/net/" + f)
		check(err)
		head, _, _ := strings.Cut(string(text), "\n")
		fmt.Printf("%s %q\n", f, strings.Fields(head))
	}
	inet(syscall.AF_INET, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}, "tcp", "udp")
	inet(syscall.AF_INET6, &syscall.SockaddrInet6{Addr: [16]byte{15: 1}}, "tcp6", "udp6")
	local()
	counters("netstat", "TcpExt:SyncookiesSent", "TcpExt:TCPTimeouts", "IpExt:InOctets", "IpExt:OutOctets")
	text, err := os.ReadFile("/proc/net/sockstat")
	check(err)
	fmt.Println(regexp.MustCompile(`\d+`).ReplaceAllString(strings.Split(string(text), "\n")[0], "N"))
	ifi, err := net.InterfaceByIndex(1)
	check(err)
	groups, err := ifi.MulticastAddrs()
	check(err)
	fmt.Println(groups)
}
