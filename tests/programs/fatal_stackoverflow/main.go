package main

type frame [20]int

//go:noinline
func down(n int, f frame) int {
	f[n%20] = n
	return down(n+1, f) + f[3]
}

func main() { println(down(0, frame{})) }
