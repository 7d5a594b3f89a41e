// Copies, comparisons and sums of all sizes, which the library does with vector instructions,
// verified while the CPUs are preempted. The argument says how many rounds each goroutine makes.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"strconv"
	"sync"
)

type random uint64

func (r *random) next() uint64 {
	*r ^= *r << 13
	*r ^= *r >> 7
	*r ^= *r << 17
	return uint64(*r)
}

// What the copies, sums and searches have to agree with, byte by byte.
func slowCRC(p []byte) uint32 {
	crc := ^uint32(0)
	for _, b := range p {
		crc = crc32.IEEETable[byte(crc)^b] ^ crc>>8
	}
	return ^crc
}

func slowCount(p []byte, b byte) (n int) {
	for _, x := range p {
		if x == b {
			n++
		}
	}
	return n
}

func round(r *random, src, dst []byte) string {
	n := int(r.next() % uint64(len(src)-64))
	from, to := int(r.next()%64), int(r.next()%64)
	s, d := src[from:from+n], dst[to:to+n]
	for i := range s {
		s[i] = byte(r.next() >> 20)
	}
	before := sha256.Sum256(s)
	copy(d, s)
	if !bytes.Equal(s, d) || sha256.Sum256(d) != before {
		return "copy"
	}
	if crc32.ChecksumIEEE(d) != slowCRC(s) {
		return "crc32"
	}
	b := byte(n)
	if bytes.Count(d, []byte{b}) != slowCount(s, b) {
		return "count"
	}
	if i := bytes.IndexByte(d, b); i >= 0 && (d[i] != b || bytes.IndexByte(s[:i], b) >= 0) {
		return "index"
	}
	copy(dst[to+1:], d) // overlapping
	if !bytes.Equal(dst[to+1:to+1+n], s) {
		return "overlapping copy"
	}
	clear(d)
	if slowCount(d, 0) != n {
		return "clear"
	}
	return ""
}

func main() {
	rounds := 40
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	var wg sync.WaitGroup
	for id := range 2 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			r := random(id + 1)
			src, dst := make([]byte, 6000), make([]byte, 6100)
			for i := range rounds {
				if what := round(&r, src, dst); what != "" {
					fmt.Println("goroutine", id, "round", i, "wrong:", what)
				}
			}
		})
	}
	wg.Wait()
	fmt.Println("done")
}
