package main

//go:noinline
func at(s []int, i int) int { return s[i] }

func main() { println(at(make([]int, 3), 3)) }
