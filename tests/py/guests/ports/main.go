// Much output and input, for tests/py/test_ports.py.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
)

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>8 ^ i)
	}
	return b
}

func main() {
	n, _ := strconv.Atoi(os.Args[2])
	switch os.Args[1] {
	case "write": // n KiB, and its time on stderr
		start := time.Now()
		os.Stdout.Write(pattern(n << 10))
		fmt.Fprintln(os.Stderr, time.Since(start).Milliseconds(), "ms")
	case "sum":
		h := sha256.New()
		start := time.Now()
		k, err := io.Copy(h, os.Stdin)
		fmt.Fprintln(os.Stderr, time.Since(start).Milliseconds(), "ms")
		fmt.Printf("%d %v %x\n", k, err, h.Sum(nil))
	case "others": // stdout is not read, and yet other goroutines run
		go os.Stdout.Write(pattern(n << 10))
		ticks := 0
		for range 20 {
			time.Sleep(10 * time.Millisecond)
			ticks++
		}
		fmt.Fprintln(os.Stderr, "ticks:", ticks)
	case "both": // by turns
		for i := range n {
			fmt.Fprintf(os.Stdout, "out %d, ", i)
			fmt.Fprintf(os.Stderr, "err %d\n", i)
		}
	case "mixed": // n lines from each of four goroutines, two for each stream
		var all sync.WaitGroup
		for g := range 4 {
			all.Go(func() {
				for i := range n {
					line := bytes.Repeat([]byte{"abcd"[g]}, i*37%4096+1)
					line[len(line)-1] = '\n'
					[]*os.File{os.Stdout, os.Stderr}[g%2].Write(line)
				}
			})
		}
		all.Wait()
	case "panic": // while stderr is not read
		go os.Stderr.Write(bytes.Repeat([]byte("x"), n<<10))
		time.Sleep(500 * time.Millisecond)
		panic("while stderr is full")
	}
}
