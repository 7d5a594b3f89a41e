// service is the program that tests/net.py talks to: a web service, also with TLS, a UDP echo, a
// TCP echo that handles half-closes, and a client of the host.
package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	mrand "math/rand"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// certificate makes a certificate for 127.0.0.1, the address that the host uses.
func certificate() (tls.Certificate, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gort"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	check(err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, text
}

func blob(n int, seed int64) []byte {
	b := make([]byte, n)
	mrand.New(mrand.NewSource(seed)).Read(b)
	return b
}

var requests, connections atomic.Int64

func handlers(quit chan bool, cert []byte) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		fmt.Fprintf(w, "hello, %s\n", r.URL.Query().Get("name"))
	})
	mux.HandleFunc("/cert", func(w http.ResponseWriter, r *http.Request) { w.Write(cert) })
	mux.HandleFunc("/sum", func(w http.ResponseWriter, r *http.Request) {
		h := sha256.New()
		n, err := io.Copy(h, r.Body)
		fmt.Fprintf(w, "%d %x %v\n", n, h.Sum(nil), err)
	})
	mux.HandleFunc("/blob", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		b := blob(n, int64(n))
		w.Header().Set("Sum", fmt.Sprintf("%x", sha256.Sum256(b)))
		w.Write(b)
	})
	mux.HandleFunc("/file", file)
	mux.HandleFunc("/cut", cut)
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(200 * time.Millisecond)
		fmt.Fprintln(w, "late")
	})
	mux.HandleFunc("/figures", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, requests.Load(), connections.Load(), runtime.NumGoroutine())
	})
	mux.HandleFunc("/quit", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "bye")
		quit <- true
	})
	return mux
}

// scratch makes a file of a blob's bytes, with a hole of 10000 bytes if there is room for one.
func scratch(n int) *os.File {
	f, err := os.CreateTemp("", "blob")
	check(err)
	b := blob(n, int64(n))
	if n > 50000 {
		clear(b[20001:30001])
		_, err = f.Write(b[:20001])
		check(err)
		_, err = f.WriteAt(b[30001:], 30001)
		check(err)
		return f
	}
	_, err = f.Write(b)
	check(err)
	return f
}

// file serves a file by sendfile: n bytes, or without n one of the image. Its sum is that of what
// read(2) gives.
func file(w http.ResponseWriter, r *http.Request) {
	name := "/data/elf"
	if n, _ := strconv.Atoi(r.URL.Query().Get("n")); n > 0 {
		f := scratch(n)
		f.Close()
		name = f.Name()
		defer os.Remove(name)
	}
	b, err := os.ReadFile(name)
	check(err)
	w.Header().Set("Sum", fmt.Sprintf("%x", sha256.Sum256(b)))
	http.ServeFile(w, r, name)
}

// cut sends as much of a file as goes at once, cuts the file off, and has its place written to by
// others, before the peer can have all of it. What was sent must come as it was; its sum follows.
func cut(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	f := scratch(n)
	defer os.Remove(f.Name())
	was, err := os.ReadFile(f.Name())
	check(err)
	c, _, err := http.NewResponseController(w).Hijack()
	check(err)
	defer c.Close()
	io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
	raw, err := c.(*net.TCPConn).SyscallConn()
	check(err)
	sent, off := 0, int64(0)
	check(raw.Write(func(fd uintptr) bool {
		sent, err = syscall.Sendfile(int(fd), int(f.Fd()), &off, n)
		return true
	}))
	check(err)
	check(f.Truncate(0))
	other, err := os.CreateTemp("", "other")
	check(err)
	for range n/4096 + 64 {
		other.Write(bytes.Repeat([]byte{0xee}, 4096))
	}
	other.Close()
	os.Remove(other.Name())
	f.Close()
	fmt.Fprintf(c, "%x", sha256.Sum256(was[:sent]))
}

// splicer echoes by way of a pipe, into which bytes come by splice, and out of which they go by
// splice, by read, or both, some after they have been written to it again.
func splicer(c net.Conn) {
	file, err := c.(*net.TCPConn).File()
	check(err)
	defer file.Close()
	fd, rnd := int(file.Fd()), mrand.New(mrand.NewSource(1)) // it blocks now
	p, buf := make([]int, 2), make([]byte, 65536)
	check(syscall.Pipe(p))
	defer syscall.Close(p[0])
	defer syscall.Close(p[1])
	move := func(from, to, n int) int {
		k, err := syscall.Splice(from, nil, to, nil, n, 0)
		check(err)
		return int(k)
	}
	for round := 0; ; round++ {
		k := move(fd, p[1], 1+rnd.Intn(30000))
		if k == 0 {
			break
		}
		switch round % 4 {
		case 1: // a part by read
			m, err := syscall.Read(p[0], buf[:1+rnd.Intn(k)])
			check(err)
			c.Write(buf[:m])
			k -= m
		case 2: // all by read, back into the pipe, others behind it
			m, err := syscall.Read(p[0], buf)
			check(err)
			syscall.Write(p[1], buf[:m])
			k += move(fd, p[1], 20000)
		case 3: // others behind the pieces, and bytes behind those
			k += move(fd, p[1], 100)
			n, err := syscall.Read(fd, buf[:100])
			check(err)
			n, err = syscall.Write(p[1], buf[:n])
			check(err)
			k += n + move(fd, p[1], 10000)
			if round%8 == 3 {
				n, err = syscall.Read(p[0], buf)
				check(err)
				k -= n
				c.Write(buf[:n])
			}
		}
		for k > 0 {
			k -= move(p[0], fd, 1+rnd.Intn(20000))
		}
	}
	c.(*net.TCPConn).CloseWrite()
	c.Close()
}

