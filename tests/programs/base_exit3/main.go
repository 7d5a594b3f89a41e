package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("leaving")
	go func() { select {} }()
	os.Exit(3)
}
