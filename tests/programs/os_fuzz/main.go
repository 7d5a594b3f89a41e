// Random system calls with random arguments: whatever they return, the machine goes on. Calls that
// rightly end or kill a process are left out. Pointers are to memory of mmap's, so that what runs
// over an end meets nothing of the program's own, or to nowhere.
//
//	os_fuzz [calls [seed]]
package main

import (
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	page      = 4096
	arenaSize = 256 << 10
	workers   = 4
	blocked   = 3000 // calls that wait for good: more end the run early
)

var left, running atomic.Int64

// Left out: exit, kill and its like, what has the program's memory for a subject in its entirety.
var excluded = map[int]bool{60: true, 231: true, 62: true, 200: true, 234: true, 129: true, 297: true}

// Numbers that are called more often than others: those of calls that exist.
var favoured = []int{0, 1, 2, 3, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20, 22, 25, 26, 28, 32, 33, 72, 73,
	76, 77, 78, 82, 83, 84, 86, 87, 88, 89, 149, 217, 257, 263, 264, 265, 267, 280, 285, 289, 290, 292, 295,
	296, 302, 316, 318, 332}

var terminal = []uintptr{0x5401, 0x5402, 0x5403, 0x5404, 0x5409, 0x540a, 0x540b, 0x540c, 0x540f, 0x5410, 0x5413,
	0x5414, 0x541b, 0x5421, 0x5422, 0x5424, 0x5429, 0x5441, 0x80045430, 0x40045431, 0x80045432, 0x40045436,
	0x80045439, 0x802c542a, 0x402c542b, 0x402c542d}

type fuzzer struct {
	r      *rand.Rand
	arena  uintptr
	source int // a file of small structures and names, for the arena
	maps   [][2]uintptr
}

var names = []string{"a", "b", "d/c", "d", "../fz/a", ".", "", "/", "/dev/zero", "/dev/null", "/dev/full",
	"/dev/urandom", "/proc/self/fd", "/proc/self/maps", "/proc/meminfo", "link", "loop", "fifo", "d/../d/x",
	"/proc/self/fd/9", "/dev/ptmx", "/dev/stdin", "a/", "nosuch/x"}

// The arena's contents: names, vectors, times, descriptors, random words.
func (f *fuzzer) contents() []byte {
	b := make([]byte, 16<<10)
	f.r.Read(b[8<<10:])
	at := 0
	for _, n := range names {
		at += copy(b[at:], n+"\x00")
		at = (at + 15) &^ 15
	}
	words := unsafe.Slice((*uint64)(unsafe.Pointer(&b[2048])), 512)
	for i := range words {
		words[i] = uint64(f.value())
	}
	return b
}

func (f *fuzzer) setUp() {
	m, err := syscall.Mmap(-1, 0, arenaSize+2*page, 3, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return
	}
	f.arena = uintptr(unsafe.Pointer(&m[0])) + page
	syscall.Syscall(syscall.SYS_MPROTECT, f.arena-page, page, 0)
	syscall.Syscall(syscall.SYS_MPROTECT, f.arena+arenaSize, page, 0)
	syscall.Syscall(syscall.SYS_PREAD64, uintptr(f.source), f.arena, 16<<10)
}

func (f *fuzzer) pointer() uintptr {
	switch f.r.Intn(12) {
	case 0:
		return 0
	case 1:
		return uintptr(f.r.Uint64())
	case 2:
		return []uintptr{8, 1 << 47, 0xffff800000000000, 0xffffffff80000000, ^uintptr(0) - 20, 0xfee00000}[f.r.Intn(6)]
	case 3:
		return f.arena + arenaSize - uintptr(f.r.Intn(64))
	case 4:
		return f.arena - uintptr(f.r.Intn(64))
	case 5:
		if len(f.maps) > 0 {
			return f.maps[f.r.Intn(len(f.maps))][0]
		}
	case 6:
		return f.arena + uintptr(f.r.Intn(arenaSize/page))*page
	case 7, 8:
		return f.arena + uintptr(f.r.Intn(32))*16 // mostly a name
	}
	return f.arena + 2048 + uintptr(f.r.Intn(512))*8
}

