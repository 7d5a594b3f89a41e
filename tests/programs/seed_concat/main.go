// The seed's benchmark, as a program.
package main

import "fmt"

func main() {
	total := 0
	for range 1000 {
		s := ""
		for j := 0; j < 100; j++ {
			s += "x"
		}
		total += len(s)
	}
	fmt.Println(total)
}
