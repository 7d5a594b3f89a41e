package main

type pair struct{ a, b any }

func main() {
	x, y := any(pair{1, []int{}}), any(pair{1, []int{}})
	println(x == y)
}
