// Connections inside this machine that come and go, round after round: what the last rounds leave
// behind is no more than what the first did.
//
//	net_churn [-rounds N] [-each CONNECTIONS] [-v]
//
// With -v there is a line for each round; tests/tap/guest counts instructions between them.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	rounds = flag.Int("rounds", 10, "how many")
	each   = flag.Int("each", 150, "connections of each kind in a round")
	loud   = flag.Bool("v", false, "a line for each round")
)

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// A kind makes connections; each is closed by both ends when it returns.
type kind struct {
	name string
	once func(w *world)
}

type world struct {
	listener map[string]net.Listener
	buffer   []byte
}

// serve answers a byte with a byte until the client ends, or goes without a word.
func serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			b := make([]byte, 64)
			for {
				n, err := c.Read(b)
				if err != nil {
					return
				}
				c.Write(b[:n])
			}
		}()
	}
}

func (w *world) dial(network string) net.Conn {
	l := w.listener[network]
	c, err := net.Dial(network, l.Addr().String())
	check(err)
	return c
}

func ask(w *world, network string) {
	c := w.dial(network)
	defer c.Close()
	_, err := c.Write([]byte("hello"))
	check(err)
	_, err = io.ReadFull(c, w.buffer[:5])
	check(err)
}

// abort leaves with a reset, and with bytes of both ends unread.
func abort(w *world) {
	c := w.dial("tcp4").(*net.TCPConn)
	c.Write([]byte("lost"))
	c.SetLinger(0)
	c.Close()
}

// refused finds nobody.
func refused(w *world) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	check(err)
	l.Close()
	if c, err := net.Dial("tcp4", l.Addr().String()); err == nil {
		c.Close()
	}
}

// unaccepted connections go with their listener.
func unaccepted(w *world) {
	l, err := net.Listen("tcp6", "[::1]:0")
	check(err)
	c, err := net.Dial("tcp6", l.Addr().String())
	check(err)
	c.Write([]byte("nobody reads this"))
	l.Close()
	c.Close()
}

// datagram leaves one in the queue of a socket that closes.
func datagram(w *world) {
	a, err := net.ListenPacket("udp4", "127.0.0.1:0")
	check(err)
	b, err := net.Dial("udp4", a.LocalAddr().String())
	check(err)
	for range 2 {
		b.Write([]byte("datagram"))
	}
	_, _, err = a.ReadFrom(w.buffer)
	check(err)
	b.Close()
	a.Close()
}

var kinds = []kind{
	{"tcp4", func(w *world) { ask(w, "tcp4") }}, {"tcp6", func(w *world) { ask(w, "tcp6") }},
	{"unix", func(w *world) { ask(w, "unix") }}, {"abort", abort}, {"refused", refused},
	{"unaccepted", unaccepted}, {"datagram", datagram},
}

func round(listeners map[string]net.Listener) {
	const workers = 4
	var wg sync.WaitGroup
	for i := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			w := &world{listeners, make([]byte, 64)}
			for n := i; n < *each; n += workers {
				for _, k := range kinds {
					k.once(w)
				}
			}
		}()
	}
	wg.Wait()
}

// state is what a round has left: bytes, and things.
type state struct{ heap, other, memory, files, goroutines int64 }

// memory is what of the machine's is in use, where this program is its only one.
func memory() int64 {
	if os.Getpid() != 1 {
		return 0
	}
	text, _ := os.ReadFile("/proc/meminfo")
	used := int64(0)
	for _, line := range strings.Split(string(text), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "MemTotal:":
			used += n << 10
		case "MemFree:":
			used -= n << 10
		}
	}
	return used
}

// look waits for what ends by itself, the server's goroutines, and collects.
func look(goroutines int) state {
	for goroutines > 0 && runtime.NumGoroutine() > goroutines {
		time.Sleep(time.Millisecond)
	}
	var m runtime.MemStats
	for range 3 {
		runtime.GC() // the first finds what has finalizers
	}
	runtime.ReadMemStats(&m)
	files, err := os.ReadDir("/proc/self/fd")
	check(err)
	return state{int64(m.HeapAlloc), int64(m.OtherSys), memory(), int64(len(files)),
		int64(runtime.NumGoroutine())}
}

// Bounds of what the last round may have more than the second: half a kilobyte lost with each
// connection of one kind is more, over as many rounds as there are by default.
const heapMore, memoryMore = 256 << 10, 512 << 10

func steady(first, last state) bool {
	return last.heap <= first.heap+heapMore && last.other <= first.other+memoryMore &&
		last.memory <= first.memory+memoryMore && last.files == first.files &&
		last.goroutines == first.goroutines
}

func main() {
	flag.Parse()
	dir, err := os.MkdirTemp("", "churn")
	check(err)
	defer os.RemoveAll(dir)
	listeners := map[string]net.Listener{}
	for network, addr := range map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0",
		"unix": dir + "/socket"} {
		listeners[network], err = net.Listen(network, addr)
		check(err)
		go serve(listeners[network])
	}
	goroutines := runtime.NumGoroutine()
	var first, last state
	for i := range *rounds {
		round(listeners)
		last = look(goroutines)
		if i == 1 { // the first one warms up
			first = last
		}
		if *loud {
			fmt.Println("round", i, *each*len(kinds), last.heap, last.other, last.memory, last.files)
		}
	}
	if !steady(first, last) {
		fmt.Printf("grown from %+v to %+v\n", first, last)
		os.Exit(1)
	}
	fmt.Println("steady")
}
