// Pseudo terminals: both ends, the line discipline between them, and what ioctl says.
package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const (
	tcgets, tcsets, tcsetsf  = 0x5401, 0x5402, 0x5404
	tcgets2, tcsets2         = 0x802c542a, 0x402c542b
	tcxonc, tcflsh           = 0x540a, 0x540b
	tiocsctty, tiocgpgrp     = 0x540e, 0x540f
	tiocspgrp, tiocnotty     = 0x5410, 0x5422
	tiocgwinsz, tiocswinsz   = 0x5413, 0x5414
	fionread, tiocgsid       = 0x541b, 0x5429
	tiocgptn, tiocsptlck     = 0x80045430, 0x40045431
	tiocgptlck, tiocgptpeer  = 0x80045439, 0x5441
	tiocgetd, tiocoutq, sigk = 0x5424, 0x5411, 0x40045436

	icrnl, igncr, inlcr, istrip = 0o400, 0o200, 0o100, 0o40
	ixon, ixany, iuclc, iutf8   = 0o2000, 0o4000, 0o1000, 0o40000
	opost, olcuc, onlcr, ocrnl  = 1, 2, 4, 0o10
	onocr, onlret, xtabs        = 0o20, 0o40, 0o14000
	isig, icanon, echo, echoe   = 1, 2, 0o10, 0o20
	echok, echonl, noflsh       = 0o40, 0o100, 0o200
	echoctl, echoprt, echoke    = 0o1000, 0o2000, 0o4000
	iexten                      = 0o100000
	vmin, vtime, veol           = 6, 5, 11
)

type termios struct {
	iflag, oflag, cflag, lflag uint32
	line                       uint8
	cc                         [19]uint8
	ispeed, ospeed             uint32
}

func ioctl(fd int, req uintptr, arg unsafe.Pointer) error {
	return ioctlInt(fd, req, uintptr(arg))
}

func ioctlInt(fd int, req, arg uintptr) error {
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), req, arg); e != 0 {
		return e
	}
	return nil
}

