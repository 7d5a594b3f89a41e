package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"syscall"
	"unsafe"
)

// payload is text that says where it comes from.
func (m *model) payload() []byte {
	m.serial++
	n := []int{0, 1, 5, 20, 100, 300}[m.n(6)]
	return []byte(strings.Repeat(fmt.Sprintf("%d.", m.serial), 160)[:n])
}

func show(b []byte) string {
	if len(b) > 12 {
		return fmt.Sprintf("%d %q", len(b), b[:12])
	}
	return fmt.Sprintf("%d %q", len(b), b)
}

var sendFlags = []int{0, 0, 0, syscall.MSG_DONTWAIT, syscall.MSG_EOR}

// may says whether there is certainly room for more: full buffers are for other tests.
func (m *model) may(i int) bool {
	m.slot[i].sent++
	return m.slot[i].sent < 8
}

func (m *model) send() {
	i := m.pick(isSock)
	if i < 0 || !m.may(i) || (m.share && m.slot[i].domain != syscall.AF_UNIX) {
		return
	}
	b, flags := m.payload(), sendFlags[m.n(len(sendFlags))]|syscall.MSG_NOSIGNAL
	if m.one(45) {
		n, e := call(syscall.SYS_SENDTO, m.fd(i), ptr(b), uintptr(len(b)), uintptr(flags), 0, 0)
		arrive()
		m.say("send %d %s %#x: %s", i, show(b), flags, result(n, e))
		return
	}
	raw, text, _ := m.address(&m.slot[i], false)
	n, e := call(syscall.SYS_SENDTO, m.fd(i), ptr(b), uintptr(len(b)), uintptr(flags), ptr(raw),
		uintptr(len(raw)))
	arrive()
	m.say("sendto %d %s %#x %s: %s", i, show(b), flags, text, result(n, e))
}

func result(n int, e syscall.Errno) string {
	if e != 0 {
		return errname(e)
	}
	return fmt.Sprint(n)
}

var recvFlags = []int{0, 0, 0, syscall.MSG_PEEK, syscall.MSG_TRUNC, syscall.MSG_PEEK | syscall.MSG_TRUNC,
	syscall.MSG_WAITALL, syscall.MSG_DONTWAIT}

func (m *model) recv() {
	i := m.pick(isSock)
	if i < 0 {
		return
	}
	b, flags := make([]byte, []int{0, 3, 64, 1000}[m.n(4)]), recvFlags[m.n(len(recvFlags))]
	raw, l := make([]byte, 128), []byte{128, 0, 0, 0}
	n, e := call(syscall.SYS_RECVFROM, m.fd(i), ptr(b), uintptr(len(b)), uintptr(flags), ptr(raw), ptr(l))
	if e != 0 {
		m.say("recvfrom %d %d %#x: %s", i, len(b), flags, errname(e))
		return
	}
	m.say("recvfrom %d %d %#x: %d %s from %s", i, len(b), flags, n, show(b[:min(n, len(b))]),
		m.show(raw[:binary.LittleEndian.Uint32(l)]))
}

type msghdr struct {
	name       uintptr
	namelen    uint32
	_          uint32
	iov        uintptr
	iovlen     uintptr
	control    uintptr
	controllen uintptr
	flags      int32
	_          int32
}

type iovec struct{ base, len uintptr }

func pieces(b []byte, cut int) []iovec {
	return []iovec{{ptr(b[:cut]), uintptr(cut)}, {0, 0}, {ptr(b[cut:]), uintptr(len(b) - cut)}}
}

// rights is a control message with the descriptor of a slot, now and then a bad one.
func (m *model) rights() ([]byte, string) {
	i := m.pick(func(s *slot) bool { return s.kind == "file" })
	if m.one(30) || i < 0 {
		return nil, ""
	}
	fd, text := m.fd(i), fmt.Sprintf(" rights %d", i)
	if m.one(8) {
		fd, text = 1000, " rights bad"
	}
	c := make([]byte, 24)
	binary.LittleEndian.PutUint64(c, 20)
	binary.LittleEndian.PutUint32(c[8:], syscall.SOL_SOCKET)
	binary.LittleEndian.PutUint32(c[12:], syscall.SCM_RIGHTS)
	binary.LittleEndian.PutUint32(c[16:], uint32(fd))
	if m.one(5) {
		binary.LittleEndian.PutUint64(c, []uint64{0, 15, 25, 1 << 40}[m.n(4)])
		text += " length bad"
	}
	return c, text
}

