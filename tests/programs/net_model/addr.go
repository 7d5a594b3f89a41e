package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"syscall"
)

var hosts4 = [][]byte{{127, 0, 0, 1}, {127, 0, 0, 2}, {0, 0, 0, 0}}
var hosts6 = []string{"::1", "::", "m127.0.0.1", "m0.0.0.0"}

func addr4(ip []byte, port int) []byte {
	b := make([]byte, 16)
	binary.LittleEndian.PutUint16(b, syscall.AF_INET)
	binary.BigEndian.PutUint16(b[2:], uint16(port))
	copy(b[4:], ip)
	return b
}

func addr6(host string, port int) []byte {
	b := make([]byte, 28)
	binary.LittleEndian.PutUint16(b, syscall.AF_INET6)
	binary.BigEndian.PutUint16(b[2:], uint16(port))
	switch host {
	case "::1":
		b[23] = 1
	case "m127.0.0.1":
		copy(b[18:], []byte{255, 255, 127, 0, 0, 1})
	case "m0.0.0.0":
		copy(b[18:], []byte{255, 255})
	}
	return b
}

func addrUnix(name string) []byte {
	b := make([]byte, 2, 110)
	binary.LittleEndian.PutUint16(b, syscall.AF_UNIX)
	if name == "" {
		return b
	}
	if name[0] == '@' {
		b = append(b, 0)
		return append(b, fmt.Sprintf("%d.%s", os.Getpid(), name[1:])...)
	}
	return append(append(b, name...), 0)
}

// port is one of ours, 1 to block, or 0. A port of which a connection is known is not bound again.
func (m *model) port(bind bool) int {
	if m.one(12) {
		return 0
	}
	for range 8 {
		p := 1 + m.n(block)
		if !bind || !m.used[p] {
			return p
		}
	}
	return 0
}

func (m *model) number(p int) int {
	if p == 0 {
		return 0
	}
	return m.base + p - 1
}

// listening is an address at which one of our sockets of that kind is: connects go there mostly.
func (m *model) listening(s *slot) (raw []byte, text string, port int) {
	i := m.pick(func(o *slot) bool {
		return o.kind == "sock" && o.domain == s.domain && o.typ == s.typ && (o.listen || o.port != 0)
	})
	if i < 0 {
		return nil, "", 0
	}
	raw, e := m.raw(i, syscall.SYS_GETSOCKNAME)
	if e != 0 || len(raw) < 3 {
		return nil, "", 0
	}
	return raw, m.show(raw), m.slot[i].port
}

// address makes one for a socket: mostly of its family, seldom bad.
func (m *model) address(s *slot, bind bool) (raw []byte, text string, port int) {
	datagrams := s.typ == syscall.SOCK_DGRAM && s.domain == syscall.AF_INET6
	if !bind && !(datagrams && s.connected) && m.one(60) {
		if raw, text, port = m.listening(s); raw != nil {
			return
		}
	}
	domain := s.domain
	if m.one(4) {
		domain = []int{syscall.AF_INET, syscall.AF_INET6, syscall.AF_UNIX}[m.n(3)]
	}
	switch domain {
	case syscall.AF_INET:
		port = m.port(bind)
		raw = addr4(hosts4[m.n(len(hosts4))], m.number(port))
	case syscall.AF_INET6:
		port = m.port(bind)
		host := hosts6[m.n(len(hosts6))]
		if !bind && (host == "::" || !datagrams || s.connected) {
			host = "::1" // what others mean depends on earlier connects, also on failed ones
		}
		raw = addr6(host, m.number(port))
	default:
		name := fmt.Sprintf("s%d", m.n(3))
		if m.one(40) {
			name = fmt.Sprintf("@a%d", m.n(3))
		} else if m.one(5) {
			name = ""
		}
		raw, port = addrUnix(name), 0
	}
	text = m.show(raw)
	if m.one(3) && (len(raw) < 3 || raw[2] != 0 || domain != syscall.AF_UNIX) {
		raw = raw[:m.n(len(raw))]
		text += fmt.Sprintf("[:%d]", len(raw))
	}
	return
}

func (m *model) showPort(p int) string {
	if p == 0 {
		return "0"
	}
	if p >= m.base && p < m.base+block {
		return fmt.Sprintf("P%d", p-m.base+1)
	}
	if m.seen[p] == 0 {
		m.seen[p] = len(m.seen) + 1
	}
	return fmt.Sprintf("E%d", m.seen[p])
}

// show names an address as the trace has it.
func (m *model) show(raw []byte) string {
	if len(raw) < 2 {
		return "none"
	}
	switch binary.LittleEndian.Uint16(raw) {
	case syscall.AF_INET:
		if len(raw) < 8 {
			return fmt.Sprintf("in4 cut to %d", len(raw))
		}
		return fmt.Sprintf("%d.%d.%d.%d:%s", raw[4], raw[5], raw[6], raw[7],
			m.showPort(int(binary.BigEndian.Uint16(raw[2:]))))
	case syscall.AF_INET6:
		if len(raw) < 24 {
			return fmt.Sprintf("in6 cut to %d", len(raw))
		}
		return fmt.Sprintf("[%x]:%s", raw[8:24], m.showPort(int(binary.BigEndian.Uint16(raw[2:]))))
	case syscall.AF_UNIX:
		name := string(raw[2:])
		own := fmt.Sprintf("\x00%d.", os.Getpid())
		if strings.HasPrefix(name, own) {
			name = "@" + name[len(own):]
		} else if len(name) == 6 && name[0] == 0 {
			name = "@auto"
		}
		return fmt.Sprintf("unix %q", name)
	default:
		return fmt.Sprintf("family %d", binary.LittleEndian.Uint16(raw))
	}
}

func (m *model) raw(i int, nr uintptr) ([]byte, syscall.Errno) {
	b := make([]byte, 128)
	n := []byte{128, 0, 0, 0}
	_, e := call(nr, m.fd(i), ptr(b), ptr(n))
	if e != 0 {
		return nil, e
	}
	return b[:binary.LittleEndian.Uint32(n)], 0
}
