package main

import (
	"encoding/binary"
	"fmt"
	"sort"
	"strings"
	"syscall"
	"unsafe"
)

type sockopt struct {
	level, name int
	values      []int
	get         bool // its value is the same on both systems
}

var onoff = []int{0, 1, 2, -1}

var options = []sockopt{
	{1, syscall.SO_REUSEADDR, onoff, true}, {1, syscall.SO_REUSEADDR, onoff, true},
	{1, syscall.SO_KEEPALIVE, onoff, true}, {1, syscall.SO_BROADCAST, onoff, true},
	{1, syscall.SO_TYPE, onoff, true}, {1, soDomain, onoff, true}, {1, soProtocol, onoff, true},
	{1, syscall.SO_ERROR, onoff, true}, {1, syscall.SO_ACCEPTCONN, onoff, true},
	{1, syscall.SO_OOBINLINE, onoff, true}, {1, syscall.SO_PRIORITY, []int{0, 3, 6}, true},
	{1, syscall.SO_RCVLOWAT, []int{0, 1, 5, -1}, true}, {1, syscall.SO_PASSCRED, []int{0}, true},
	{1, syscall.SO_DONTROUTE, []int{0}, true}, {1, syscall.SO_SNDLOWAT, onoff, true},
	{1, 9999, onoff, true}, {1, syscall.SO_TIMESTAMP, []int{0}, true},
	{6, syscall.TCP_NODELAY, onoff, true}, {6, syscall.TCP_CORK, []int{0}, true},
	{6, syscall.TCP_KEEPIDLE, []int{0, 1, 10, 32767, 32768}, true},
	{6, syscall.TCP_KEEPINTVL, []int{0, 1, 10, 32767, 32768}, true},
	{6, syscall.TCP_KEEPCNT, []int{0, 1, 10, 127, 128}, true},
	{6, syscall.TCP_SYNCNT, []int{0, 1, 127, 128}, true},
	{6, tcpUserTimer, []int{0, 1000, -1}, true}, {6, syscall.TCP_MAXSEG, []int{0, 87, 88, 1000, 40000}, false},
	{6, syscall.TCP_DEFER_ACCEPT, []int{0}, true}, {6, syscall.TCP_QUICKACK, onoff, false},
	{6, 9999, onoff, true}, {6, syscall.TCP_LINGER2, []int{0, 5, 60}, false},
	{0, syscall.IP_TTL, []int{-1, 0, 1, 64, 255, 256}, true}, {0, syscall.IP_TOS, []int{0, 16, 0xb8}, true},
	{0, syscall.IP_PKTINFO, []int{0}, true}, {0, syscall.IP_RECVTTL, []int{0}, true},
	{0, syscall.IP_RECVTOS, []int{0}, true}, {0, syscall.IP_RECVERR, []int{0}, true},
	{0, syscall.IP_MTU_DISCOVER, []int{0, 1, 2, 3, 6}, true},
	{0, syscall.IP_MULTICAST_TTL, []int{-1, 0, 1, 255, 256}, true},
	{0, syscall.IP_MULTICAST_LOOP, onoff, true}, {0, 9999, onoff, true},
	{41, syscall.IPV6_V6ONLY, []int{0, 1}, true}, {41, syscall.IPV6_UNICAST_HOPS, []int{-2, -1, 0, 1, 64, 255, 256}, true},
	{41, syscall.IPV6_MULTICAST_HOPS, []int{-2, -1, 0, 1, 255, 256}, true},
	{41, syscall.IPV6_MULTICAST_LOOP, onoff, true}, {41, syscall.IPV6_RECVPKTINFO, []int{0}, true},
	{41, 66, []int{0}, true}, {41, 67, []int{-1, 0, 16, 255, 256}, true}, {41, 51, []int{0}, true},
	{41, 9999, onoff, true}, {99, 1, onoff, true},
	{17, 1, []int{0}, true}, {17, 103, []int{0, 1000}, true}, {17, 104, []int{0}, true},
}

func (m *model) option() *sockopt {
	if m.share && m.one(30) {
		return &sockopt{1, soReusePort, onoff, true}
	}
	return &options[m.n(len(options))]
}

// optionOf leaves out IPv4's of an IPv6 socket, which gort does not keep apart from IPv6's.
func (m *model) optionOf(s *slot) *sockopt {
	for {
		if o := m.option(); o.level != 0 || s.domain != syscall.AF_INET6 {
			return o
		}
	}
}

func (m *model) setopt() {
	i := m.pick(nil)
	if i < 0 {
		return
	}
	o, n := m.optionOf(&m.slot[i]), 4
	v := o.values[m.n(len(o.values))]
	if m.one(6) {
		n = []int{0, 1, 2, 3, 8, -1}[m.n(6)]
	}
	b := make([]byte, 8)
	binary.LittleEndian.PutUint32(b, uint32(v))
	_, e := call(syscall.SYS_SETSOCKOPT, m.fd(i), uintptr(o.level), uintptr(o.name), ptr(b), uintptr(n))
	m.say("setsockopt %d %d %d %d len %d: %s", i, o.level, o.name, v, n, errname(e))
}

