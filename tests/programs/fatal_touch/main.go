// A slice that is larger than the machine's memory can be made. Touching all of it ends the program
// as an allocation would that finds no memory.
package main

import "fmt"

func main() {
	b := make([]byte, 1<<30)
	fmt.Println("made", len(b)>>20)
	for i := range b {
		b[i] = 1
	}
	fmt.Println("not reached")
}
