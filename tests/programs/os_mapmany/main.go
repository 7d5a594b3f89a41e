// Thousands of mappings, made and undone in random order, and what each page's rights are then.
package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"os"
	"syscall"
	"unsafe"
)

const (
	page  = 4096
	pages = 12000
	gone  = 8 // no mapping
)

var (
	base uintptr
	want [pages]uint8
)

func sys(num uintptr, a ...uintptr) (uintptr, syscall.Errno) {
	var b [6]uintptr
	copy(b[:], a)
	r, _, e := syscall.Syscall6(num, b[0], b[1], b[2], b[3], b[4], b[5])
	return r, e
}

// change makes one random change to the pages [lo, lo+n), and to what is wanted of them.
func change(r *rand.Rand, lo, n int) {
	at, size := base+uintptr(lo)*page, uintptr(n)*page
	prot := []uint8{1, 3, 0}[r.Intn(3)]
	var e syscall.Errno
	switch r.Intn(4) {
	case 0:
		_, e = sys(11, at, size)
		prot = gone
	case 1: // in a place of its own, whatever was there
		_, e = sys(9, at, size, uintptr(prot), 0x4032, ^uintptr(0), 0)
	default:
		_, e = sys(10, at, size, uintptr(prot))
		for i := lo; i < lo+n; i++ { // up to a hole
			if want[i] == gone {
				n = i - lo
				if e != syscall.ENOMEM {
					fmt.Println("mprotect over a hole:", e)
				}
				e = 0
				break
			}
		}
	}
	if e != 0 {
		fmt.Println("change of", n, "pages:", e)
		os.Exit(1)
	}
	for i := lo; i < lo+n; i++ {
		want[i] = prot
	}
}

// compare reads /proc/self/maps and counts the pages that are not as they should be.
func compare(what string) {
	var have [pages]uint8
	for i := range have {
		have[i] = gone
	}
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var lo, hi uintptr
		var rights string
		fmt.Sscanf(s.Text(), "%x-%x %s", &lo, &hi, &rights)
		var prot uint8
		for i, c := range rights[:3] {
			if c != '-' {
				prot |= 1 << i
			}
		}
		for at := max(lo, base); at < min(hi, base+pages*page); at += page {
			have[(at-base)/page] = prot
		}
	}
	wrong := 0
	for i := range have {
		if have[i] != want[i] {
			wrong++
		}
	}
	fmt.Println(what, "wrong pages:", wrong)
}

// touched writes every page that may be written, and reads it back.
func touched() {
	n, bad := 0, 0
	for i := range want {
		if want[i] == 3 {
			p := (*int)(unsafe.Pointer(base + uintptr(i)*page))
			*p = i
			n++
		}
	}
	for i := range want {
		if want[i] == 3 && *(*int)(unsafe.Pointer(base + uintptr(i)*page)) != i {
			bad++
		}
	}
	fmt.Println("written:", n, "wrong:", bad)
}

func main() {
	base, _ = sys(9, 0, pages*page, 3, 0x4022, ^uintptr(0), 0)
	for i := range want {
		want[i] = 3
	}
	r := rand.New(rand.NewSource(1))
	for _, i := range r.Perm(pages / 2) { // a mapping for each page
		if _, e := sys(10, base+uintptr(2*i)*page, page, 1); e != 0 {
			fmt.Println("mprotect", e)
			return
		}
		want[2*i] = 1
	}
	compare("every other page:")
	touched()
	for i := 0; i < 3000; i++ {
		change(r, r.Intn(pages-64), 1+r.Intn(64))
	}
	compare("3000 changes:")
	touched()
	for i := 0; i < 20; i++ {
		change(r, r.Intn(pages/2), 1+r.Intn(pages/2))
	}
	compare("large changes:")
	_, e := sys(11, base, pages*page)
	for i := range want {
		want[i] = gone
	}
	compare("the end:")
	fmt.Println(e)
}
