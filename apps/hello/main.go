// Hello prints the system that it runs on.
package main

import (
	"fmt"
	"os"
	"runtime"
)

func main() {
	name := "world"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	fmt.Printf("Hello, %s, from %s on %d CPUs!\n", name, runtime.Version(), runtime.NumCPU())
}
