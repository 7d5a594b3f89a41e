// net measures the cost of requests over a network device: `net` serves, `net client ADDR ROW...`
// sends requests from outside and prints a line "BENCH row value unit" per row.
//
// The server's figures are its own CPU time (CLOCK_PROCESS_CPUTIME_ID: on gort all time in which
// the CPUs do not halt), divided by the number of operations. With QEMU's -icount a nanosecond is
// an instruction.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const size = 128

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func cpuTime() int64 {
	var t syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 2, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

// ---- the server ---------------------------------------------------------------------------------

func accept(addr string, serve func(net.Conn)) {
	l, err := net.Listen("tcp", addr)
	check(err)
	go func() {
		for {
			c, err := l.Accept()
			check(err)
			go serve(c)
		}
	}()
}

func echo(c net.Conn) {
	defer c.Close()
	b := make([]byte, 65536)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
	}
}

// source answers each line "N" with N times 64 KiB.
func source(c net.Conn) {
	defer c.Close()
	b := make([]byte, 65536)
	for s := bufio.NewScanner(c); s.Scan(); {
		n, _ := strconv.Atoi(s.Text())
		for ; n > 0; n-- {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	}
}

// sink counts the bytes it receives, and answers each 64 KiB * 16 with one byte.
func sink(c net.Conn) {
	defer c.Close()
	b := make([]byte, 65536)
	for got := 0; ; {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		for got += n; got >= 1<<20; got -= 1 << 20 {
			c.Write(b[:1])
		}
	}
}

func serve() {
	accept(":7", echo)
	accept(":8", source)
	accept(":9", sink)
	p, err := net.ListenPacket("udp", ":7")
	check(err)
	go func() {
		b := make([]byte, 65536)
		for {
			n, from, err := p.ReadFrom(b)
			check(err)
			p.WriteTo(b[:n], from)
		}
	}()
	body := []byte(strings.Repeat("x", size))
	quit := make(chan bool)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write(body) })
	http.HandleFunc("/busy", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, cpuTime()) })
	http.HandleFunc("/quit", func(w http.ResponseWriter, r *http.Request) { quit <- true })
	go func() { check(http.ListenAndServe(":80", nil)) }()
	fmt.Println("serving")
	<-quit
}

// ---- the client ---------------------------------------------------------------------------------

var host string

func dial(port string) net.Conn {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), 10*time.Second)
	check(err)
	return c
}

var control *bufio.ReadWriter

func request(rw *bufio.ReadWriter, path string) string {
	fmt.Fprintf(rw, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path)
	check(rw.Flush())
	r, err := http.ReadResponse(rw.Reader, nil)
	check(err)
	b, err := io.ReadAll(r.Body)
	check(err)
	r.Body.Close()
	return string(b)
}

func buffered(c net.Conn) *bufio.ReadWriter {
	return bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c))
}

func busy() int64 {
	n, err := strconv.ParseInt(request(control, "/busy"), 10, 64)
	check(err)
	return n
}

// spread runs one operation on n connections, which take turns or run side by side.
func spread(conns, total int, make func() func()) func(int) {
	ops := []func(){}
	for i := 0; i < conns; i++ {
		ops = append(ops, make())
	}
	return func(n int) {
		var wg sync.WaitGroup
		for _, op := range ops {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := 0; i < n/conns; i++ {
					op()
				}
			}()
		}
		wg.Wait()
	}
}

func echoOp(network string) func() func() {
	return func() func() {
		c, err := net.Dial(network, net.JoinHostPort(host, "7"))
		check(err)
		b := make([]byte, size)
		return func() {
			_, err := c.Write(b)
			check(err)
			_, err = io.ReadFull(c, b)
			check(err)
		}
	}
}

func httpOp() func() {
	rw := buffered(dial("80"))
	return func() { request(rw, "/") }
}

func newOp() func() {
	return func() {
		c := dial("80")
		request(buffered(c), "/")
		c.Close()
	}
}

func receiveOp() func() {
	c := dial("9")
	b := make([]byte, 1<<20)
	return func() {
		_, err := c.Write(b)
		check(err)
		_, err = io.ReadFull(c, b[:1])
		check(err)
	}
}

func sendOp() func() {
	c := dial("8")
	return func() {
		fmt.Fprintln(c, 16)
		_, err := io.CopyN(io.Discard, c, 1<<20)
		check(err)
	}
}

type row struct {
	name   string
	n, per int // operations; the count of each
	run    func(int)
}

func rows(total int) []row {
	return []row{
		{"echo_1", total, 1, spread(1, total, echoOp("tcp"))},
		{"echo_32", total, 1, spread(32, total, echoOp("tcp"))},
		{"udp_echo", total, 1, spread(1, total, echoOp("udp"))},
		{"http_1", total, 1, spread(1, total, httpOp)},
		{"http_32", total, 1, spread(32, total, httpOp)},
		{"http_new", total / 4, 1, spread(4, total, newOp)},
		{"receive_64k", total / 64, 16, spread(1, total, receiveOp)},
		{"send_64k", total / 64, 16, spread(1, total, sendOp)},
	}
}

func client(total int, names []string) {
	control = buffered(dial("80"))
	for _, r := range rows(total) {
		wanted := len(names) == 0
		for _, n := range names {
			wanted = wanted || n == r.name
		}
		if !wanted {
			continue
		}
		r.run(r.n / 10)
		none := busy()
		none = busy() - none // the cost of the question itself
		before, start := busy(), time.Now()
		r.run(r.n)
		seconds := time.Since(start).Seconds()
		ns := busy() - before - none
		fmt.Printf("BENCH %s %d ns\n", r.name, ns/int64(r.n*r.per))
		fmt.Printf("BENCH %s_rate %.0f /s\n", r.name, float64(r.n*r.per)/seconds)
	}
	fmt.Fprintf(control, "GET /quit HTTP/1.1\r\nHost: bench\r\n\r\n")
	control.Flush()
}

func main() {
	if len(os.Args) < 4 {
		serve()
		return
	}
	host = os.Args[2]
	total, err := strconv.Atoi(os.Args[3])
	check(err)
	client(total, os.Args[4:])
}