func (f *fuzzer) value() uintptr {
	switch f.r.Intn(14) {
	case 0, 1, 2:
		return uintptr(f.r.Intn(12))
	case 3, 4, 5:
		return uintptr(3 + f.r.Intn(60)) // a descriptor
	case 6:
		return uintptr(f.r.Intn(5)) * page
	case 7:
		return 1 << f.r.Intn(64)
	case 8:
		return 1<<f.r.Intn(64) - 1
	case 9:
		return []uintptr{^uintptr(0), ^uintptr(99), 1 << 63, 1<<63 - 1, 1 << 31, 1<<31 - 1, 0xfffff000}[f.r.Intn(7)]
	case 10:
		return uintptr(f.r.Intn(arenaSize))
	default:
		return f.pointer()
	}
}

// place is where a mapping may be wanted: free addresses, taken ones, some of each.
func (f *fuzzer) place() uintptr {
	base := []uintptr{0x200000000000, 0x10000000, 0x60000000, 0x7ffffff00000, 0x10000}[f.r.Intn(5)]
	return base + uintptr(f.r.Intn(64))*page
}

func (f *fuzzer) mapping(a *[6]uintptr) {
	kind := []uintptr{0x22, 0x22, 0x21, 0x62, 0x32, 0x100022, 0x4022, 1, 2, 0x12}[f.r.Intn(10)]
	a[0], a[1] = f.place(), uintptr(1+f.r.Intn(40))*page
	a[2], a[3], a[4], a[5] = uintptr(f.r.Intn(8)), kind, uintptr(3+f.r.Intn(20)), uintptr(f.r.Intn(3))*page
	if kind&0x10 == 0 && f.r.Intn(2) == 0 {
		a[0] = 0
	}
}

func (f *fuzzer) remapping(a *[6]uintptr) {
	a[0] = f.place()
	if len(f.maps) > 0 && f.r.Intn(4) > 0 {
		a[0] = f.maps[f.r.Intn(len(f.maps))][0] + uintptr(f.r.Intn(2))*page
	}
	a[1], a[2] = uintptr(1+f.r.Intn(20))*page, uintptr(1+f.r.Intn(40))*page
	a[3], a[4] = uintptr(f.r.Intn(8)), f.place()
	if f.r.Intn(2) == 0 {
		a[2] = a[1]
	}
}

func (f *fuzzer) call() {
	num := f.r.Intn(470)
	if f.r.Intn(4) > 0 {
		num = favoured[f.r.Intn(len(favoured))]
	}
	if f.r.Intn(1000) == 0 {
		num = int(f.value())
	}
	if excluded[num] {
		return
	}
	var a [6]uintptr
	for i := range a {
		a[i] = f.value()
	}
	if fd := int32(a[0]); fd >= 0 && fd < 3 {
		a[0] += 3 // standard output is this program's alone
	}
	switch num {
	case 9: // not all memory at once; mostly flags that mean something
		a[1] %= 1 << 20
		if f.r.Intn(4) > 0 {
			f.mapping(&a)
		}
	case 16: // of a terminal, but for what would end the program when one hangs up
		if f.r.Intn(3) > 0 {
			a[1] = terminal[f.r.Intn(len(terminal))]
		}
	case 25:
		if f.r.Intn(3) > 0 {
			f.remapping(&a)
		}
	case 149:
		a[1] %= 1 << 20
	case 35, 230, 7, 271: // sometimes an end in sight
		if f.r.Intn(2) == 0 {
			a[2] = 1
		}
	case 3, 32, 33, 292: // standard output stays
		if fd := int32(a[1]); fd >= 0 && fd < 3 {
			return
		}
	}
	r, _, e := syscall.Syscall6(uintptr(num), a[0], a[1], a[2], a[3], a[4], a[5])
	if num == 9 && e == 0 {
		f.maps = append(f.maps, [2]uintptr{r, a[1]})
	}
	if num == 25 && e == 0 {
		f.maps = append(f.maps, [2]uintptr{r, a[2]})
	}
}

