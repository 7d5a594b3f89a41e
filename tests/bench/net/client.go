package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var host string

// ---- what the guest has done ------------------------------------------------------------------

var counters []byte // what tests/bench/count counts, mapped

// busy returns what the guest's CPUs have done so far: instructions if QEMU counts them
// (BENCH_COUNT is the file), else nanoseconds of its threads (BENCH_PID is QEMU).
func busy() int64 {
	if path := os.Getenv("BENCH_COUNT"); path != "" && counters == nil {
		f, err := os.Open(path)
		check(err)
		counters, err = syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ, syscall.MAP_SHARED)
		check(err)
	}
	if counters != nil {
		sum := uint64(0)
		for cpu := range 64 {
			sum += binary.LittleEndian.Uint64(counters[8*cpu:])
		}
		return int64(sum)
	}
	return threads(os.Getenv("BENCH_PID"))
}

// The time of QEMU's threads that are CPUs of the guest.
func threads(pid string) int64 {
	sum := int64(0)
	tasks, _ := filepath.Glob("/proc/" + pid + "/task/*")
	for _, t := range tasks {
		name, _ := os.ReadFile(t + "/comm")
		if !strings.HasPrefix(string(name), "CPU ") {
			continue
		}
		text, err := os.ReadFile(t + "/schedstat")
		check(err)
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		check(err)
		sum += ns
	}
	return sum
}

// ---- asking -------------------------------------------------------------------------------------

func dial(port string) net.Conn {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), 60*time.Second)
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

func ask(path string) int64 {
	n, err := strconv.ParseInt(request(control, path), 10, 64)
	check(err)
	return n
}

func buffered(c net.Conn) *bufio.ReadWriter {
	return bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c))
}

// ---- rows ---------------------------------------------------------------------------------------

