// Every fourth allocation of heap pages fails. An object's allocation is tried again
// after a collection, which helps; a stack that must grow now cannot wait for one, so
// sooner or later the program ends, and says why.
package main

import "sync"

//go:noinline
func deep(n int) int {
	var pad [1024]byte
	pad[n%1024] = 1
	if n == 0 {
		return int(pad[0])
	}
	return deep(n-1) + int(pad[n%1024])
}

func main() {
	var keep [][]byte
	for round := 0; ; round++ {
		keep = append(keep[:round%50], make([]byte, 20000))
		var wg sync.WaitGroup
		for i := 0; i < 8; i++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				deep(100)
			}()
		}
		wg.Wait()
	}
}