func (f *fuzzer) cleanUp() {
	for _, m := range f.maps {
		syscall.Syscall(syscall.SYS_MUNMAP, m[0], m[1], 0)
	}
	f.maps = nil
	syscall.Syscall(syscall.SYS_MUNMAP, f.arena-page, arenaSize+2*page, 0)
	limit := syscall.Rlimit{Cur: 65536, Max: 65536}
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	os.Chdir("/tmp/fz")
	for _, n := range []string{"a", "b", "d/c", "d/x"} {
		os.Remove(n)
	}
	for fd := 40; fd < 200; fd++ {
		syscall.Close(fd)
	}
	files()
}

func files() {
	os.MkdirAll("/tmp/fz/d", 0o777)
	os.Chdir("/tmp/fz")
	os.WriteFile("a", make([]byte, 10000), 0o666)
	os.Symlink("a", "link")
	os.Symlink("loop", "loop")
	syscall.Mkfifo("fifo", 0o666)
	for i := range 6 {
		syscall.Open([]string{"a", "d", "/dev/zero", "fifo", "/dev/urandom", "b"}[i],
			[]int{syscall.O_RDWR | syscall.O_CREAT, 0, syscall.O_RDWR, syscall.O_RDWR, 0,
				syscall.O_RDWR | syscall.O_CREAT | syscall.O_APPEND}[i], 0o666)
	}
	var p [2]int
	syscall.Pipe(p[:])
	syscall.Syscall(290, 5, 0, 0)
	m, _ := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NONBLOCK, 0)
	locked := 0
	syscall.Syscall(16, uintptr(m), 0x40045431, uintptr(unsafe.Pointer(&locked)))
	syscall.Syscall(16, uintptr(m), 0x5441, syscall.O_RDWR|syscall.O_NONBLOCK)
}

// run makes calls until none are left; beat shows that it is alive.
func (f *fuzzer) run(beat *atomic.Int64) {
	var name = fmt.Sprintf("/tmp/source%d", f.r.Int63())
	os.WriteFile(name, f.contents(), 0o600)
	fd, _ := syscall.Open(name, 0, 0)
	high, _, _ := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD, 500)
	f.source = int(high)
	syscall.Close(fd)
	os.Remove(name)
	for left.Load() > 0 && beat.Load() >= 0 {
		f.setUp()
		for range 100 {
			if left.Add(-1) < 0 || beat.Add(1) < 0 {
				return
			}
			f.call()
		}
		f.cleanUp()
	}
}

func main() {
	calls, seed := int64(4000), int64(1)
	if len(os.Args) > 1 {
		calls, _ = strconv.ParseInt(os.Args[1], 10, 64)
	}
	if len(os.Args) > 2 {
		seed, _ = strconv.ParseInt(os.Args[2], 10, 64)
	}
	left.Store(calls)
	files()
	var wg sync.WaitGroup
	start := func(seed int64) *atomic.Int64 {
		beat := new(atomic.Int64)
		wg.Add(1)
		go func() {
			defer wg.Done()
			(&fuzzer{r: rand.New(rand.NewSource(seed))}).run(beat)
		}()
		return beat
	}
	var beats [workers]*atomic.Int64
	var seen [workers]int64
	for i := range beats {
		beats[i] = start(seed<<16 + int64(i))
	}
	for waits := 0; left.Load() > 0 && waits < blocked; {
		time.Sleep(5 * time.Millisecond)
		for i := range beats {
			if n := beats[i].Load(); n == seen[i] && left.Load() > 0 { // it is blocked: another takes its place
				waits++
				beats[i].Add(-1 << 40)
				beats[i] = start(seed<<16 + int64(workers+waits))
			}
			seen[i] = beats[i].Load()
		}
	}
	fmt.Fprintln(os.Stderr, calls-left.Load(), "calls")
	fmt.Println("still here")
	os.Exit(0)
}
