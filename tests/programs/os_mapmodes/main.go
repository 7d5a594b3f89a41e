// Ways to map memory: addresses that the program wants, low ones, mremap to an address, ranges that
// are long, and what /proc says of them.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

const (
	rw          = syscall.PROT_READ | syscall.PROT_WRITE
	anon        = syscall.MAP_ANON | syscall.MAP_PRIVATE
	fixed       = 0x10
	low         = 0x40
	noReserve   = 0x4000
	noReplace   = 0x100000
	mayMove     = 1
	mremapFixed = 2
	dontUnmap   = 4
	page        = 4096
	mib         = 1 << 20
	place       = 0x200000000000
	other       = 0x300000000000
)

func mmap(at, n uintptr, prot, flags int) (uintptr, syscall.Errno) {
	p, _, e := syscall.Syscall6(syscall.SYS_MMAP, at, n, uintptr(prot), uintptr(flags), ^uintptr(0), 0)
	return p, e
}

func munmap(at, n uintptr) syscall.Errno {
	_, _, e := syscall.Syscall(syscall.SYS_MUNMAP, at, n, 0)
	return e
}

func mremap(at, old, size, flags, to uintptr) (uintptr, syscall.Errno) {
	p, _, e := syscall.Syscall6(syscall.SYS_MREMAP, at, old, size, flags, to, 0)
	return p, e
}

func at(p uintptr) *byte { return (*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&p))) }

func places() {
	p, e := mmap(place, 16*page, rw, anon|fixed)
	fmt.Println("fixed:", p == place, e)
	*at(p), *at(p + 15*page) = 1, 2
	p, e = mmap(place+page, page, rw, anon|noReplace)
	fmt.Println("no replace:", e)
	p, e = mmap(place+4*page, 2*page, syscall.PROT_READ, anon|fixed)
	fmt.Println("replaced:", p == place+4*page, e, *at(place), *at(place + 15*page), *at(p))
	p, e = mmap(place+20*page, page, rw, anon|noReplace)
	fmt.Println("free:", p == place+20*page, e)
	p, e = mmap(place+40*page, page, rw, anon)
	fmt.Println("hint:", p == place+40*page, e)
	p, e = mmap(place+50*page+5, page, rw, anon)
	fmt.Println("hint within a page:", p == place+50*page, e)
	p, e = mmap(place, page, rw, anon)
	fmt.Println("hint that is taken:", p != place, e)
	p, e = mmap(place+100*page, page, rw, anon|fixed|noReplace)
	fmt.Println("both:", p == place+100*page, e)
	p, e = mmap(0x10000000, 3*page, rw, anon|fixed)
	fmt.Println("fixed, low:", p == 0x10000000, e)
	*at(p + 2*page) = 9
	p, e = mmap(0, mib, rw, anon|low)
	fmt.Println("32bit:", p < 1<<31, e)
	*at(p) = 1
	p, e = mmap(0x60000000, page, rw, anon|low)
	fmt.Println("32bit hint:", p == 0x60000000, e)
	p, e = mmap(0x7ffffffff000-page, 2*page, rw, anon|fixed)
	fmt.Println("too high:", e)
	p, e = mmap(place+1, page, rw, anon|fixed)
	fmt.Println("unaligned:", e)
	fmt.Println(munmap(place, 200*page), munmap(0x10000000, 3*page), munmap(0x60000000, page))
	p, e = mmap(place, page, rw, anon|noReplace)
	fmt.Println("free again:", p == place, e, *at(p))
	munmap(place, page)
}

func moves() {
	src, _ := mmap(place, 8*page, rw, anon|fixed)
	for i := uintptr(0); i < 8; i++ {
		*at(src + i*page) = byte(i + 1)
	}
	_, e := mremap(src, page, page, mremapFixed, other)
	fmt.Println("fixed without may move:", e)
	_, e = mremap(src, 2*page, 2*page, mayMove|mremapFixed, src+page)
	fmt.Println("overlap:", e)
	_, e = mremap(src, page, page, mayMove|8, 0)
	fmt.Println("unknown flag:", e)
	mmap(other, 4*page, rw, anon|fixed)
	p, e := mremap(src, 4*page, 4*page, mayMove|mremapFixed, other)
	fmt.Println("over another:", p == other, e, *at(p), *at(p + 3*page))
	_, e = mremap(src, page, page, 0, 0)
	fmt.Println("gone:", e)
	p, e = mremap(src+4*page, 4*page, 2*page, mayMove|mremapFixed, other+16*page)
	fmt.Println("shorter:", p == other+16*page, e, *at(p), *at(p + page))
	p, e = mremap(other, 4*page, 6*page, 0, 0)
	fmt.Println("grows in place:", p == other, e, *at(p + 3*page), *at(p + 5*page))
	mmap(other+6*page, page, rw, anon|fixed)
	_, e = mremap(other+page, 5*page, 8*page, 0, 0)
	fmt.Println("no room:", e)
	p, e = mremap(other+page, 5*page, 8*page, mayMove, 0)
	fmt.Println("moved:", p != other+page, e, *at(p), *at(p + 2*page), *at(p + 7*page), *at(other))
	_, e = mremap(p, 2*page, 3*page, mayMove|dontUnmap, 0)
	fmt.Println("sizes differ:", e)
	q, e := mremap(p, 2*page, 2*page, mayMove|dontUnmap, 0)
	fmt.Println("both stay:", q != p, e, *at(q), *at(q + page), *at(p), *at(p + page), *at(p + 2*page))
	q, e = mremap(q, 2*page, 2*page, mayMove|dontUnmap|mremapFixed, place)
	fmt.Println("to an address:", q == place, e, *at(q))
	munmap(place, 64*page)
	munmap(other, 64*page)
	munmap(p, 8*page)
}

