package main

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"unsafe"
)

// The bundle's /modules/*.ko, in the order of their names: the network device's driver, and what it
// needs. Without any there is no network but lo.
func loadModules() {
	files, _ := filepath.Glob("/modules/*.ko")
	sort.Strings(files)
	for _, path := range files {
		f, err := os.Open(path)
		must(err)
		none := [1]byte{}
		_, _, e := syscall.Syscall(sysFinitModule, f.Fd(), uintptr(unsafe.Pointer(&none)), 0)
		if e != 0 {
			must(&os.PathError{Op: "finit_module", Path: path, Err: e})
		}
		f.Close()
	}
}

const sysFinitModule = 313

type ifreq struct {
	name [16]byte
	data [24]byte
}

func ioctl(fd int, what uintptr, r *ifreq) {
	_, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), what, uintptr(unsafe.Pointer(r)))
	if e != 0 {
		must(&os.PathError{Op: "ioctl", Path: string(r.name[:4]), Err: e})
	}
}

func up(fd int, name string, address []byte) {
	r := &ifreq{}
	copy(r.name[:], name)
	for i, what := range []uintptr{syscall.SIOCSIFADDR, syscall.SIOCSIFNETMASK} {
		r.data = [24]byte{0: syscall.AF_INET, 4: 255, 5: 255, 6: 255}
		if address == nil {
			break
		}
		if i == 0 {
			copy(r.data[4:8], address)
		}
		ioctl(fd, what, r)
	}
	r.data = [24]byte{0: syscall.IFF_UP | syscall.IFF_RUNNING}
	ioctl(fd, syscall.SIOCSIFFLAGS, r)
}

// lo, and eth0 with the address a.b.c.d of /network, a net of 256, if the bundle has one.
func network() {
	loadModules()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	must(err)
	up(fd, "lo", nil)
	text, err := os.ReadFile("/network")
	if err != nil {
		return
	}
	address := []byte{}
	for _, part := range strings.Split(strings.TrimSpace(string(text)), ".") {
		n := 0
		for _, digit := range part {
			n = 10*n + int(digit-'0')
		}
		address = append(address, byte(n))
	}
	up(fd, "eth0", address)
}
