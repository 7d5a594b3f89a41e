package main

import (
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
)

func clean(b []byte) string {
	s := regexp.MustCompile(`0x[0-9a-f]+\??|\+0x[0-9a-f]+`).ReplaceAllString(string(b), "?")
	var out []string
	for _, line := range strings.Split(s, "\n") {
		if !strings.HasPrefix(line, "\t") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

//go:noinline
func deep(n int) string {
	if n > 0 {
		return deep(n - 1)
	}
	buf := make([]byte, 10000)
	return clean(buf[:runtime.Stack(buf, false)])
}

func main() {
	fmt.Println(deep(3))
	fmt.Println(clean(debug.Stack()))
	small := make([]byte, 20)
	fmt.Println(runtime.Stack(small, false), string(small))

	ready, quit := make(chan bool), make(chan bool)
	for range 3 {
		go func() {
			ready <- true
			<-quit
		}()
	}
	for range 3 {
		<-ready
	}
	for runtime.NumGoroutine() != 4 {
	}
	buf := make([]byte, 1<<16)
	for {
		// The three have sent; wait until all of them wait.
		all := string(buf[:runtime.Stack(buf, true)])
		if strings.Count(all, "[chan receive]") == 3 {
			fmt.Println(strings.Count(all, "goroutine "), strings.Count(all, "created by main.main in goroutine 1"))
			break
		}
		runtime.Gosched()
	}
	close(quit)
}