func get(fd int, req uintptr) string {
	v := int32(-7)
	err := ioctl(fd, req, unsafe.Pointer(&v))
	return fmt.Sprint(v, " ", err)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

type term struct{ m, s int }

func name(m int) string {
	var n int32
	check(ioctl(m, tiocgptn, unsafe.Pointer(&n)))
	return fmt.Sprint("/dev/pts/", n)
}

func master() int {
	m, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	check(err)
	return m
}

func unlock(m int) {
	var zero int32
	check(ioctl(m, tiocsptlck, unsafe.Pointer(&zero)))
}

func open() *term {
	m := master()
	unlock(m)
	s, err := syscall.Open(name(m), syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	check(err)
	return &term{m, s}
}

func (t *term) close() {
	syscall.Close(t.s)
	syscall.Close(t.m)
}

// Linux hands over what is written when it gets round to it.
func settle() { time.Sleep(10 * time.Millisecond) }

func until(what string, f func() bool) {
	for range 10000 {
		if f() {
			return
		}
		time.Sleep(3 * time.Millisecond)
	}
	fmt.Println("it never comes to that:", what)
}

func ready(fd, ms int) int16 { return wait(fd, 0x3ff, ms) }

func wait(fd int, events int16, ms int) int16 {
	p := struct {
		fd              int32
		events, revents int16
	}{int32(fd), events, 0}
	for e := syscall.EINTR; e == syscall.EINTR; {
		_, _, e = syscall.Syscall(syscall.SYS_POLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(ms))
	}
	return p.revents
}

func (t *term) stopped(is bool) {
	until("output stands still, or goes on", func() bool { return ready(t.s, 0)&4 == 0 == is })
}

func read(fd, n int) string {
	for range 5 {
		if ready(fd, 0)&0x11 != 0 {
			break
		}
		settle()
	}
	settle()
	b := make([]byte, n)
	got, err := syscall.Read(fd, b)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%q", b[:got])
}

func write(fd int, s string) string {
	n, err := syscall.Write(fd, []byte(s))
	return fmt.Sprint(n, " ", err)
}

func poll(fd, ms int) string {
	settle()
	settle()
	return fmt.Sprintf("%#x", ready(fd, ms))
}

func (t *term) modes() (m termios) {
	check(ioctl(t.s, tcgets, unsafe.Pointer(&m)))
	return m
}

func (t *term) set(f func(m *termios)) {
	m := t.modes()
	f(&m)
	check(ioctl(t.s, tcsets, unsafe.Pointer(&m)))
}

// Types what is given; shows the echo, and what the slave reads, read by read.
func (t *term) typed(what, keys string) {
	if n, err := syscall.Write(t.m, []byte(keys)); n != len(keys) || err != nil {
		fmt.Println("typed", n, err)
	}
	for i := 0; i < 20 && (ready(t.m, 0)|ready(t.s, 0))&1 == 0; i++ {
		settle()
	}
	fmt.Printf("%s: %q shows %s, reads", what, keys, read(t.m, 4000))
	for range 20 {
		r := read(t.s, 100)
		if strings.HasPrefix(r, "resource") {
			break
		}
		fmt.Print(" ", r)
	}
	fmt.Println()
}

func (t *term) written(what, out string) {
	syscall.Write(t.s, []byte(out))
	fmt.Printf("%s: %q is written as %s\n", what, out, read(t.m, 4000))
}

func opening() {
	m := master()
	fmt.Println("locked", get(m, tiocgptlck))
	_, err := syscall.Open(name(m), syscall.O_RDWR|syscall.O_NOCTTY, 0)
	fmt.Println("open a locked one:", err)
	fmt.Println("peer of a locked one:", ioctlInt(m, tiocgptpeer, syscall.O_RDWR|syscall.O_NOCTTY))
	fmt.Println("fresh master", poll(m, 0), read(m, 10))
	unlock(m)
	fmt.Println("locked", get(m, tiocgptlck))
	link, _ := os.Readlink(fmt.Sprint("/proc/self/fd/", m))
	fmt.Println(link)
	st, err := os.Stat(name(m))
	check(err)
	sys := st.Sys().(*syscall.Stat_t)
	fmt.Println(st.Mode()&fs.ModeType, sys.Rdev>>8&0xfff, name(m) == fmt.Sprint("/dev/pts/", sys.Rdev&0xff))
	s, err := syscall.Open(name(m), syscall.O_RDWR|syscall.O_NOCTTY, 0)
	check(err)
	link, _ = os.Readlink(fmt.Sprint("/proc/self/fd/", s))
	fmt.Println(link == name(m))
	entries, _ := os.ReadDir("/dev/pts")
	found := false
	for _, e := range entries {
		found = found || "/dev/pts/"+e.Name() == name(m)
	}
	fmt.Println("listed", found)
	r, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(m), tiocgptpeer, syscall.O_RDWR|syscall.O_NOCTTY)
	link, _ = os.Readlink(fmt.Sprint("/proc/self/fd/", r))
	fmt.Println("peer", e, link == name(m))
	other := master()
	fmt.Println("another", name(other) != name(m))
	syscall.Close(other)
	_, err = syscall.Seek(m, 0, 0)
	fmt.Println("seek", err)
	dev := fmt.Sprint(sys.Rdev, " <nil>")
	fmt.Println("device", get(s, 0x80045432) == dev, get(m, 0x80045432) == dev)
	fmt.Println("of a slave:", get(s, tiocgptn), get(s, tiocgptlck))
	syscall.Close(int(r))
	syscall.Close(s)
	syscall.Close(m)
	_, err = os.Stat(fmt.Sprint("/dev/pts/", sys.Rdev&0xff))
	fmt.Println("gone", err != nil)
}

func modes() {
	t := open()
	defer t.close()
	m := t.modes()
	fmt.Printf("%#o %#o %#o %#o %d %v\n", m.iflag, m.oflag, m.cflag, m.lflag, m.line, m.cc)
	m2 := m
	check(ioctl(t.m, tcgets2, unsafe.Pointer(&m2)))
	fmt.Println("speeds", m2.ispeed, m2.ospeed, m2.lflag == m.lflag)
	m.cflag = 0o2 | 0o400 | 0o20 // 75 baud?, parity, 6 bits
	m.lflag &^= echo
	check(ioctl(t.m, tcsets, unsafe.Pointer(&m)))
	check(ioctl(t.s, tcgets2, unsafe.Pointer(&m2)))
	fmt.Printf("%#o %#o %d %d\n", m2.cflag, m2.lflag, m2.ispeed, m2.ospeed)
	var w [4]uint16
	check(ioctl(t.m, tiocgwinsz, unsafe.Pointer(&w)))
	fmt.Println(w)
	w = [4]uint16{24, 80, 640, 480}
	check(ioctl(t.m, tiocswinsz, unsafe.Pointer(&w)))
	w = [4]uint16{}
	check(ioctl(t.s, tiocgwinsz, unsafe.Pointer(&w)))
	fmt.Println(w)
	for _, req := range []uintptr{tcgets, tcsets, tiocgwinsz, tiocswinsz} {
		fmt.Println(ioctlInt(t.s, req, 8))
	}
	fmt.Println(get(t.s, tiocgetd), get(t.s, tiocoutq), ioctlInt(t.s, tcflsh, 3), ioctlInt(t.s, tcxonc, 4), ioctlInt(t.s, 0x5499, 0))
	f, _ := os.Open("/dev/null")
	fmt.Println(ioctl(int(f.Fd()), tcgets, unsafe.Pointer(&m)))
}

func editing() {
	t := open()
	defer t.close()
	t.typed("line", "hello\n")
	t.typed("return", "hello\r")
	t.typed("two lines and a half", "one\ntwo\nthr")
	t.typed("end", "ee\x04")
	t.typed("end of file", "\x04")
	t.typed("erase", "abd\x7f\x7fcc\x7fd\n")
	t.typed("erase too much", "a\x7f\x7f\x7fb\n")
	t.typed("erase control", "a\x01\x02\x7f\x7fb\n")
	t.typed("erase tab", "ab\tc\x7f\x7fd\n")
	t.typed("erase tabs", "\t\x01\t\x7f\x7fx\n")
	t.typed("erase word", "foo bar_1 \x17baz, \x17\x17x\n")
	t.typed("kill", "foo\x01\tbar\x15x\n")
	t.typed("reprint", "foo\x01\x12bar\n")
	t.typed("quote", "a\x16\x03\x16\x7f\x16\x16\n")
	t.typed("interrupt", "lost\x03kept\n")
	t.typed("quit, suspend", "lost\x1clost\x1akept\n")
	t.typed("zero and 255", "\x00\xff\n")
	t.typed("prompt and erase", "")
	syscall.Write(t.s, []byte("> "))
	t.typed("prompt and tab", "a\t\x7fb\n")
	long := strings.Repeat("x", 4200)
	write(t.m, long+"\n")
	settle()
	n := 0
	b := make([]byte, 8192)
	for got := 1; got > 0; n += got {
		got, _ = syscall.Read(t.m, b)
		settle()
	}
	got, err := syscall.Read(t.s, b)
	fmt.Println("too long: shows", n, "reads", got, err, b[got-1] == '\n')

	write(t.m, "line of text\nnext\n")
	fmt.Println("short reads:", read(t.s, 4), read(t.s, 9), read(t.s, 100), read(t.m, 100))
	write(t.m, "four\x04tail\n")
	fmt.Println("end behind a read:", read(t.s, 4), read(t.s, 4), read(t.s, 4), read(t.m, 100))
	write(t.m, "ab\nc\x04d")
	until("the echo", func() bool { return get(t.m, fionread) == "6 <nil>" })
	fmt.Println("count", get(t.s, fionread), get(t.m, fionread), poll(t.s, 0))
	ioctlInt(t.s, tcflsh, 0)
	fmt.Println("flushed", get(t.s, fionread), read(t.s, 10), read(t.m, 100))
}

func variants() {
	variant := func(what, keys string, f func(m *termios)) {
		t := open()
		t.set(f)
		t.typed(what, keys)
		t.close()
	}
	edit := "ab\x01\t\x7f\x7f\x7fz word\x17x\x15k\x12l\n"
	variant("no echo", edit, func(m *termios) { m.lflag &^= echo })
	variant("newline's echo", edit, func(m *termios) { m.lflag = m.lflag&^echo | echonl })
	variant("no ECHOE", edit, func(m *termios) { m.lflag &^= echoe })
	variant("no ECHOK", edit, func(m *termios) { m.lflag &^= echok })
	variant("no ECHOKE", edit, func(m *termios) { m.lflag &^= echoke })
	variant("no ECHOCTL", edit, func(m *termios) { m.lflag &^= echoctl })
	variant("ECHOPRT", edit, func(m *termios) { m.lflag |= echoprt })
	variant("no IEXTEN", edit+"a\x16b\n", func(m *termios) { m.lflag &^= iexten })
	variant("NOFLSH", "ab\x03c\n", func(m *termios) { m.lflag |= noflsh })
	variant("no ISIG", "ab\x03c\x1a\n", func(m *termios) { m.lflag &^= isig })
	variant("no ICRNL", "ab\rc\n", func(m *termios) { m.iflag &^= icrnl })
	variant("IGNCR", "ab\rc\n", func(m *termios) { m.iflag |= igncr })
	variant("INLCR", "ab\nc\x04", func(m *termios) { m.iflag = m.iflag&^icrnl | inlcr })
	variant("ISTRIP", "\xe1b\n", func(m *termios) { m.iflag |= istrip })
	variant("IUCLC", "ABc\n", func(m *termios) { m.iflag |= iuclc })
	variant("IUTF8", "aä€\x7f\x7fo\n", func(m *termios) { m.iflag |= iutf8 })
	variant("bytes", "aä\x7fo\n", func(m *termios) {})
	variant("EOL", "ab:cd:\n", func(m *termios) { m.cc[veol] = ':' })
	variant("no keys", "a\x00\x03\n", func(m *termios) { clear(m.cc[:]) })
	variant("no OPOST", "ab\n", func(m *termios) { m.oflag &^= opost })
	variant("no lines", "ab\x7f\x04\n\r\x03", func(m *termios) { m.lflag &^= icanon | isig })
	variant("raw", "ab\x7f\x04\n\r\x03\x13\x11", func(m *termios) { m.iflag, m.oflag, m.lflag = 0, 0, 0 })

	output := func(what, out string, f func(m *termios)) {
		t := open()
		t.set(f)
		t.written(what, out)
		t.close()
	}
	text := "a\tb\nc\r\n\r\x08\bü\t|\n"
	output("plain", text, func(m *termios) {})
	output("no OPOST", text, func(m *termios) { m.oflag &^= opost })
	output("no ONLCR", text, func(m *termios) { m.oflag &^= onlcr })
	output("XTABS", text, func(m *termios) { m.oflag |= xtabs })
	output("XTABS, ONLRET", text, func(m *termios) { m.oflag = m.oflag&^onlcr | xtabs | onlret })
	output("XTABS, IUTF8", text, func(m *termios) { m.oflag |= xtabs; m.iflag |= iutf8 })
	output("OCRNL", text, func(m *termios) { m.oflag |= ocrnl })
	output("ONOCR", text, func(m *termios) { m.oflag |= onocr })
	output("OLCUC", text, func(m *termios) { m.oflag |= olcuc })
}

// From lines to bytes and back, with something typed.
func switching() {
	t := open()
	defer t.close()
	write(t.m, "line\npart\x04more")
	until("the echo", func() bool { return get(t.m, fionread) == "14 <nil>" })
	t.set(func(m *termios) { m.lflag &^= icanon | echo })
	fmt.Println("bytes", get(t.s, fionread), read(t.s, 6), read(t.s, 100))
	write(t.m, "typed")
	until("bytes", func() bool { return get(t.s, fionread) == "5 <nil>" })
	t.set(func(m *termios) { m.lflag |= icanon })
	fmt.Println("lines", get(t.s, fionread), read(t.s, 100), read(t.s, 100))
	read(t.m, 100)
	t.set(func(m *termios) { m.lflag |= echo })
	write(t.m, "typed")
	until("the echo", func() bool { return get(t.m, fionread) == "5 <nil>" })
	read(t.m, 5)
	m := t.modes()
	check(ioctl(t.s, tcsetsf, unsafe.Pointer(&m)))
	t.typed("flushed by TCSETSF", "new\n")
}

func flow() {
	t := open()
	defer t.close()
	t.typed("stop", "\x13")
	t.stopped(true)
	fmt.Println("stopped", write(t.s, "x"), poll(t.s, 0), read(t.m, 10))
	t.typed("start", "\x11")
	t.stopped(false)
	fmt.Println("started", write(t.s, "y"), read(t.m, 10))
	ioctlInt(t.s, tcxonc, 0)
	fmt.Println("TCOOFF", write(t.s, "x"))
	ioctlInt(t.s, tcxonc, 1)
	fmt.Println("TCOON", write(t.s, "z"), read(t.m, 10))
	ioctlInt(t.s, tcxonc, 2)
	ioctlInt(t.s, tcxonc, 3)
	fmt.Println("TCIOFF, TCION", read(t.m, 10))
	t.set(func(m *termios) { m.iflag |= ixany })
	write(t.m, "\x13")
	t.stopped(true)
	fmt.Println("stopped", write(t.s, "x"))
	write(t.m, "k")
	t.stopped(false)
	fmt.Println("any key", read(t.m, 10), write(t.s, "x"), read(t.m, 10))

	syscall.SetNonblock(t.s, false)
	write(t.m, "\x13")
	t.stopped(true)
	done := make(chan string)
	go func() { done <- write(t.s, "waited") }()
	select {
	case r := <-done:
		fmt.Println("did not wait:", r)
	case <-time.After(30 * time.Millisecond):
	}
	write(t.m, "\x11")
	fmt.Println("goes on", <-done, read(t.m, 10))
}

// VMIN and VTIME, in blocking reads and others.
func timing() {
	t := open()
	defer t.close()
	raw := func(min, time uint8) {
		t.set(func(m *termios) {
			m.iflag, m.oflag, m.lflag = 0, 0, 0
			m.cc[vmin], m.cc[vtime] = min, time
		})
	}
	raw(3, 0)
	write(t.m, "ab")
	fmt.Println("2 of 3", poll(t.s, 0))
	write(t.m, "c")
	fmt.Println("3 of 3", poll(t.s, 0), read(t.s, 10))
	raw(0, 0)
	fmt.Println("none", poll(t.s, 0), read(t.s, 10))
	raw(0, 1)
	fmt.Println("none, at once", read(t.s, 10))
	syscall.SetNonblock(t.s, false)
	// The reads end with a key or a time, never with the bound, which is far from both: 25 s are no
	// time that a busy host takes for a key. Only in "MIN 3 TIME 15" must a key come in time.
	timed := func(what string, n int, tenths int, keys ...string) {
		start := time.Now()
		go func() {
			for _, k := range keys {
				time.Sleep(100 * time.Millisecond)
				write(t.m, k)
			}
		}()
		b := make([]byte, n)
		got, err := syscall.Read(t.s, b)
		d := time.Since(start) - time.Duration(tenths)*100*time.Millisecond
		fmt.Printf("%s: %q %v in time %v\n", what, b[:got], err, d > -5*time.Millisecond && d < 20*time.Second)
	}
	raw(1, 0)
	timed("MIN 1", 10, 1, "a")
	raw(3, 0)
	timed("MIN 3", 10, 3, "a", "b", "cd")
	timed("MIN 3, read of 2", 2, 2, "a", "b")
	raw(0, 250)
	timed("TIME 250", 10, 1, "a")
	raw(0, 6)
	timed("TIME 6, nothing", 10, 6)
	raw(3, 15)
	timed("MIN 3 TIME 15", 10, 17, "a", "b")
	raw(3, 250)
	timed("MIN 3 TIME 250, all", 10, 3, "a", "b", "c")
	t.set(func(m *termios) { m.lflag = icanon })
	timed("line", 10, 2, "a", "b\n")
}

func big() {
	t := open()
	defer t.close()
	t.set(func(m *termios) { m.iflag, m.oflag, m.lflag = 0, 0, 0 })
	check(syscall.SetNonblock(t.s, false))
	check(syscall.SetNonblock(t.m, false))
	pump := func(from, to int) {
		const total = 300000
		go func() {
			b := make([]byte, total)
			for i := range b {
				b[i] = byte(i * 7 % 251)
			}
			n, err := syscall.Write(from, b)
			if n != total || err != nil {
				fmt.Println("wrote", n, err)
			}
		}()
		b, at := make([]byte, 5000), 0
		for at < total {
			n, err := syscall.Read(to, b)
			for i := range b[:max(n, 0)] {
				if b[i] != byte((at+i)*7%251) {
					fmt.Println("wrong byte at", at+i)
					return
				}
			}
			if at += n; n <= 0 || err != nil {
				fmt.Println(n, err)
				return
			}
		}
		fmt.Println("through", at)
	}
	pump(t.m, t.s)
	pump(t.s, t.m)
	check(syscall.SetNonblock(t.s, true))
	check(syscall.SetNonblock(t.m, true))
	for _, fd := range []int{t.m, t.s} {
		full := 0
		for i := 0; i < 200 && full < 3; i++ {
			_, err := syscall.Write(fd, make([]byte, 4000))
			if err == syscall.EAGAIN {
				full++
				settle()
			}
		}
		fmt.Println("full", full, poll(fd, 0))
	}
}

// package os waits by the poller; a deadline; a close that ends a read.
func files() {
	t := open()
	m, s := os.NewFile(uintptr(t.m), "master"), os.NewFile(uintptr(t.s), "slave")
	go func() {
		time.Sleep(20 * time.Millisecond)
		m.Write([]byte("from afar\n"))
	}()
	b := make([]byte, 100)
	n, err := s.Read(b)
	fmt.Printf("%q %v\n", b[:n], err)
	n, err = m.Read(b)
	fmt.Printf("%q %v\n", b[:n], err)
	fmt.Println(s.SetReadDeadline(time.Now().Add(20 * time.Millisecond)))
	_, err = s.Read(b)
	fmt.Println(err)
	s.SetReadDeadline(time.Time{})
	go func() {
		time.Sleep(20 * time.Millisecond)
		m.Close()
	}()
	n, err = s.Read(b)
	fmt.Println(n, err)
	_, err = s.Write(b)
	fmt.Println(strings.TrimPrefix(err.Error(), "write slave: "))
	s.Close()
}

func hangup() {
	t := open()
	var m termios
	write(t.m, "unread\n")
	until("the echo", func() bool { return get(t.m, fionread) == "8 <nil>" })
	write(t.s, "last")
	until("the rest", func() bool { return get(t.m, fionread) == "12 <nil>" })
	syscall.Close(t.s)
	fmt.Println("slave closed:", poll(t.m, 0), read(t.m, 8), read(t.m, 100), read(t.m, 100), poll(t.m, 0))
	s, err := syscall.Open(name(t.m), syscall.O_RDWR|syscall.O_NOCTTY, 0)
	fmt.Println("opened again:", err, poll(t.m, 0), read(t.m, 100), read(s, 100))
	path := name(t.m)
	syscall.Close(t.m)
	fmt.Println("master closed:", poll(s, 0), read(s, 10), write(s, "x"))
	fmt.Println(ioctl(s, tcgets, unsafe.Pointer(&m)), get(s, fionread), ioctl(s, tiocspgrp, unsafe.Pointer(&m)))
	link, _ := os.Readlink(fmt.Sprint("/proc/self/fd/", s))
	fmt.Println(link == path+" (deleted)")
	other := master()
	fmt.Println("its number is taken:", name(other) != path)
	syscall.Close(other)
	syscall.Close(s)
	other = master()
	fmt.Println("its number is free:", name(other) == path)
	syscall.Close(other)

	t = open()
	go func() {
		time.Sleep(20 * time.Millisecond)
		syscall.Close(t.s)
	}()
	fmt.Printf("waits for the hangup: %#x\n", wait(t.m, 1, 60000))
	syscall.SetNonblock(t.m, false)
	fmt.Println(read(t.m, 10))
	syscall.Close(t.m)
}

// The controlling terminal: keys and sizes raise signals.
func controlling() {
	syscall.Setsid() // fails where the process leads its session already
	t := open()
	c := make(chan os.Signal, 10)
	got := func(what string) {
		select {
		case s := <-c:
			fmt.Println(what+":", s)
		case <-time.After(time.Minute):
			fmt.Println(what + ": no signal")
		}
	}
	both := func(what string) {
		s := []string{(<-c).String(), (<-c).String()}
		slices.Sort(s)
		fmt.Println(what+":", s)
	}
	signal.Notify(c, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGWINCH, syscall.SIGHUP, syscall.SIGCONT)
	own := int32(syscall.Getpgrp())
	group := func(fd int, req uintptr) string {
		v := int32(-7)
		err := ioctl(fd, req, unsafe.Pointer(&v))
		return fmt.Sprint(v == own, v == 0, " ", err)
	}
	fmt.Println("before:", group(t.s, tiocgpgrp), group(t.m, tiocgpgrp), group(t.s, tiocgsid), group(t.m, tiocgsid),
		ioctl(t.s, tiocspgrp, unsafe.Pointer(&own)), ioctlInt(t.s, tiocnotty, 0))
	write(t.m, "\x03")
	w := [4]uint16{10, 20, 0, 0}
	ioctl(t.m, tiocswinsz, unsafe.Pointer(&w))
	select {
	case s := <-c:
		fmt.Println("not its terminal, and yet", s)
	case <-time.After(30 * time.Millisecond):
	}
	fmt.Println("take:", ioctlInt(t.s, tiocsctty, 0), ioctlInt(t.s, tiocsctty, 0))
	other := open()
	fmt.Println("another:", ioctlInt(other.s, tiocsctty, 0), group(other.s, tiocgpgrp))
	other.close()
	fmt.Println("own:", group(t.s, tiocgpgrp), group(t.m, tiocgpgrp), group(t.s, tiocgsid), group(t.m, tiocgsid),
		ioctl(t.s, tiocspgrp, unsafe.Pointer(&own)))
	bad := int32(-4)
	fmt.Println(ioctl(t.s, tiocspgrp, unsafe.Pointer(&bad)))
	write(t.m, "\x03")
	got("interrupt")
	write(t.m, "\x1c")
	got("quit")
	write(t.m, "\x1a")
	got("suspend")
	ioctl(t.m, tiocswinsz, unsafe.Pointer(&w))
	w[0]++
	ioctl(t.m, tiocswinsz, unsafe.Pointer(&w))
	got("size")
	w[0]++
	ioctl(t.s, tiocswinsz, unsafe.Pointer(&w))
	got("size")
	fmt.Println(ioctlInt(t.m, sigk, 2), ioctlInt(t.m, sigk, 1))
	got("TIOCSIG")
	tty, err := syscall.Open("/dev/tty", syscall.O_RDWR, 0)
	fmt.Println("tty", err, write(tty, "by /dev/tty"), read(t.m, 100))
	syscall.Close(tty)
	fmt.Println("give up:", ioctlInt(t.s, tiocnotty, 0))
	both("give up")
	fmt.Println("take:", ioctlInt(t.s, tiocsctty, 0))
	syscall.Close(t.m)
	both("hang up")
	syscall.Close(t.s)
	fmt.Println(len(c))
}

func main() {
	opening()
	modes()
	editing()
	variants()
	switching()
	flow()
	timing()
	big()
	files()
	hangup()
	controlling()
}
