package main

import "fmt"

func main() {
	a := [6]int{0, 1, 2, 3, 4, 5}
	s := a[1:3:4]
	s = append(s, 10)
	fmt.Println(a, s, len(s), cap(s))
	s = append(s, 11)
	s[0] = 99
	fmt.Println(a, s)
	copy(a[2:], a[:])
	fmt.Println(a, copy(a[:], s[:2]))
	fmt.Println(copy(make([]byte, 3), "hello"))
	var n []int
	fmt.Println(n == nil, len(n[:0]), n[0:0] == nil, append(n, n...) == nil)
	p := (*[3]int)(s)
	p[1] = -1
	fmt.Println(s, [2]int(s))
	clear(s)
	fmt.Println(s)
	m := make([][]string, 3)
	for i := range m {
		for j := range i + 1 {
			m[i] = append(m[i], fmt.Sprint(i, j))
		}
	}
	fmt.Println(m, min(3, 1, 2), max("a", "b"))
	d := make([]int, 0, 10)
	e := append(d, 1)
	f := append(d, 2)
	fmt.Println(e, f, d[:1])
	h := make([]struct{}, 1<<40)
	fmt.Println(len(h), len(h[1<<39:]))
}
