package main

import "fmt"

func recursive(n int) int {
	if n <= 0 {
		return 0
	}
	var buf [256]byte
	buf[0] = byte(n)
	return recursive(n-1) + int(buf[0])
}

func main() {
	result := recursive(10000)
	fmt.Println(result)
}
