// A web service and its clients in one machine: HTTP/1.1 with keep-alive, TLS with HTTP/2, a
// handler that is cut off.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

func get(c *http.Client, url string) string {
	r, err := c.Get(url)
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return fmt.Sprint(r.StatusCode, " ", r.Proto, " ", string(b), " ", err)
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello, %s", r.PathValue("name"))
	})
	mux.HandleFunc("POST /sum", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := httptest.NewServer(mux)
	fmt.Println(get(s.Client(), s.URL+"/hello/world"))
	fmt.Println(get(s.Client(), s.URL+"/nothing"))
	r, err := s.Client().Post(s.URL+"/sum", "text/plain", strings.NewReader(strings.Repeat("x", 1<<20)))
	if err == nil {
		b, _ := io.ReadAll(r.Body)
		r.Body.Close()
		fmt.Println(string(b))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	q, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/slow", nil)
	_, err = s.Client().Do(q)
	cancel()
	fmt.Println(err != nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	ok := 0
	for range 8 {
		wg.Go(func() {
			for j := range 25 {
				if strings.Contains(get(s.Client(), fmt.Sprint(s.URL, "/hello/", j)), fmt.Sprint("hello, ", j)) {
					mu.Lock()
					ok++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	fmt.Println(ok)
	s.Close()
	t := httptest.NewUnstartedServer(mux)
	t.EnableHTTP2 = true
	t.StartTLS()
	fmt.Println(get(t.Client(), t.URL+"/hello/tls"))
	t.Close()
}
