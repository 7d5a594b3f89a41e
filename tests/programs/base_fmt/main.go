package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("hello", 1, 2.5, true, []string{"a"}, map[string]int{"k": 1})
	fmt.Fprintln(os.Stderr, "and to stderr")
}