// One operation of n connections, which run side by side; it returns how long each took.
func spread(conns int, make func() func()) func(int) []time.Duration {
	ops := []func(){}
	return func(n int) []time.Duration {
		for len(ops) < conns {
			ops = append(ops, make())
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		all := []time.Duration{}
		for _, op := range ops {
			wg.Go(func() {
				took := []time.Duration{}
				for range n / conns {
					start := time.Now()
					op()
					took = append(took, time.Since(start))
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, took...)
			})
		}
		wg.Wait()
		return all
	}
}

func echoOp() func() {
	c := dial("7")
	b := make([]byte, size)
	return func() {
		_, err := c.Write(b)
		check(err)
		_, err = io.ReadFull(c, b)
		check(err)
	}
}

// A datagram that got lost is sent again.
func udpOp() func() {
	c, err := net.Dial("udp", net.JoinHostPort(host, "7"))
	check(err)
	b := make([]byte, size)
	return func() {
		for err := error(os.ErrDeadlineExceeded); err != nil; {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				check(err)
			}
			_, err = c.Write(b)
			check(err)
			c.SetReadDeadline(time.Now().Add(time.Second))
			_, err = c.Read(b)
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

func sendOp() func() { return sendFrom("8") }
func fileOp() func() { return sendFrom("10") }

func sendFrom(port string) func() {
	c := dial(port)
	return func() {
		fmt.Fprintln(c, 16)
		_, err := io.CopyN(io.Discard, c, 1<<20)
		check(err)
	}
}

// Connections that do nothing: of processes of their own, none of which may have too many files,
// each from one of our addresses, of which none has too many ports.
const idlersEach = 12500

var idlers []io.Closer // the processes' standard input

func idle(n int) {
	for ; n > 0; n -= idlersEach {
		c := exec.Command("/proc/self/exe", "idle", host, strconv.Itoa(min(n, idlersEach)),
			fmt.Sprintf("10.0.2.%d", 100+len(idlers)))
		c.Stderr = os.Stderr
		in, err := c.StdinPipe()
		check(err)
		out, err := c.StdoutPipe()
		check(err)
		check(c.Start())
		if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
			check(errors.New("idle connections cannot be made"))
		}
		idlers = append(idlers, in)
	}
}

func idleClose() {
	for _, c := range idlers {
		c.Close()
	}
	idlers = nil
}

// Such a process: says a byte when it has n connections, and ends with its input, not faster than
// the tap's queue takes it.
func idler(n int, from string) {
	all := make([]net.Conn, n)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			d := net.Dialer{Timeout: time.Minute, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
			for j := i; j < n; j += 32 {
				c, err := d.Dial("tcp", net.JoinHostPort(host, "7"))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				all[j] = c
			}
		})
	}
	wg.Wait()
	fmt.Print("!")
	io.Copy(io.Discard, os.Stdin)
	for i, c := range all {
		c.Close()
		if i%100 == 0 {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// Bytes that the guest uses for a connection from outside, with its goroutine.
func idleMemory(row string, n int) {
	idle(1000)
	before := ask("/free")
	idle(n - 1000)
	fmt.Printf("BENCH %s %d bytes\n", row, (before-ask("/free"))/int64(n-1000))
	idleClose()
}

type row struct {
	name   string
	n, per int // operations; what one is counted as
	run    func(int) []time.Duration
}

func rows(total int) []row {
	r := []row{
		{"echo_1", total, 1, spread(1, echoOp)},
		{"echo_32", total, 1, spread(32, echoOp)},
		{"udp_echo", total, 1, spread(1, udpOp)},
		{"http_1", total, 1, spread(1, httpOp)},
		{"http_32", total, 1, spread(32, httpOp)},
		{"http_new", total / 4, 1, spread(4, newOp)},
		{"receive_64k", total / 64, 16, spread(1, receiveOp)},
		{"send_64k", total / 64, 16, spread(1, sendOp)},
		{"file_64k", total / 64, 16, spread(1, fileOp)},
	}
	for _, name := range slices.Sorted(maps.Keys(within)) {
		n := total
		if strings.HasPrefix(name, "lo_http") || name == "lo_dial" {
			n = total / 2
		}
		r = append(r, row{name, n, 1, func(n int) []time.Duration {
			ask(fmt.Sprintf("/run?row=%s&n=%d", name, n))
			return nil
		}})
	}
	return append(r, row{"echo_32_idle", total, 1, spread(32, echoOp)})
}

func measure(r row) {
	r.run(r.n / 10) // caches are warm, stacks have grown
	before, start := busy(), time.Now()
	if path := os.Getenv("BENCH_MARK"); path != "" {
		check(mark(path, "before"))
	}
	took := r.run(r.n)
	seconds := time.Since(start).Seconds()
	spent := busy() - before
	if path := os.Getenv("BENCH_MARK"); path != "" {
		check(mark(path, fmt.Sprintf("after %d", r.n*r.per)))
	}
	fmt.Printf("BENCH %s %d per_op\n", r.name, spent/int64(r.n*r.per))
	fmt.Printf("BENCH %s_rate %.0f /s\n", r.name, float64(r.n*r.per)/seconds)
	if slices.Sort(took); len(took) > 0 {
		fmt.Printf("BENCH %s_p50 %d ns\n", r.name, took[len(took)/2])
		fmt.Printf("BENCH %s_p99 %d ns\n", r.name, took[len(took)*99/100])
	}
}

// Tells who profiles that a row begins or has ended, and waits until it has taken note.
func mark(path, word string) error {
	c, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintln(c, word)
	_, err = io.ReadFull(c, make([]byte, 1))
	return err
}

func client(total int, names []string) {
	control = buffered(dial("80"))
	for _, r := range rows(total) {
		switch {
		case !slices.Contains(names, r.name):
		case r.name == "lo_memory":
			fmt.Printf("BENCH lo_memory %d bytes\n", ask("/run?row=lo_memory&n=10000"))
		case r.name == "echo_32_idle":
			idle(10000)
			measure(r)
			idleClose()
		default:
			measure(r)
		}
	}
	if slices.Contains(names, "idle_50k") {
		idleMemory("idle_50k", 50000)
	}
	fmt.Fprintf(control, "GET /quit HTTP/1.1\r\nHost: bench\r\n\r\n")
	control.Flush()
}
