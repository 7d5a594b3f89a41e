// Reads lines and then raw bytes, among them the one that the runner escapes.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

func main() {
	r := bufio.NewReader(os.Stdin)
	for i := range 3 {
		line, err := r.ReadString('\n')
		fmt.Printf("%d %q %v\n", i, line, err)
	}
	rest, err := io.ReadAll(r)
	fmt.Printf("%d %q %v\n", len(rest), rest, err)
	n, err := os.Stdin.Read(make([]byte, 1))
	fmt.Println(n, err)
}
