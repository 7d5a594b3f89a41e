// Hash functions: equal data have equal hashes wherever they lie, each bit and the length count, and no byte
// beyond the data is read. (Map keys of 4 and 8 bytes, strings and others each have a function.)
package main

import (
	"fmt"
	"hash/maphash"
	"syscall"
	"unsafe"
)

const longest = 300

// edges returns two times n bytes: the one ends where memory ends, the other begins where it begins.
func edges() (mem []byte, end, begin int) {
	const page = 4096
	mem, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	syscall.Mprotect(mem[:page], syscall.PROT_NONE)
	syscall.Mprotect(mem[2*page:], syscall.PROT_NONE)
	return mem, 2 * page, page
}

func bytes(wrong *int) {
	seed := maphash.MakeSeed()
	mem, end, begin := edges()
	data := make([]byte, longest+16)
	for i := range data {
		data[i] = byte(i*7 + 1)
	}
	seen := map[uint64]string{}
	for n := 0; n <= longest; n++ {
		h := maphash.Bytes(seed, data[:n])
		a, b := mem[end-n:end], mem[begin:begin+n]
		copy(a, data)
		if maphash.Bytes(seed, a) != h || maphash.String(seed, unsafe.String(unsafe.SliceData(a), n)) != h {
			*wrong++
		}
		copy(b, data)
		shifted := append(make([]byte, n%16), data[:n]...)[n%16:]
		if maphash.Bytes(seed, b) != h || maphash.Bytes(seed, shifted) != h {
			*wrong++
		}
		note := func(h uint64, what string) {
			if other, ok := seen[h]; ok {
				fmt.Println("equal hashes:", what, "and", other)
			}
			seen[h] = what
		}
		note(h, fmt.Sprint(n, " bytes"))
		for bit := 0; bit < 8*n; bit++ {
			b[bit/8] ^= 1 << (bit % 8)
			note(maphash.Bytes(seed, b), fmt.Sprint(n, " bytes, bit ", bit))
			b[bit/8] ^= 1 << (bit % 8)
		}
	}
	zero := make([]byte, longest)
	for n := 2; n <= longest; n++ {
		h := maphash.Bytes(seed, zero[:n])
		if other, ok := seen[h]; ok {
			fmt.Println("equal hashes:", n, "zeros and", other)
		}
		seen[h] = fmt.Sprint(n, " zeros")
	}
}

// keys: that many distinct keys spread over what a map has, and are found.
func keys[K comparable](what string, key func(i int) K) {
	const n = 20000
	seed := maphash.MakeSeed()
	m, hashes := map[K]int{}, map[uint64]bool{}
	low := [256]int{}
	for i := range n {
		k := key(i)
		m[k] = i
		h := maphash.Comparable(seed, k)
		hashes[h] = true
		low[h&255]++
	}
	missing, most := 0, 0
	for i := range n {
		if m[key(i)] != i {
			missing++
		}
	}
	for _, c := range low {
		most = max(most, c)
	}
	fmt.Println(what, len(m), "keys,", missing, "missing,", n-len(hashes), "equal hashes, even:",
		most < 2*n/256)
}

func main() {
	wrong := 0
	bytes(&wrong)
	fmt.Println("wrong:", wrong)
	keys("int", func(i int) int { return i })
	keys("int << 40", func(i int) int { return i << 40 })
	keys("uint32", func(i int) uint32 { return uint32(i) })
	keys("uint32 << 12", func(i int) uint32 { return uint32(i) << 12 })
	keys("string", func(i int) string { return fmt.Sprint("key ", i) })
	keys("array", func(i int) [24]byte { return [24]byte{5: byte(i), 19: byte(i >> 8)} })
	keys("interface", func(i int) any { return i })
	keys("struct", func(i int) struct {
		a string
		b float64
	} {
		return struct {
			a string
			b float64
		}{fmt.Sprint(i / 100), float64(i % 100)}
	})
}
