// System calls with pointers to nowhere, to half of nowhere, and to memory that goes away while
// the call runs.
package main

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

const page = 4096

var (
	two      []byte  // two pages, the second is gone
	none, ro uintptr // no access, read only
	edge     uintptr // the last byte of the page that is there
)

func addr(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) }

func anonymous(n, prot int) []byte {
	m, err := syscall.Mmap(-1, 0, n, prot, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	return m
}

func call(num uintptr, a ...uintptr) (int, syscall.Errno) {
	var v [6]uintptr
	copy(v[:], a)
	r, _, e := syscall.Syscall6(num, v[0], v[1], v[2], v[3], v[4], v[5])
	return int(r), e
}

// Each call once with every kind of bad pointer in argument i.
func everywhere(name string, num uintptr, i int, writes bool, a ...uintptr) {
	kinds := []uintptr{8, 1 << 46, 0xffff800000100000, 0xffffffff80100000, ^uintptr(0) - 7,
		0x800000000000, none, edge + 1}
	if writes {
		kinds = append(kinds, ro)
	}
	bad := 0
	for _, k := range kinds {
		a[i] = k
		if r, e := call(num, a...); e != syscall.EFAULT {
			fmt.Printf("%s: argument %d = %#x: %d %v\n", name, i, k, r, e)
			bad++
		}
	}
	if bad == 0 {
		fmt.Println(name, "EFAULT")
	}
}

func pointers(dir string) {
	text := []byte("/tmp\x00")
	path := addr(text)
	file := dir + "/file"
	fd, _ := syscall.Open(file, syscall.O_RDWR|syscall.O_CREAT, 0o600)
	syscall.Write(fd, make([]byte, 3*page))
	d, _ := syscall.Open(dir, syscall.O_RDONLY, 0)
	var p [2]int
	syscall.Pipe(p[:])
	syscall.Write(p[1], make([]byte, 100))
	zero, _ := syscall.Open("/dev/zero", syscall.O_RDWR, 0)
	random, _ := syscall.Open("/dev/urandom", syscall.O_RDWR, 0)
	event, _ := call(290, 1, 0)
	for _, f := range []int{p[0], zero, random} {
		everywhere("read", 0, 1, true, uintptr(f), 0, 8)
	}
	syscall.Seek(fd, 0, 0)
	everywhere("read file", 0, 1, true, uintptr(fd), 0, 8)
	everywhere("pread", 17, 1, true, uintptr(fd), 0, 8, 0)
	for _, f := range []int{fd, p[1], event} {
		everywhere("write", 1, 1, false, uintptr(f), 0, 8)
	}
	everywhere("pwrite", 18, 1, false, uintptr(fd), 0, 8, 0)
	everywhere("readv", 19, 1, false, uintptr(fd), 0, 1)
	everywhere("writev", 20, 1, false, uintptr(fd), 0, 1)
	everywhere("open", 2, 0, false, 0, 0)
	everywhere("stat", 4, 1, true, path, 0)
	everywhere("fstat", 5, 1, true, uintptr(fd), 0)
	everywhere("lstat", 6, 0, false, 0, path)
	everywhere("statx", 332, 4, true, uintptr(fd), path, 0, 0xfff, 0)
	everywhere("poll", 7, 0, false, 0, 1, 0)
	everywhere("pipe", 22, 0, true, 0)
	everywhere("nanosleep", 35, 0, false, 0, 0)
	everywhere("uname", 63, 0, true, 0)
	everywhere("getcwd", 79, 0, true, 0, 100)
	everywhere("rename", 82, 1, false, path, 0)
	everywhere("mkdir", 83, 0, false, 0, 0)
	everywhere("symlink", 88, 0, false, 0, path)
	everywhere("getrlimit", 97, 1, true, 7, 0)
	everywhere("setrlimit", 160, 1, false, 7, 0)
	everywhere("getrusage", 98, 1, true, 0, 0)
	everywhere("sysinfo", 99, 0, true, 0)
	everywhere("times", 100, 0, true, 0)
	everywhere("getresuid", 118, 1, true, addr(make([]byte, 8)), 0, 0)
	everywhere("rt_sigaction", 13, 2, true, 1, 0, 0, 8)
	everywhere("rt_sigprocmask", 14, 2, true, 0, 0, 0, 8)
	everywhere("statfs", 137, 1, true, path, 0)
	everywhere("time", 201, 0, true, 0)
	everywhere("sched_getaffinity", 204, 2, true, 0, 128, 0)
	everywhere("getdents64", 217, 1, true, uintptr(d), 0, 1000)
	everywhere("clock_gettime", 228, 1, true, 0, 0)
	everywhere("utimensat", 280, 2, false, uintptr(fd), 0, 0, 0)
	everywhere("getrandom", 318, 0, true, 0, 8, 0)
	everywhere("ppoll", 271, 2, false, 0, 0, 0, 0, 0)
	everywhere("prlimit", 302, 3, true, 0, 7, 0, 0)
	everywhere("ioctl", 16, 2, true, uintptr(p[0]), 0x541b, 0)
	everywhere("fcntl", 72, 2, false, uintptr(fd), 5, 0)
}

// What is there is moved, up to the byte that is not.
func halves(dir string) {
	fd, _ := syscall.Open(dir+"/half", syscall.O_RDWR|syscall.O_CREAT, 0o600)
	for i := range two[:page] {
		two[i] = byte(i)
	}
	half := addr(two)
	fmt.Println(call(18, uintptr(fd), half+page-100, 200, 0))
	fmt.Println(call(18, uintptr(fd), half, 2*page, 10000))
	var st syscall.Stat_t
	syscall.Fstat(fd, &st)
	fmt.Println("size", st.Size)
	syscall.Pwrite(fd, make([]byte, 3*page), 0)
	fmt.Println(call(17, uintptr(fd), half, 3*page, 0))
	fmt.Println(two[0], two[page-1])
	var p [2]int
	syscall.Pipe(p[:])
	fmt.Println(call(1, uintptr(p[1]), half+page-50, 100)) // a short message: all or nothing
	fmt.Println(call(1, uintptr(p[1]), half, 2*page))
	fmt.Println(call(0, uintptr(p[0]), half, 3*page))
	v := [3]syscall.Iovec{{Base: &two[0], Len: 10}, {Base: &two[100], Len: 20}}
	v[2].Base, v[2].Len = (*byte)(unsafe.Pointer(edge)), 30
	fmt.Println(call(20, uintptr(fd), uintptr(unsafe.Pointer(&v)), 3))
	v[1].Len = 1 << 63
	fmt.Println(call(20, uintptr(fd), uintptr(unsafe.Pointer(&v)), 3))
	fmt.Println(call(20, uintptr(fd), uintptr(unsafe.Pointer(&v)), 1025))
	copy(two[page-5:], "/tmpx")
	fmt.Println(call(2, half+page-5, 0, 0)) // no NUL in sight
	copy(two[page-5:], "/tmp\x00")
	r, e := call(2, half+page-5, 0, 0)
	fmt.Println(r > 2, e)
	fmt.Println(call(18, uintptr(fd), none, 0, 0))
	// A file's mapping behind the file's end.
	syscall.Ftruncate(fd, page)
	m, _ := syscall.Mmap(fd, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	var q [2]int
	syscall.Pipe(q[:])
	fmt.Println(call(1, uintptr(q[1]), addr(m), 2*page))
	fmt.Println(call(1, uintptr(q[1]), addr(m)+page, page))
	fmt.Println(call(0, uintptr(q[0]), addr(m)+page, page))
}

// One goroutine reads and writes with a mapping, another takes it away and brings it back.
func races(dir string, rounds int) {
	fd, _ := syscall.Open(dir+"/race", syscall.O_RDWR|syscall.O_CREAT, 0o600)
	other, _ := syscall.Open(dir+"/other", syscall.O_RDWR|syscall.O_CREAT, 0o600)
	const size = 32 * page
	syscall.Ftruncate(fd, size)
	m, err := syscall.Mmap(fd, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	var stop atomic.Bool
	done := make(chan bool)
	var v [2]syscall.Iovec
	go func() {
		for i := 0; !stop.Load(); i++ {
			syscall.Ftruncate(fd, int64(i%3)*page*8)
			syscall.Ftruncate(fd, size)
			syscall.Syscall(syscall.SYS_MADVISE, addr(m), size, syscall.MADV_DONTNEED)
			*(*uintptr)(unsafe.Pointer(&v[1].Base)) = []uintptr{addr(m), none, 8}[i%3]
			v[1].Len = uint64(i%3) * 5000
		}
		done <- true
	}()
	check := func(what string, r int, e syscall.Errno) {
		if e != 0 && e != syscall.EFAULT || e == 0 && (r < 0 || r > 2*size) {
			fmt.Println(what, r, e)
		}
	}
	for i := 0; i < rounds; i++ {
		n, e := call(18, uintptr(other), addr(m), size, 0)
		check("pwrite", n, e)
		n, e = call(17, uintptr(other), addr(m), size, 0)
		check("pread", n, e)
		v[0].Base, v[0].Len = &two[0], 100
		n, e = call(296, uintptr(other), uintptr(unsafe.Pointer(&v)), 2, 0)
		check("pwritev", n, e)
		n, e = call(295, uintptr(other), uintptr(unsafe.Pointer(&v)), 2, 0)
		check("preadv", n, e)
		n, e = call(2, addr(m)+page-2, 0, 0)
		if e != syscall.EFAULT && e != syscall.ENOENT && e != syscall.ENAMETOOLONG {
			fmt.Println("open", n, e)
		}
	}
	stop.Store(true)
	<-done
	fmt.Println("raced")
}

func main() {
	two = anonymous(2*page, syscall.PROT_READ|syscall.PROT_WRITE)
	call(syscall.SYS_MUNMAP, addr(two)+page, page)
	edge = addr(two) + page - 1
	none = addr(anonymous(page, syscall.PROT_NONE))
	ro = addr(anonymous(page, syscall.PROT_READ))
	dir, err := os.MkdirTemp("", "usermem")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	pointers(dir)
	halves(dir)
	races(dir, 300)
}
