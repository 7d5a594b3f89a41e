// A panic in a goroutine ends the program; "created by" says where it came from.
package main

import "sync"

type server struct{ name string }

func (s *server) serve(n int) { s.handle(n) }

//go:noinline
func (s *server) handle(n int) {
	if n > 2 {
		panic("in " + s.name)
	}
	s.handle(n + 1)
}

func main() {
	var wg sync.WaitGroup
	wg.Add(1)
	s := &server{"goroutine"}
	go s.serve(0)
	wg.Wait()
}
