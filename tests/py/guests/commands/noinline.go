package main

//go:noinline
func add(a, b int) int {
	return a + b
}

func main() {
	_ = add(3, 5)
}
