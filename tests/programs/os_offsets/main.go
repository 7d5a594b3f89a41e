// Offsets and lengths at the edges of their ranges, in every call that takes one.
package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

const (
	page = 4096
	max  = 1<<63 - 1
	top  = max &^ (page - 1)
)

var mem []byte

func addr() uintptr { return uintptr(unsafe.Pointer(&mem[0])) }

// Numbers stay as they are, addresses become "an address".
func show(name string, num uintptr, a ...uintptr) uintptr {
	var v [6]uintptr
	copy(v[:], a)
	r, _, e := syscall.Syscall6(num, v[0], v[1], v[2], v[3], v[4], v[5])
	switch {
	case e != 0:
		fmt.Println(name, e)
	case (num == syscall.SYS_MMAP || num == 25) && r > 1<<32:
		fmt.Println(name, "an address")
	default:
		fmt.Println(name, r)
	}
	return r
}

func tempDir() string {
	base := "/dev/shm" // memory on both systems: limits of a disk's format are others
	if _, err := os.Stat(base); err != nil {
		base = ""
	}
	dir, err := os.MkdirTemp(base, "offsets")
	if err != nil {
		panic(err)
	}
	return dir
}

func positions(fd uintptr) {
	neg := ^uintptr(0)
	offs := []uintptr{neg, neg - page + 1, 1 << 63, max, max - 1, max - 3, top, 1 << 62}
	for _, o := range offs {
		fmt.Printf("offset %#x\n", o)
		show(" pread", 17, fd, addr(), 4, o)
		show(" pread 0", 17, fd, addr(), 0, o)
		show(" preadv", 295, fd, addr()+64, 1, o, 0)
		show(" set", 8, fd, o, 0)
		show(" read", 0, fd, addr(), 4)
		show(" cur", 8, fd, o, 1)
		show(" back", 8, fd, 5, 0)
		show(" cur", 8, fd, o, 1)
		show(" end", 8, fd, o, 2)
		show(" data", 8, fd, o, 3)
		show(" hole", 8, fd, o, 4)
		show(" back", 8, fd, 0, 0)
		show(" punch", 285, fd, 3, o, 1<<20)
		show(" punch", 285, fd, 3, 100, o)
		show(" fallocate", 285, fd, 0, o, max)
		show(" fallocate", 285, fd, 0, o, 0)
		show(" mode", 285, fd, 2, o, 5)
	}
	show("whence", 8, fd, 0, 5)
	show("whence", 8, fd, 0, neg)
}

func sizes(fd uintptr, name []byte) {
	neg := ^uintptr(0)
	path := uintptr(unsafe.Pointer(&name[0]))
	for _, n := range []uintptr{neg, 1 << 63, max, top, 1 << 62, 0, 10000} {
		fmt.Printf("size %#x\n", n)
		show(" ftruncate", 77, fd, n)
		show(" truncate", 76, path, n)
		show(" end", 8, fd, 0, 2)
		show(" write at the end", 1, fd, addr(), 8)
		show(" end", 8, fd, 0, 2)
	}
	for _, o := range []uintptr{neg, max, max - 3, max - 4, top} {
		fmt.Printf("write at %#x\n", o)
		show(" pwrite", 18, fd, addr(), 4, o)
		show(" pwritev", 296, fd, addr()+64, 1, o, 0)
		show(" end", 8, fd, 0, 2)
	}
	show("back", 77, fd, 10000)
}

func counts(fd uintptr) {
	neg := ^uintptr(0)
	v := (*[3]syscall.Iovec)(unsafe.Pointer(&mem[64]))
	for _, n := range []uint64{1 << 63, 1<<64 - 1, 1 << 62, 0x7ffff000, 1 << 46} {
		fmt.Printf("count %#x\n", n)
		show(" read", 0, fd, addr(), uintptr(n))
		v[1].Base, v[1].Len = &mem[0], n
		show(" readv", 19, fd, addr()+64, 2)
		v[1].Len = 0
	}
	show("vectors", 19, fd, addr()+64, 1025)
	show("vectors", 19, fd, addr()+64, neg)
	show("vectors", 20, fd, addr()+64, 0)
}

func maps(fd uintptr) {
	neg := ^uintptr(0)
	const rw, shared, private, anon = 3, 1, 2, 0x22
	for _, o := range []uintptr{neg - page + 1, top, top - page + 1, 1 << 63, 100, neg, 1 << 52} {
		fmt.Printf("mmap at %#x\n", o)
		show(" private", 9, 0, page, rw, private, fd, o)
		show(" shared", 9, 0, page, rw, shared, fd, o)
		show(" two", 9, 0, 2*page, 1, shared, fd, o)
	}
	for _, n := range []uintptr{0, neg, neg - page + 1, 1 << 63, 1 << 47, 1 << 62} {
		fmt.Printf("length %#x\n", n)
		show(" mmap", 9, 0, n, rw, anon, neg, 0)
		show(" file", 9, 0, n, rw, shared, fd, 0)
		show(" munmap", 11, addr(), n)
		show(" msync", 26, addr(), n, 4)
		show(" munlock", 150, addr(), n)
		if n+page < page { // others would reach what lies behind
			show(" mprotect", 10, addr(), n, 3)
			show(" madvise", 28, addr(), n, 0)
			show(" mremap", 25, addr(), page, n, 1)
		}
	}
	show("munmap", 11, 0xfffffffffffff000, page)
	show("munmap", 11, 0xffff800000000000, page)
	show("munmap", 11, addr()+1, page)
	show("mprotect", 10, 0xffff800000000000, page, 3)
	show("madvise", 28, 0xffff800000000000, page, 4)
	show("mremap", 25, 0xffff800000000000, page, 2*page, 1)
	show("mremap", 25, 0xfffffffffffff000, 2*page, page, 1)
	show("mremap", 25, addr()+1, page, 2*page, 1)
	show("fixed", 9, 0x7ffffffff000, 2*page, rw, 0x32, neg, 0)
	show("fixed", 9, 0xffff800000000000, page, rw, 0x32, neg, 0)
	// A private page far behind the end: there is nothing.
	far := show("far", 9, 0, page, 1, private, fd, top-page)
	var p [2]int
	syscall.Pipe(p[:])
	show("its byte", 1, uintptr(p[1]), far, 1)
}

func main() {
	dir := tempDir()
	defer os.RemoveAll(dir)
	name := append([]byte(dir+"/f"), 0)
	f, err := os.Create(dir + "/f")
	if err != nil {
		panic(err)
	}
	f.Close()
	fd, _ := syscall.Open(dir+"/f", syscall.O_RDWR, 0)
	mem, _ = syscall.Mmap(-1, 0, 4*page, 3, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	v := (*syscall.Iovec)(unsafe.Pointer(&mem[64]))
	v.Base, v.Len = &mem[0], 4
	syscall.Write(fd, mem[:10000])
	positions(uintptr(fd))
	counts(uintptr(fd))
	maps(uintptr(fd))
	sizes(uintptr(fd), name)
}
