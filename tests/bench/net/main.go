// net measures what the network costs: `net` serves; `net client ADDR N ROW...` asks it from another
// machine, has it run the rows that stay within the machine, and prints "BENCH row value unit" lines.
// scripts/bench-net says what the rows are.
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
)

const size = 128 // bytes of a message

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

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
	b := make([]byte, 512)
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

// fileSource answers as source does, from a file: by sendfile.
func fileSource(c net.Conn) {
	defer c.Close()
	f, err := os.CreateTemp("/", "source") // a Linux guest has no /tmp
	check(err)
	defer f.Close()
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, 1<<20))
	check(err)
	for s := bufio.NewScanner(c); s.Scan(); {
		n, _ := strconv.ParseInt(s.Text(), 10, 64)
		f.Seek(0, io.SeekStart)
		if _, err := io.CopyN(c, f, n<<16); err != nil {
			return
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

func udpEcho() {
	p, err := net.ListenPacket("udp", ":7")
	check(err)
	b := make([]byte, 65536)
	for {
		n, from, err := p.ReadFrom(b)
		check(err)
		p.WriteTo(b[:n], from)
	}
}

func serve() {
	accept(":7", echo)
	accept(":8", source)
	accept(":9", sink)
	accept(":10", fileSource)
	go udpEcho()
	body := []byte(strings.Repeat("x", size))
	quit := make(chan bool)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write(body) })
	http.HandleFunc("/free", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, free()) })
	http.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		b, err := os.ReadFile(r.FormValue("name"))
		if err != nil {
			http.Error(w, err.Error(), 404)
		}
		w.Write(b)
	})
	http.HandleFunc("/run", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		fmt.Fprint(w, within[r.FormValue("row")](n))
	})
	http.HandleFunc("/quit", func(w http.ResponseWriter, r *http.Request) { quit <- true })
	go func() { check(http.ListenAndServe(":80", nil)) }()
	fmt.Println("serving")
	<-quit
}

func main() {
	if len(os.Args) < 4 {
		serve()
		return
	}
	host = os.Args[2]
	total, err := strconv.Atoi(os.Args[3])
	check(err)
	if os.Args[1] == "idle" {
		idler(total, os.Args[4])
		return
	}
	client(total, os.Args[4:])
}
