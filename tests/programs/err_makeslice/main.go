package main

//go:noinline
func mk(n int) []string { return make([]string, n) }

func main() { println(len(mk(-5))) }