// filter makes the socket lose datagrams that begin with "lost", and cut those with "cut:".
func filter(p net.PacketConn) {
	const protocol = 0xfffff000
	load, jump := syscall.BPF_LD|syscall.BPF_ABS, syscall.BPF_JMP|syscall.BPF_K
	prog := []syscall.SockFilter{
		*syscall.LsfStmt(load|syscall.BPF_W, protocol),
		*syscall.LsfJump(jump|syscall.BPF_JEQ, 0x800, 0, 5),
		*syscall.LsfStmt(syscall.BPF_LD|syscall.BPF_W|syscall.BPF_LEN, 0),
		*syscall.LsfJump(jump|syscall.BPF_JGE, 8+4, 0, 5),
		*syscall.LsfStmt(load|syscall.BPF_W, 8), // behind the header
		*syscall.LsfJump(jump|syscall.BPF_JEQ, 'c'<<24|'u'<<16|'t'<<8|':', 2, 0),
		*syscall.LsfJump(jump|syscall.BPF_JEQ, 'l'<<24|'o'<<16|'s'<<8|'t', 0, 2),
		*syscall.LsfStmt(syscall.BPF_RET|syscall.BPF_K, 0),
		*syscall.LsfStmt(syscall.BPF_RET|syscall.BPF_K, 8+4),
		*syscall.LsfStmt(syscall.BPF_RET|syscall.BPF_K, 0xffffff),
	}
	c, err := p.(*net.UDPConn).SyscallConn()
	check(err)
	var set error
	check(c.Control(func(fd uintptr) { set = syscall.AttachLsf(int(fd), prog) }))
	check(set)
}

func echoUDP(p net.PacketConn) {
	b := make([]byte, 65536)
	for {
		n, from, err := p.ReadFrom(b)
		check(err)
		p.WriteTo(b[:n], from)
	}
}

// echoTCP echoes all bytes, and sends their number after the other side has closed its half.
func echoTCP(l net.Listener) {
	for {
		c, err := l.Accept()
		check(err)
		go func() {
			defer c.Close()
			n, err := io.Copy(c, c)
			if err == nil {
				fmt.Fprintf(c, "\n%d bytes\n", n)
			}
		}()
	}
}

func listen(addr string) net.Listener {
	l, err := net.Listen("tcp", addr)
	check(err)
	return l
}

// client talks to the host: an HTTP server, a line echo, a closed port.
func client(web, echo, closed string) {
	r, err := http.Get("http://" + web + "/blob")
	check(err)
	body, err := io.ReadAll(r.Body)
	check(err)
	r.Body.Close()
	fmt.Printf("get: %s, %d bytes, %x\n", r.Status, len(body), sha256.Sum256(body))
	r, err = http.Post("http://"+web+"/sum", "text/plain", strings.NewReader(string(body)))
	check(err)
	text, err := io.ReadAll(r.Body)
	check(err)
	fmt.Printf("post: %s", text)

	c, err := net.Dial("tcp", echo)
	check(err)
	fmt.Println("remote is", c.RemoteAddr().String() == echo, "local is", c.LocalAddr().(*net.TCPAddr).IP.IsLoopback())
	for i := 0; i < 100; i++ {
		fmt.Fprintf(c, "line %d\n", i)
	}
	c.(*net.TCPConn).CloseWrite()
	lines := 0
	for s := bufio.NewScanner(c); s.Scan(); lines++ {
	}
	fmt.Println("lines:", lines)
	c.Close()

	_, err = net.Dial("tcp", closed)
	fmt.Println("refused:", errors.Is(err, syscall.ECONNREFUSED))
	c, err = net.Dial("tcp", echo)
	check(err)
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, err = c.Read(make([]byte, 1))
	fmt.Println("deadline:", errors.Is(err, os.ErrDeadlineExceeded))
	c.Close()
	_, err = c.Read(make([]byte, 1))
	fmt.Println("closed:", errors.Is(err, net.ErrClosed))
}

func main() {
	if len(os.Args) == 4 {
		client(os.Args[1], os.Args[2], os.Args[3])
		return
	}
	quit := make(chan bool, 1)
	pair, text := certificate()
	mux := handlers(quit, text)
	p, err := net.ListenPacket("udp", ":9000")
	check(err)
	filter(p)
	go echoUDP(p)
	go func() {
		for l := listen(":9002"); ; {
			c, err := l.Accept()
			check(err)
			go splicer(c)
		}
	}()
	go echoTCP(listen(":9001"))
	web := &http.Server{Handler: mux, ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}}
	go web.Serve(listen(":8080"))
	safe := &http.Server{Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
	go safe.ServeTLS(listen("0.0.0.0:8443"), "", "")
	r, err := http.Get("http://127.0.0.1:8080/hello?name=loopback") // both transports, one listener
	check(err)
	io.Copy(os.Stdout, r.Body)
	fmt.Println("serving")
	<-quit
	time.Sleep(50 * time.Millisecond)
}
