package main

//go:noinline
func shift(a uint32, n int) uint32 { return a << n }

func main() { println(shift(1, -1)) }
