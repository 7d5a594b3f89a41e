package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

const slots = 12

// slot is one descriptor of the program.
type slot struct {
	fd     int
	domain int
	typ    int
	kind   string // "sock", "epoll", "file"
	*known
}

// known is what descriptors of the same socket share.
type known struct {
	port      int // of ours that it is bound to, 1 and up; 0: none
	listen    bool
	sent      int  // messages that it has sent: few enough to fit in any buffer
	connected bool // it has been, once
}

type model struct {
	*rng
	seed   int
	slot   [slots]slot
	base   int          // our block of ports, which nobody else had
	used   map[int]bool // ports that have had a connection
	seen   map[int]int  // ports of the system's choice, by name
	serial int
	text   strings.Builder
	share  bool // this seed binds with SO_REUSEPORT, and does not connect
}

const block = 6

var nextBase int

// blockFree looks whether nobody has any of our ports.
func blockFree(base int) bool {
	for i := range block {
		for _, typ := range []int{syscall.SOCK_STREAM, syscall.SOCK_DGRAM} {
			fd, err := syscall.Socket(syscall.AF_INET6, typ, 0)
			if err != nil {
				return false
			}
			err = syscall.Bind(fd, &syscall.SockaddrInet6{Port: base + i})
			syscall.Close(fd)
			if err != nil {
				return false
			}
		}
	}
	return true
}

func newModel(r *rng, seed int) *model {
	if nextBase == 0 {
		nextBase = 10000 + os.Getpid()%1000*16
	}
	for nextBase += block; !blockFree(nextBase); nextBase += block {
		if nextBase > 32000 {
			nextBase = 10000
		}
	}
	m := &model{rng: r, seed: seed, base: nextBase, used: map[int]bool{}, seen: map[int]int{}}
	for i := range m.slot {
		m.slot[i].fd = -1
	}
	m.share = seed%4 == 3
	return m
}

// say ends the line of a call.
func (m *model) say(format string, a ...any) {
	fmt.Fprintf(out, format+"\n", a...)
	out.Flush()
}

// arrive gives packets time, and deferred work of the host's kernel.
func arrive() {
	for end := time.Now().Add(*settle); time.Now().Before(end); {
		time.Sleep(50 * time.Microsecond)
	}
}

func (m *model) free() int {
	for i := range m.slot {
		if m.slot[i].fd < 0 {
			return i
		}
	}
	return -1
}

// pick is a slot in use that pleases, or -1.
func (m *model) pick(pleases func(s *slot) bool) int {
	var which []int
	for i := range m.slot {
		if m.slot[i].fd >= 0 && (pleases == nil || pleases(&m.slot[i])) {
			which = append(which, i)
		}
	}
	if len(which) == 0 {
		return -1
	}
	return which[m.n(len(which))]
}

func (m *model) fd(i int) uintptr {
	if i < 0 {
		return uintptr(1000)
	}
	return uintptr(m.slot[i].fd)
}

func isSock(s *slot) bool { return s.kind == "sock" }

func (m *model) put(fd int, s slot) int {
	i := m.free()
	s.fd = fd
	if s.known == nil {
		s.known = new(known)
	}
	m.slot[i] = s
	return i
}

func (m *model) end() {
	for i := range m.slot {
		if m.slot[i].fd >= 0 {
			syscall.Close(m.slot[i].fd)
			m.slot[i].fd = -1
		}
	}
	for i := range 3 {
		os.Remove(fmt.Sprintf("s%d", i))
	}
	arrive()
}

type op struct {
	weight int
	name   string
	do     func(m *model)
}

var ops []op
var weights int

func init() {
	ops = []op{
		{14, "socket", (*model).socket}, {5, "pair", (*model).pair}, {8, "close", (*model).close},
		{4, "dup", (*model).dup}, {12, "bind", (*model).bind}, {8, "listen", (*model).listen},
		{16, "connect", (*model).connect}, {12, "accept", (*model).accept},
		{5, "name", (*model).name}, {18, "send", (*model).send}, {18, "recv", (*model).recv},
		{6, "sendmsg", (*model).sendmsg}, {6, "recvmsg", (*model).recvmsg},
		{4, "write", (*model).write}, {4, "read", (*model).read}, {6, "shutdown", (*model).shutdown},
		{8, "setopt", (*model).setopt}, {8, "getopt", (*model).getopt}, {9, "poll", (*model).poll},
		{3, "fcntl", (*model).fcntl}, {3, "ioctl", (*model).ioctl}, {3, "epoll", (*model).epoll},
		{3, "odd", (*model).odd},
	}
	for _, o := range ops {
		weights += o.weight
	}
}

func (m *model) step() {
	at := m.n(weights)
	for _, o := range ops {
		if at -= o.weight; at < 0 {
			o.do(m)
			return
		}
	}
}