// long: every page keeps its byte; the others are zeroes.
func long() {
	const size = 96 * mib
	p, _ := mmap(place, size, rw, anon|fixed)
	for i := uintptr(0); i < size; i += 64 * page {
		*at(p + i + 7) = byte(i>>18) | 1
	}
	right := func(p uintptr) bool {
		for i := uintptr(0); i < size; i += 64 * page {
			if *at(p + i + 7) != byte(i>>18)|1 || *at(p + i + 5*page) != 0 {
				return false
			}
		}
		return true
	}
	_, _, e := syscall.Syscall(syscall.SYS_MPROTECT, p, size, syscall.PROT_READ)
	fmt.Println("mprotect:", e, right(p))
	q, e := mremap(p, size, size, mayMove|mremapFixed, other+5*page)
	fmt.Println("mremap:", q == other+5*page, e, right(q))
	_, _, e = syscall.Syscall(syscall.SYS_MPROTECT, q, size, 0)
	q, e1 := mremap(q, size, size, mayMove|mremapFixed, place+2*mib)
	_, _, e2 := syscall.Syscall(syscall.SYS_MPROTECT, q, size, rw)
	fmt.Println("without rights:", e, e1, e2, right(q))
	*at(q) = 1
	_, _, e = syscall.Syscall(syscall.SYS_MLOCK, q, 40*mib, 0)
	_, _, e1 = syscall.Syscall(syscall.SYS_MUNLOCK, q, 40*mib, 0)
	fmt.Println("mlock:", e, e1)
	_, _, e = syscall.Syscall(syscall.SYS_MADVISE, q, size/2, syscall.MADV_DONTNEED)
	fmt.Println("dontneed:", e, *at(q + 7), *at(q + size/2 + 7))
	fmt.Println("munmap:", munmap(q+page, size), munmap(q, page))
	r, e := mmap(0, 1<<40, 0, anon|noReserve)
	_, _, e1 = syscall.Syscall(syscall.SYS_MPROTECT, r+1<<39, 2*mib, rw)
	*at(r + 1<<39) = 1
	fmt.Println("a terabyte:", e, e1, munmap(r, 1<<40))
}

// figures of the area that has p, of /proc/self/smaps.
func smaps(p uintptr) map[string]string {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		fmt.Println(err)
		return nil
	}
	defer f.Close()
	var lo, hi uintptr
	found := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		var a, b uintptr
		if n, _ := fmt.Sscanf(s.Text(), "%x-%x ", &a, &b); n == 2 {
			lo, hi = a, b
			if p >= lo && p < hi {
				found["line"] = strings.Join(strings.Fields(s.Text())[:5], " ")
			}
			continue
		}
		if p >= lo && p < hi {
			k, v, _ := strings.Cut(s.Text(), ":")
			found[k] = strings.TrimSpace(v)
		}
	}
	return found
}

func proc() {
	p, _ := mmap(place, 16*mib, rw, anon|fixed)
	syscall.Syscall(syscall.SYS_MADVISE, p, 16*mib, 15) // no huge pages
	for i := uintptr(0); i < mib; i++ {
		*at(p + 4*mib + i) = 1
	}
	m := smaps(p)
	fmt.Println(m["line"])
	fmt.Println(m["Size"], m["Rss"], m["Pss"], m["Private_Dirty"], m["Anonymous"], m["Swap"], m["KernelPageSize"])
	fmt.Println(strings.HasPrefix(m["VmFlags"], "rd wr mr mw me"))
	mmap(place+20*mib, 2*page, syscall.PROT_READ|syscall.PROT_EXEC, anon|fixed|0)
	m = smaps(place + 20*mib)
	fmt.Println(m["line"], m["Rss"])
	b, err := os.ReadFile("/proc/self/smaps_rollup")
	fmt.Println(err, strings.Contains(string(b), "[rollup]\nRss:"), strings.Contains(string(b), "\nPss:"))
	b, _ = os.ReadFile("/proc/self/maps")
	last, sorted, heap := uintptr(0), true, false
	local := uintptr(unsafe.Pointer(new([1 << 16]byte)))
	for line := range strings.Lines(string(b)) {
		var lo, hi uintptr
		fmt.Sscanf(line, "%x-%x ", &lo, &hi)
		sorted = sorted && lo >= last && lo < hi
		heap = heap || local >= lo && local < hi
		last = hi
	}
	fmt.Println("sorted:", sorted, "heap:", heap)
}

func main() {
	places()
	moves()
	long()
	proc()
}
