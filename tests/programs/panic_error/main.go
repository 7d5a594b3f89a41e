package main

import (
	"errors"
	"fmt"
)

func f(n int) {
	if n == 0 {
		panic(fmt.Errorf("wrapped: %w", errors.New("cause")))
	}
	f(n - 1)
}

func main() {
	defer fmt.Println("deferred calls run first")
	f(3)
}
