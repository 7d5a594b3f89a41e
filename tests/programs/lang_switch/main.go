// Labels, goto, fallthrough, evaluation order, shadowing, const and iota.
package main

import "fmt"

type weekday int

const (
	mon weekday = iota
	tue
	_
	thu
)
const (
	kb = 1 << (10 * (iota + 1))
	mb
)

func (d weekday) String() string { return [...]string{"Mon", "Tue", "Wed", "Thu"}[d] }

var trace []string

func t(s string, v int) int { trace = append(trace, s); return v }

func main() {
	fmt.Println(mon, tue, thu, kb, mb)
	for i := range 6 {
		switch {
		case i == 1:
			fmt.Print("one ")
			fallthrough
		case i == 2:
			fmt.Print("two ")
		case i > 3:
			if i == 5 {
				break
			}
			fmt.Print("many ")
		default:
			fmt.Print("other ")
		}
	}
	fmt.Println()
	n := 0
loop:
	for i := 0; ; i++ {
		for j := range 10 {
			if j == i {
				continue loop
			}
			if i*j > 20 {
				break loop
			}
			n++
		}
	}
	fmt.Println(n)
	i := 0
back:
	if i < 3 {
		i++
		goto back
	}
	a := []int{t("a", 1), t("b", 2)}
	a[t("i", 0)], a[t("j", 1)] = a[t("k", 1)], t("l", 9)
	m := map[int]int{t("mk", 1): t("mv", 2)}
	fmt.Println(i, a, m, trace)
	x := 1
	{
		x := x + 1
		x++
		_ = x
	}
	if x := x * 10; x > 5 {
		fmt.Println(x)
	}
	fmt.Println(x)
	arr := [3]int{1, 2, 3}
	for i, v := range arr {
		arr[2] = 10
		if i == 2 {
			fmt.Println(v)
		}
	}
	for i, v := range arr[:] {
		arr[2] = 20
		if i == 2 {
			fmt.Println(v)
		}
	}
	p, q := 1, 2
	p, q = q, p+q
	fmt.Println(p, q)
}
