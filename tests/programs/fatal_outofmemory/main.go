package main

// Allocates, and touches, more memory than the machine has.
var keep [][]byte

func main() {
	for {
		b := make([]byte, 64<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		keep = append(keep, b)
	}
}