func (m *model) sendmsg() {
	i := m.pick(isSock)
	if i < 0 || !m.may(i) || (m.share && m.slot[i].domain != syscall.AF_UNIX) {
		return
	}
	b := m.payload()
	iov := pieces(b, m.n(len(b)+1))
	h := msghdr{iov: at(unsafe.Pointer(&iov[0])), iovlen: 3}
	text := ""
	if m.one(50) {
		raw, t, _ := m.address(&m.slot[i], false)
		h.name, h.namelen, text = ptr(raw), uint32(len(raw)), " "+t
	}
	if c, t := m.rights(); c != nil && m.one(60) {
		h.control, h.controllen, text = ptr(c), uintptr(len(c)), text+t
	}
	n, e := call(syscall.SYS_SENDMSG, m.fd(i), at(unsafe.Pointer(&h)), syscall.MSG_NOSIGNAL)
	arrive()
	m.say("sendmsg %d %s%s: %s", i, show(b), text, result(n, e))
}

// controls shows what came beside the bytes, and closes files that came.
func controls(c []byte) string {
	text := ""
	for len(c) >= 16 {
		n := binary.LittleEndian.Uint64(c)
		level, typ := binary.LittleEndian.Uint32(c[8:]), binary.LittleEndian.Uint32(c[12:])
		if n < 16 || n > uint64(len(c)) {
			return text + " bad control"
		}
		text += fmt.Sprintf(" control %d %d %d", level, typ, n)
		for d := c[16:n]; level == syscall.SOL_SOCKET && typ == syscall.SCM_RIGHTS && len(d) >= 4; d = d[4:] {
			syscall.Close(int(binary.LittleEndian.Uint32(d)))
		}
		c = c[min(uint64(len(c)), (n+7)&^7):]
	}
	return text
}

func (m *model) recvmsg() {
	i := m.pick(isSock)
	if i < 0 {
		return
	}
	b, c, raw := make([]byte, []int{0, 3, 64, 1000}[m.n(4)]), make([]byte, []int{0, 8, 20, 64}[m.n(4)]),
		make([]byte, 128)
	iov := pieces(b, m.n(len(b)+1))
	h := msghdr{name: ptr(raw), namelen: 128, iov: at(unsafe.Pointer(&iov[0])), iovlen: 3,
		control: ptr(c), controllen: uintptr(len(c))}
	flags := recvFlags[m.n(len(recvFlags))]
	n, e := call(syscall.SYS_RECVMSG, m.fd(i), at(unsafe.Pointer(&h)), uintptr(flags))
	if e != 0 {
		m.say("recvmsg %d %d %#x: %s", i, len(b), flags, errname(e))
		return
	}
	m.say("recvmsg %d %d %#x: %d %s from %s flags %#x%s", i, len(b), flags, n, show(b[:min(n, len(b))]),
		m.show(raw[:h.namelen]), h.flags, controls(c[:h.controllen]))
}

func (m *model) write() {
	i := m.pick(isSock)
	if i < 0 || !m.may(i) || (m.share && m.slot[i].domain != syscall.AF_UNIX) {
		return
	}
	b := m.payload()
	iov := pieces(b, m.n(len(b)+1))
	if m.one(50) {
		n, e := call(syscall.SYS_WRITE, m.fd(i), ptr(b), uintptr(len(b)))
		arrive()
		m.say("write %d %s: %s", i, show(b), result(n, e))
		return
	}
	n, e := call(syscall.SYS_WRITEV, m.fd(i), at(unsafe.Pointer(&iov[0])), 3)
	arrive()
	m.say("writev %d %s: %s", i, show(b), result(n, e))
}

func (m *model) read() {
	i := m.pick(isSock)
	if i < 0 {
		return
	}
	b := make([]byte, []int{0, 3, 64, 1000}[m.n(4)])
	iov := pieces(b, m.n(len(b)+1))
	n, what := 0, "read"
	var e syscall.Errno
	if m.one(50) {
		n, e = call(syscall.SYS_READ, m.fd(i), ptr(b), uintptr(len(b)))
	} else {
		what = "readv"
		n, e = call(syscall.SYS_READV, m.fd(i), at(unsafe.Pointer(&iov[0])), 3)
	}
	if e != 0 {
		m.say("%s %d %d: %s", what, i, len(b), errname(e))
		return
	}
	m.say("%s %d %d: %d %s", what, i, len(b), n, show(b[:n]))
}
