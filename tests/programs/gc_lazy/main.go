// Large objects without pointers, and variables that start as zeroes: they cost memory when they
// are touched, hold zeroes until then whatever lay there before, and count in HeapAlloc as a whole.
// Everybody may be the first to touch a page: goroutines, several at once, channels, system calls.
package main

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

const mib = 1 << 20

var (
	big      [900 * mib]byte
	pointers [60 * mib]*int
	sink     []byte
)

func check(what string, ok bool) {
	if !ok {
		fmt.Println("WRONG:", what)
	}
}

func zero(b []byte) bool {
	for len(b) >= 8 {
		if *(*uint64)(unsafe.Pointer(&b[0])) != 0 {
			return false
		}
		b = b[8:]
	}
	return true
}

// sparse makes more than the machine has, and touches little.
func sparse() {
	for _, n := range []int{256, 1024, 3000} {
		var before, after runtime.MemStats
		sink = nil
		runtime.GC()
		runtime.ReadMemStats(&before)
		sink = make([]byte, n*mib)
		runtime.ReadMemStats(&after)
		check("HeapAlloc", after.HeapAlloc-before.HeapAlloc >= uint64(n*mib))
		check("HeapInuse", after.HeapInuse >= after.HeapAlloc)
		check("Sys", after.HeapSys == after.HeapInuse+after.HeapIdle && after.HeapIdle >= after.HeapReleased)
		for i := 0; i < len(sink); i += 37 * mib {
			check("zero", sink[i] == 0)
			sink[i] = 1
		}
		for i := 0; i < len(sink); i += 37 * mib {
			check("kept", sink[i] == 1 && sink[i+1] == 0)
		}
	}
	sink = nil
	fmt.Println("sparse")
}

// reuse takes memory that others have left dirty, in part or as a whole.
func reuse() {
	for round := 0; round < 12; round++ {
		n := (3 + round) * mib
		b := make([]byte, n)
		check("reused", zero(b))
		for i := range b[:n/(1+round%3)] {
			b[i] = 0xa5
		}
		if round%4 == 3 {
			debug.FreeOSMemory()
		}
		sink = make([]byte, 5*mib)
		check("second", zero(sink))
		for i := 0; i < len(sink); i += 16384 * (1 + round%2) {
			sink[i] = 1
		}
		b = nil
		runtime.GC()
	}
	sink = nil
	fmt.Println("reuse")
}

// together: several goroutines touch the same pages at the same time.
func together() {
	for round := 0; round < 4; round++ {
		b := make([]uint32, 4*mib)
		var wg sync.WaitGroup
		for g := 0; g < 8; g++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := g; i < len(b); i += 8 {
					b[i] = uint32(i)
				}
			}()
		}
		wg.Wait()
		for i := range b {
			if b[i] != uint32(i) {
				check(fmt.Sprint("lost at ", i), false)
				break
			}
		}
	}
	fmt.Println("together")
}

type block [60000]byte

// channels: the buffer is one large object, which the runtime touches.
func channels() {
	c := make(chan block, 200)
	for i := range cap(c) {
		var b block
		b[0], b[len(b)-1] = byte(i), byte(i)
		c <- b
	}
	for i := range cap(c) {
		b := <-c
		check("channel", b[0] == byte(i) && b[len(b)-1] == byte(i) && b[1] == 0)
	}
	// Both ends in memory that nobody has touched.
	from, to := make([]block, 100), make([]block, 100)
	d := make(chan block)
	go func() {
		for i := range from {
			reflect.ValueOf(d).Send(reflect.ValueOf(&from[i]).Elem())
		}
		close(d)
	}()
	for i := range to {
		to[i] = <-d
		check("unbuffered", to[i] == block{})
	}
	fmt.Println("channels")
}

// calls: the kernel reads and writes it for system calls.
func calls() {
	b := make([]byte, 8*mib)
	f, err := os.CreateTemp("", "lazy")
	check("temp", err == nil)
	defer os.Remove(f.Name())
	n, err := f.WriteAt(b[:5*mib], 0) // never touched before
	check("write", n == 5*mib && err == nil)
	f.WriteAt([]byte("end"), 5*mib-3)
	into := make([]byte, 8*mib)
	n, err = f.ReadAt(into, 0)
	check("read", n == 5*mib && err == io.EOF && string(into[n-3:n]) == "end")
	r, w, _ := os.Pipe()
	go func() {
		w.Write(make([]byte, 2*mib))
		w.Close()
	}()
	n, err = io.ReadFull(r, into[6*mib:])
	check("pipe", n == 2*mib && err == nil)
	name := unsafe.Slice((*byte)(unsafe.Pointer(&make([]byte, 4*mib)[mib])), 100)
	copy(name, f.Name())
	var st syscall.Stat_t
	at := (*syscall.Stat_t)(unsafe.Pointer(&make([]byte, 4*mib)[2*mib]))
	_, _, e := syscall.Syscall(syscall.SYS_STAT, uintptr(unsafe.Pointer(&name[0])),
		uintptr(unsafe.Pointer(at)), 0)
	st = *at
	check("stat", e == 0 && st.Size == 5*mib)
	fmt.Println("calls")
}

// growth: append, builders and copies of large slices.
func growth() {
	var b []byte
	for i := 0; i < 9*mib; i++ {
		b = append(b, byte(i))
	}
	for i := range b {
		if b[i] != byte(i) {
			check("append", false)
			break
		}
	}
	var s strings.Builder
	s.Grow(20 * mib)
	for s.Len() < 7*mib {
		s.WriteString("0123456789abcdef")
	}
	check("builder", strings.Count(s.String(), "f0") == 7*mib/16-1)
	records := make([]runtime.MemProfileRecord, 20000)
	n, ok := runtime.MemProfile(records, true)
	check("profile", ok && n <= len(records))
	fmt.Println("growth")
}

// variables: far parts of .bss, with and without pointers.
func variables() {
	for i := 0; i < len(big); i += 100 * mib {
		check("bss", big[i] == 0)
		big[i] = byte(i / mib)
	}
	for i := 0; i < len(pointers); i += 5*mib + 77 {
		check("nil", pointers[i] == nil)
		pointers[i] = new(int)
		*pointers[i] = i
	}
	for range 3 {
		runtime.GC()
		for range 1000 {
			p := new(int)
			*p = -1
		}
	}
	for i := 0; i < len(pointers); i += 5*mib + 77 {
		check("pointer in bss", *pointers[i] == i)
	}
	for i := 0; i < len(big); i += 100 * mib {
		check("bss kept", big[i] == byte(i/mib))
	}
	fmt.Println("variables")
}

func main() {
	variables()
	sparse()
	reuse()
	together()
	channels()
	calls()
	growth()
}
