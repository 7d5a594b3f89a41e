// Integer division by zero, by the instruction's own fault.
package main

//go:noinline
func div(a, b int) int { return a / b }

func main() { println(div(1, 0)) }
