// gosizes prints the allocator's size classes as a Go program sees them: capacities after
// append, for every size up to 40,000 bytes. One line per size: size, bytes for objects
// without pointers, bytes for objects with pointers (multiples of 8 only, else 0).
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	for n := 1; n <= 40000; n++ {
		plain := cap(append([]byte(nil), make([]byte, n)...))
		pointers := 0
		if n%8 == 0 {
			pointers = 8 * cap(append([]*byte(nil), make([]*byte, n/8)...))
		}
		fmt.Fprintln(w, n, plain, pointers)
	}
}
