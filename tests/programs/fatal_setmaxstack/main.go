package main

import "runtime/debug"

//go:noinline
func down(n int) int {
	var buf [64]int
	buf[n%64] = n
	return down(n+1) + buf[5]
}

func main() {
	println(debug.SetMaxStack(1<<20) > 0)
	down(0)
}
