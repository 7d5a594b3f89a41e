package main

import (
	"encoding/binary"
	"syscall"
)

var domains = []int{syscall.AF_INET, syscall.AF_INET, syscall.AF_INET6, syscall.AF_INET6,
	syscall.AF_UNIX, syscall.AF_UNIX}
var types = []int{syscall.SOCK_STREAM, syscall.SOCK_DGRAM, syscall.SOCK_STREAM, syscall.SOCK_DGRAM,
	syscall.SOCK_SEQPACKET}

func (m *model) socket() {
	if m.free() < 0 {
		return
	}
	d, t, proto := domains[m.n(len(domains))], types[m.n(len(types))], 0
	if m.one(4) {
		d = []int{0, 3, 99, syscall.AF_NETLINK}[m.n(4)]
		t = syscall.SOCK_STREAM
	}
	if m.one(4) {
		t = []int{0, 4, 7, 15, 11}[m.n(5)]
	}
	if m.one(8) {
		proto = []int{6, 17}[m.n(2)]
	}
	fd, e := call(syscall.SYS_SOCKET, uintptr(d), uintptr(t|syscall.SOCK_NONBLOCK), uintptr(proto))
	if e != 0 {
		m.say("socket %d %d %d: %s", d, t, proto, errname(e))
		return
	}
	m.say("socket %d %d %d: =%d", d, t, proto, m.put(fd, slot{domain: d, typ: t, kind: "sock"}))
}

func (m *model) pair() {
	i := m.free()
	if i < 0 {
		return
	}
	m.slot[i].fd = 0
	full := m.free() < 0
	m.slot[i].fd = -1
	if full {
		return
	}
	d, t := syscall.AF_UNIX, types[m.n(len(types))]
	if m.one(10) {
		d = syscall.AF_INET
	}
	fds := make([]byte, 8)
	_, e := call(syscall.SYS_SOCKETPAIR, uintptr(d), uintptr(t|syscall.SOCK_NONBLOCK), 0, ptr(fds))
	if e != 0 {
		m.say("socketpair %d %d: %s", d, t, errname(e))
		return
	}
	s := slot{domain: d, typ: t, kind: "sock"}
	a := m.put(int(binary.LittleEndian.Uint32(fds)), s)
	b := m.put(int(binary.LittleEndian.Uint32(fds[4:])), s)
	m.say("socketpair %d %d: =%d =%d", d, t, a, b)
}

func (m *model) close() {
	i := m.pick(nil)
	if i < 0 {
		return
	}
	_, e := call(syscall.SYS_CLOSE, m.fd(i))
	m.slot[i] = slot{fd: -1}
	arrive()
	m.say("close %d: %s", i, errname(e))
}

func (m *model) dup() {
	i := m.pick(nil)
	if i < 0 || m.free() < 0 {
		return
	}
	fd, e := call(syscall.SYS_FCNTL, m.fd(i), syscall.F_DUPFD_CLOEXEC, 3)
	if e != 0 {
		m.say("dup %d: %s", i, errname(e))
		return
	}
	m.say("dup %d: =%d", i, m.put(fd, m.slot[i]))
}

func (m *model) bind() {
	i := m.pick(isSock)
	if i < 0 {
		return
	}
	s := &m.slot[i]
	if s.domain == syscall.AF_UNIX && s.sent > 0 || s.domain != syscall.AF_UNIX && s.connected {
		return // the name that a sender had when it sent; what a reset leaves of a name
	}
	raw, text, port := m.address(&m.slot[i], true)
	_, e := call(syscall.SYS_BIND, m.fd(i), ptr(raw), uintptr(len(raw)))
	if e == 0 {
		m.slot[i].port = port
	}
	m.say("bind %d %s: %s", i, text, errname(e))
}

func (m *model) listen() {
	i := m.pick(func(s *slot) bool { return isSock(s) && (s.port != 0 || m.one(40)) })
	if i < 0 {
		return
	}
	backlog := []int{8, 128, -1, 4}[m.n(4)]
	_, e := call(syscall.SYS_LISTEN, m.fd(i), uintptr(backlog))
	m.slot[i].listen = m.slot[i].listen || e == 0
	m.say("listen %d %d: %s", i, backlog, errname(e))
}

