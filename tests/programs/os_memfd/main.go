// Files without a name, and the seals that they can have.
package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

const (
	addSeals = 1033
	getSeals = 1034
)

func memfd(name string, flags uintptr) (*os.File, error) {
	p, err := syscall.BytePtrFromString(name)
	if err != nil {
		panic(err)
	}
	fd, _, e := syscall.Syscall(319, uintptr(unsafe.Pointer(p)), flags, 0)
	if e != 0 {
		return nil, e
	}
	return os.NewFile(fd, name), nil
}

func fcntl(f *os.File, cmd, arg uintptr) (int, syscall.Errno) {
	r, _, e := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), cmd, arg)
	return int(r), e
}

func main() {
	f, err := memfd("plain", 1)
	fmt.Println(err)
	n, err := f.WriteString("hello")
	fmt.Println(n, err)
	b := make([]byte, 10)
	n, err = f.ReadAt(b, 1)
	fmt.Println(string(b[:n]), err)
	st, _ := f.Stat()
	fmt.Println(st.Size(), st.Mode(), st.Sys().(*syscall.Stat_t).Nlink)
	m, err := syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	m[0] = 'j'
	f.ReadAt(b, 0)
	fmt.Println(string(b[:5]), err)
	fmt.Println(fcntl(f, getSeals, 0))
	fmt.Println(fcntl(f, addSeals, 2))
	syscall.Munmap(m)
	f.Close()

	f, _ = memfd("sealed", 2)
	fmt.Println(fcntl(f, getSeals, 0))
	f.WriteString("0123456789")
	fmt.Println(fcntl(f, addSeals, 4)) // grow
	_, err = f.WriteString("x")
	fmt.Println("grow by write:", err)
	fmt.Println("grow:", f.Truncate(100))
	fmt.Println("shrink:", f.Truncate(8))
	fmt.Println(fcntl(f, addSeals, 2)) // shrink
	fmt.Println("shrink:", f.Truncate(7))
	_, err = f.WriteAt([]byte("y"), 0)
	fmt.Println("write:", err)
	m, _ = syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	fmt.Println(fcntl(f, addSeals, 8))
	syscall.Munmap(m)
	fmt.Println(fcntl(f, addSeals, 8|1))
	_, err = f.WriteAt([]byte("y"), 0)
	fmt.Println("write:", err)
	_, err = syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	fmt.Println("map:", err)
	m, err = syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE)
	m[0] = 'z'
	fmt.Println("map privately:", err)
	fmt.Println(fcntl(f, addSeals, 4))
	fmt.Println(fcntl(f, getSeals, 0))
	f.Close()

	_, err = memfd("flags", 0x8000)
	fmt.Println(err)
	_, err = memfd(string(make([]byte, 0)), 0)
	fmt.Println(err)
	long := make([]byte, 300)
	for i := range long {
		long[i] = 'a'
	}
	_, err = memfd(string(long), 0)
	fmt.Println(err)
	tmp, _ := os.CreateTemp("", "memfd")
	fmt.Println(fcntl(tmp, addSeals, 4))
	os.Remove(tmp.Name())
}