func (m *model) getopt() {
	i := m.pick(nil)
	if i < 0 {
		return
	}
	o := m.optionOf(&m.slot[i])
	for !o.get {
		o = m.optionOf(&m.slot[i])
	}
	b, l := make([]byte, 16), []byte{4, 0, 0, 0}
	if m.one(6) {
		l = [][]byte{{0, 0, 0, 0}, {1, 0, 0, 0}, {3, 0, 0, 0}, {8, 0, 0, 0}, {255, 255, 255, 255}}[m.n(5)]
	}
	want := int32(binary.LittleEndian.Uint32(l))
	_, e := call(syscall.SYS_GETSOCKOPT, m.fd(i), uintptr(o.level), uintptr(o.name), ptr(b), ptr(l))
	if e != 0 {
		m.say("getsockopt %d %d %d len %d: %s", i, o.level, o.name, want, errname(e))
		return
	}
	n := binary.LittleEndian.Uint32(l)
	m.say("getsockopt %d %d %d len %d: %d %d", i, o.level, o.name, want,
		n, int32(binary.LittleEndian.Uint32(b)))
}

// poll asks about all descriptors at once.
func (m *model) poll() {
	var fds []pollFd
	var which []int
	for i := range m.slot {
		if m.slot[i].fd >= 0 {
			fds = append(fds, pollFd{fd: int32(m.slot[i].fd), events: 0x2000 | pollIn | pollOut | 2})
			which = append(which, i)
		}
	}
	n, e := poll(fds, 0)
	text := ""
	for k, f := range fds {
		text += fmt.Sprintf(" %d:%x", which[k], f.revents)
	}
	m.say("poll: %s%s", result(n, e), text)
}

func (m *model) fcntl() {
	i := m.pick(nil)
	if i < 0 {
		return
	}
	n, e := call(syscall.SYS_FCNTL, m.fd(i), syscall.F_GETFL, 0)
	m.say("getfl %d: %s %#x", i, errname(e), n)
}

func (m *model) ioctl() {
	i := m.pick(isSock)
	if i < 0 {
		return
	}
	b := make([]byte, 4)
	_, e := call(syscall.SYS_IOCTL, m.fd(i), fionread, ptr(b))
	m.say("fionread %d: %s %d", i, errname(e), binary.LittleEndian.Uint32(b))
}

// epoll makes one, changes one, or asks one, level-triggered.
func (m *model) epoll() {
	ep := m.pick(func(s *slot) bool { return s.kind == "epoll" })
	if ep < 0 {
		if m.free() < 0 {
			return
		}
		fd, e := call(syscall.SYS_EPOLL_CREATE1, 0)
		m.say("epoll_create: %s =%d", errname(e), m.put(fd, slot{kind: "epoll"}))
		return
	}
	if m.one(50) {
		m.epollWait(ep)
		return
	}
	i := m.pick(nil)
	ev := syscall.EpollEvent{Events: []uint32{1, 4, 5, 0x2001, 0}[m.n(5)], Fd: int32(i)}
	what := 1 + m.n(4)
	_, e := call(syscall.SYS_EPOLL_CTL, m.fd(ep), uintptr(what), m.fd(i), at(unsafe.Pointer(&ev)))
	m.say("epoll_ctl %d %d %d %#x: %s", ep, what, i, ev.Events, errname(e))
}

func (m *model) epollWait(ep int) {
	evs := make([]syscall.EpollEvent, 20)
	n, e := call(syscall.SYS_EPOLL_PWAIT, m.fd(ep), at(unsafe.Pointer(&evs[0])), 20, 0, 0)
	var text []string
	for k := 0; k < n; k++ {
		text = append(text, fmt.Sprintf("%d:%x", evs[k].Fd, evs[k].Events))
	}
	sort.Strings(text)
	m.say("epoll_wait %d: %s %s", ep, result(n, e), strings.Join(text, " "))
}

// odd are calls on what is no socket, on nothing, and with memory that is not there.
func (m *model) odd() {
	i := m.pick(isSock)
	switch m.n(7) {
	case 0:
		if m.free() < 0 {
			return
		}
		fd, _ := syscall.Open("/dev/null", syscall.O_RDWR, 0)
		m.say("open: =%d", m.put(fd, slot{kind: "file"}))
	case 1:
		_, e := call(syscall.SYS_LISTEN, m.fd(-1), 4)
		m.say("listen -1: %s", errname(e))
	case 2:
		f := m.pick(func(s *slot) bool { return s.kind != "sock" })
		_, e := call(syscall.SYS_SENDTO, m.fd(f), ptr(nil), 0, 0, 0, 0)
		m.say("send %d, no socket: %s", f, errname(e))
	case 3:
		_, e := call(syscall.SYS_BIND, m.fd(i), 8, 16)
		m.say("bind %d at 8: %s", i, errname(e))
	case 4:
		_, e := call(syscall.SYS_GETSOCKNAME, m.fd(i), 8, 8)
		m.say("getsockname %d at 8: %s", i, errname(e))
	case 5:
		if i = m.pick(func(s *slot) bool { return isSock(s) && s.typ == syscall.SOCK_STREAM }); i < 0 {
			return // of datagrams, Linux drops the one that it cannot copy
		}
		_, e := call(syscall.SYS_RECVFROM, m.fd(i), 8, 10, 0, 0, 0)
		m.say("recvfrom %d at 8: %s", i, errname(e))
	default:
		_, e := call(syscall.SYS_CONNECT, m.fd(i), 8, 200)
		m.say("connect %d at 8: %s", i, errname(e))
	}
}
