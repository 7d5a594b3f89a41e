// System calls about ranges of many GiB, thousands of mappings and descriptors, each in one call.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"unsafe"
)

const gib = 1 << 30

func sys(what string, num uintptr, a ...uintptr) uintptr {
	var b [6]uintptr
	copy(b[:], a)
	r, _, e := syscall.Syscall6(num, b[0], b[1], b[2], b[3], b[4], b[5])
	if e != 0 {
		fmt.Println(what, e)
		os.Exit(1)
	}
	return r
}

func mapped(size uintptr) uintptr {
	const anonymous = 0x4022 // private, without reserve
	return sys("mmap", 9, 0, size, 3, anonymous, ^uintptr(0), 0)
}

func touch(m, size, step uintptr) {
	for at := uintptr(0); at < size; at += step {
		*(*byte)(unsafe.Pointer(m + at)) = 1
	}
}

func ranges() {
	const size = 64 * gib
	m := mapped(size)
	touch(m, size, gib)
	touch(m, 8<<20, 4096)
	there := make([]byte, 2*gib/4096)
	sys("mincore", 27, m, 2*gib, uintptr(unsafe.Pointer(&there[0])))
	for _, prot := range []uintptr{1, 3} {
		sys("mprotect", 10, m, size, prot)
	}
	sys("msync", 26, m, size, 4)
	const dontneed, free = 4, 8
	for _, advice := range []uintptr{3, free, dontneed} {
		touch(m, size, gib)
		sys("madvise", 28, m, size, advice)
	}
	sys("mlock", 149, m, 4<<20)
	sys("munlock", 150, m, size)
	touch(m, size, gib)
	m = sys("mremap", 25, m, size, 2*size, 1)
	m = sys("mremap", 25, m, 2*size, size/2, 0)
	sys("mmap fixed", 9, m, size/4, 3, 0x4032, ^uintptr(0), 0)
	sys("munmap", 11, m, 2*size)
}

// Every other page has other rights: each is a mapping of its own.
func mappings() {
	const n = 10000
	m := mapped(n * 8192)
	for i := uintptr(0); i < n; i++ {
		sys("mprotect", 10, m+i*8192, 4096, 1)
	}
	touch(m+4096, n*8192, 16*8192)
	sys("madvise", 28, m, n*8192, 4)
	sys("msync", 26, m, n*8192, 4)
	sys("mprotect", 10, m, n*8192, 3)
	sys("munmap", 11, m, n*8192)
}

func descriptors() {
	syscall.Setrlimit(7, &syscall.Rlimit{Cur: 65536, Max: 65536})
	fd, _ := syscall.Open("/dev/null", syscall.O_RDWR, 0)
	for i := 0; i < 30000; i++ {
		if _, err := syscall.Dup(fd); err != nil {
			fmt.Println(err)
			break
		}
	}
	sys("close_range", 436, uintptr(fd), 1<<32-1, 0)
	for i := 0; i < 1000; i++ {
		f, err := os.Create(fmt.Sprint("/tmp/a name that is not short ", i))
		if err != nil {
			fmt.Println(err)
		}
		f.Close()
	}
	d, _ := syscall.Open("/tmp", 0, 0)
	n, err := syscall.ReadDirent(d, make([]byte, 1<<20))
	fmt.Println(n > 4096, err)
}

func main() {
	debug.SetGCPercent(-1)
	ranges()
	mappings()
	descriptors()
}
