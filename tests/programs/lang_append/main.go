// Capacities as append grows: they show the size classes.
package main

import "fmt"

type s3 struct{ a, b, c byte }
type s24 struct{ a, b, c uint64 }
type ptrs struct {
	p *int
	n int
}

func grow[T any](limit int) {
	var s []T
	last := -1
	for len(s) < limit {
		if cap(s) != last {
			last = cap(s)
			fmt.Print(last, " ")
		}
		var zero T
		s = append(s, zero)
	}
	fmt.Println()
}

func main() {
	grow[byte](100000)
	grow[uint16](20000)
	grow[s3](20000)
	grow[int](20000)
	grow[string](5000)
	grow[s24](5000)
	grow[ptrs](5000)
	grow[*int](5000)
	grow[[100]int](200)
	for _, n := range []int{1, 5, 9, 17, 33, 65, 100, 1000, 1025, 5000, 40000} {
		fmt.Print(cap(append([]byte(nil), make([]byte, n)...)), " ", cap(append([]int{1}, make([]int, n)...)), " ")
	}
	fmt.Println()
	for _, n := range []int{1, 7, 31, 32, 33, 100, 2000} {
		b := make([]byte, n)
		fmt.Print(cap([]byte(string(b))), " ", cap([]rune(string(b))), " ")
	}
	fmt.Println()
}