// connected waits for a connect that is under way: loopback needs moments.
func (m *model) connected(i int) syscall.Errno {
	fds := []pollFd{{fd: int32(m.fd(i)), events: pollOut}}
	if n, _ := poll(fds, 2000); n == 0 {
		return syscall.EINPROGRESS
	}
	v, n := make([]byte, 4), []byte{4, 0, 0, 0}
	_, e := call(syscall.SYS_GETSOCKOPT, m.fd(i), syscall.SOL_SOCKET, syscall.SO_ERROR, ptr(v), ptr(n))
	if e != 0 {
		return e
	}
	return syscall.Errno(binary.LittleEndian.Uint32(v))
}

func (m *model) connect() {
	i := m.pick(isSock)
	if i < 0 || (m.share && m.slot[i].domain != syscall.AF_UNIX) {
		return
	}
	raw, text, port := m.address(&m.slot[i], false)
	stream := m.slot[i].typ == syscall.SOCK_STREAM
	if stream && m.slot[i].connected && m.slot[i].domain != syscall.AF_UNIX {
		return // it may have been reset, after which Linux connects it again
	}
	if port != 0 && port == m.slot[i].port && stream || port == 0 && !stream && m.slot[i].domain != syscall.AF_UNIX {
		return // with itself; datagrams to port 0
	}
	if m.one(5) {
		raw, text = make([]byte, 16), "nobody"
	}
	_, e := call(syscall.SYS_CONNECT, m.fd(i), ptr(raw), uintptr(len(raw)))
	if e == syscall.EINPROGRESS {
		if e = m.connected(i); e != 0 { // asked again, it is a socket that may connect
			call(syscall.SYS_CONNECT, m.fd(i), ptr(raw), uintptr(len(raw)))
		}
	}
	if e == 0 && m.slot[i].typ == syscall.SOCK_STREAM {
		m.used[port] = true
		m.used[m.slot[i].port] = true
	}
	m.slot[i].connected = m.slot[i].connected || e == 0
	arrive()
	m.say("connect %d %s: %s", i, text, errname(e))
}

func (m *model) accept() {
	i := m.pick(func(s *slot) bool { return isSock(s) && (s.listen || m.one(5)) })
	if i < 0 || m.free() < 0 {
		return
	}
	raw, n := make([]byte, 128), []byte{128, 0, 0, 0}
	flags := uintptr(syscall.SOCK_NONBLOCK)
	if m.one(3) {
		flags = 1
	}
	fd, e := call(syscall.SYS_ACCEPT4, m.fd(i), ptr(raw), ptr(n), flags)
	if e != 0 {
		m.say("accept %d: %s", i, errname(e))
		return
	}
	s := slot{domain: m.slot[i].domain, typ: m.slot[i].typ, kind: "sock"}
	m.say("accept %d: =%d %s", i, m.put(fd, s), m.show(raw[:binary.LittleEndian.Uint32(n)]))
}

func (m *model) name() {
	i := m.pick(nil)
	if i < 0 {
		return
	}
	nr, what := uintptr(syscall.SYS_GETSOCKNAME), "getsockname"
	if m.one(50) {
		nr, what = syscall.SYS_GETPEERNAME, "getpeername"
	}
	raw, e := m.raw(i, nr)
	if e != 0 {
		m.say("%s %d: %s", what, i, errname(e))
		return
	}
	m.say("%s %d: %s", what, i, m.show(raw))
}

func (m *model) shutdown() {
	i := m.pick(nil)
	if i < 0 {
		return
	}
	how := m.n(3)
	if m.one(3) {
		how = 3
	}
	_, e := call(syscall.SYS_SHUTDOWN, m.fd(i), uintptr(how))
	arrive()
	m.say("shutdown %d %d: %s", i, how, errname(e))
}
