// web is a small, typical service: a store of values in memory behind HTTP and HTTPS,
// with net/http/pprof beside it.
//
//	GET    /                  how many values there are; for a browser, a page that shows them
//	PUT    /kv/KEY            the body becomes the value
//	GET    /kv/KEY            the value
//	DELETE /kv/KEY
//	GET    /kv/?prefix=P      names, one a line
//	GET    /debug/pprof/      profiles: go tool pprof http://HOST:PORT/debug/pprof/profile
//
// Certificate and key are those of -cert and -key; without them one is made for the names of -names
// at each start, for trying out, and served at /cert.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	_ "embed"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// store is the database: values by name, all in memory.
type store struct {
	mu     sync.RWMutex
	values map[string][]byte
	bytes  int
}

//go:embed page.html
var page []byte

const (
	valueMax = 16 << 20
	storeMax = 64 << 20
)

var errFull = errors.New("the store is full")

func (s *store) get(key string) ([]byte, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.values[key]
	return v, ok
}

func (s *store) put(key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := len(value) - len(s.values[key])
	if s.bytes+more > storeMax {
		return errFull
	}
	s.bytes += more
	s.values[key] = value
	return nil
}

func (s *store) delete(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[key]
	s.bytes -= len(v)
	delete(s.values, key)
	return ok
}

func (s *store) names(prefix string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := []string{}
	for k := range s.values {
		if strings.HasPrefix(k, prefix) {
			names = append(names, k)
		}
	}
	sort.Strings(names)
	return names
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.URL.Path, "/kv/")
	switch {
	case key == "" && r.Method == http.MethodGet:
		for _, n := range s.names(r.URL.Query().Get("prefix")) {
			fmt.Fprintln(w, n)
		}
	case key == "":
		http.Error(w, "which key?", http.StatusBadRequest)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		v, ok := s.get(key)
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(v)))
		w.Write(v)
	case r.Method == http.MethodPut:
		v, err := io.ReadAll(http.MaxBytesReader(w, r.Body, valueMax))
		if err == nil {
			err = s.put(key, v)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodDelete:
		if !s.delete(key) {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, "GET, HEAD, PUT or DELETE", http.StatusMethodNotAllowed)
	}
}

// selfSigned makes a certificate for those names and addresses. The second result is its PEM text.
func selfSigned(names []string) (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject: pkix.Name{CommonName: names[0]}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, text, err
}

func listen(addr string) net.Listener {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		log.Fatal("web: ", err)
	}
	return l
}

func main() {
	log.SetFlags(0)
	plain := flag.String("http", ":8080", "address for HTTP, empty for none")
	safe := flag.String("https", ":8443", "address for HTTPS, empty for none")
	cert := flag.String("cert", "", "file of the certificate (PEM)")
	key := flag.String("key", "", "file of its key")
	names := flag.String("names", "localhost,127.0.0.1", "what a certificate made here is for")
	flag.Parse()

	s := &store{values: map[string][]byte{}}
	http.Handle("/kv/", s)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Vary", "Accept")
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			w.Write(page) // its script asks for the text
			return
		}
		s.mu.RLock()
		defer s.mu.RUnlock()
		fmt.Fprintf(w, "%d values, %d bytes\n", len(s.values), s.bytes)
	})
	var pair tls.Certificate
	var err error
	if *cert != "" {
		pair, err = tls.LoadX509KeyPair(*cert, *key)
	} else if *safe != "" {
		var text []byte
		pair, text, err = selfSigned(strings.Split(*names, ","))
		http.HandleFunc("/cert", func(w http.ResponseWriter, r *http.Request) { w.Write(text) })
	}
	if err != nil {
		log.Fatal("web: ", err)
	}
	failed := make(chan error)
	if *plain != "" {
		l := listen(*plain)
		go func() { failed <- http.Serve(l, nil) }()
	}
	if *safe != "" {
		l := listen(*safe)
		server := &http.Server{TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
		go func() { failed <- server.ServeTLS(l, "", "") }()
	}
	fmt.Printf("web: HTTP at %q, HTTPS at %q\n", *plain, *safe)
	fmt.Fprintln(os.Stderr, "web:", <-failed)
	os.Exit(1)
}
