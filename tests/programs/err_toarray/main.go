package main

func main() {
	s := []int{1, 2}
	println((*[3]int)(s)[0])
}
