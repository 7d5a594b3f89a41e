// Recursion without end in a goroutine whose stack may not grow beyond a few KiB.
package main

import "runtime/debug"

//go:noinline
func down(n int) int { return down(n+1) + n }

func main() {
	debug.SetMaxStack(4096)
	done := make(chan int)
	go func() { done <- down(0) }()
	println(<-done)
}
