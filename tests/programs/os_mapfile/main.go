// A file and its mappings are one memory; pages come when they are touched.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"unsafe"
)

const (
	rw = syscall.PROT_READ | syscall.PROT_WRITE
	ro = syscall.PROT_READ
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What touching the byte does: its value, or the panic.
func touch(m []byte, i int) (r any) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if e := recover(); e != nil {
			_, addr := e.(interface{ Addr() uintptr })
			r = fmt.Sprint("fault ", addr && e.(interface{ Addr() uintptr }).Addr() ==
				uintptr(unsafe.Pointer(&m[i])))
		}
	}()
	return m[i]
}

func shared(f *os.File) {
	fd := int(f.Fd())
	m := must(syscall.Mmap(fd, 0, 1<<20, rw, syscall.MAP_SHARED))
	other := must(syscall.Mmap(fd, 4096, 8192, ro, syscall.MAP_SHARED))
	fmt.Println(touch(m, 0), touch(other, 0), touch(m, 4096))
	f.WriteAt([]byte("written"), 4094)
	fmt.Printf("%q %q\n", m[4094:4101], other[:5])
	copy(m[4096:], "mapped")
	b := make([]byte, 8)
	f.ReadAt(b, 4094)
	fmt.Printf("%q %q\n", b, other[:6])

	f.Truncate(40960)
	copy(m[40900:], "end")
	fmt.Println(touch(m, 40959), touch(m, 40960), touch(other, 4096))
	m[6000] = 1
	f.Truncate(5000)
	fmt.Println(touch(m, 4999), touch(m, 5000), touch(m, 8192))
	m[5500] = 7 // behind the end
	f.Truncate(6001)
	fmt.Println(touch(m, 5500), touch(m, 6000), touch(m, 8191), touch(m, 8192))
	os.Truncate(f.Name(), 0)
	fmt.Println(touch(m, 0), touch(other, 0))
	f.WriteAt([]byte("again"), 0)
	fmt.Printf("%q\n", m[:5])
	// The file goes, the mapping stays.
	f.Close()
	os.Remove(f.Name())
	fmt.Printf("%q\n", m[:5])
	fmt.Println(syscall.Munmap(m), syscall.Munmap(other))
}

func private(f *os.File) {
	f.WriteString("private pages")
	m := must(syscall.Mmap(int(f.Fd()), 0, 4096, rw, syscall.MAP_PRIVATE))
	copy(m, "PRIVATE")
	b := must(os.ReadFile(f.Name()))
	fmt.Printf("%q %q\n", m[:13], b)
	fmt.Println(syscall.Munmap(m))
}

func protections() {
	m := must(syscall.Mmap(-1, 0, 1<<20, rw, syscall.MAP_ANON|syscall.MAP_PRIVATE))
	copy(m[4096:], "kept")
	fmt.Println(syscall.Mprotect(m[4096:8192], syscall.PROT_NONE), touch(m, 4095), touch(m, 4096),
		touch(m, 8192))
	fmt.Println(syscall.Mprotect(m, ro), touch(m, 4096), touch(m, 1<<19))
	func() {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() { fmt.Println(recover() != nil) }()
		m[4097] = 1
	}()
	fmt.Println(syscall.Mprotect(m[:8192], rw))
	m[4100]++
	fmt.Printf("%q\n", m[4096:4102])
	fmt.Println(syscall.Madvise(m, syscall.MADV_DONTNEED), touch(m, 4096), touch(m, 1<<19))
	fmt.Println(syscall.Munmap(m))
}

// Much more address space than memory, and a buffer that no page is there for yet.
func sparse() {
	m := must(syscall.Mmap(-1, 0, 16<<30, rw, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE))
	for i := 0; i < len(m); i += 1 << 30 {
		m[i+12345] = byte(i >> 30)
	}
	sum := 0
	for i := 0; i < len(m); i += 1 << 30 {
		sum += int(m[i+12345]) + int(m[i+4096*100])
	}
	fmt.Println(sum)
	n, err := syscall.Read(must(syscall.Open("/dev/zero", 0, 0)), m[1<<25:1<<25+10000])
	fmt.Println(n, err)
	in, out, _ := os.Pipe()
	go out.Write(append(m[1<<26:1<<26+5:1<<26+5], "x"...))
	k, err := in.Read(m[1<<27 : 1<<27+100])
	fmt.Println(m[1<<27:1<<27+k], err)

	// All CPUs touch the same pages for the first time.
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := g; i < 64<<20; i += 1024 {
				m[3<<29+i]++
				if i>>18&15 == g {
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	fmt.Println(bytes.Count(m[3<<29:3<<29+64<<20], []byte{1}))
	fmt.Println(syscall.Munmap(m))
}

func main() {
	f := must(os.CreateTemp("", "shared"))
	f.Write(bytes.Repeat([]byte("."), 4100))
	shared(f)
	private(must(os.CreateTemp("", "private")))
	protections()
	sparse()
}
