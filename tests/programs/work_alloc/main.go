// A hundred megabytes of small objects, most of them dropped, and a tree that stays whole.
package main

import "fmt"

type tree struct{ l, r *tree }

func build(d int) *tree {
	if d == 0 {
		return &tree{}
	}
	return &tree{build(d - 1), build(d - 1)}
}

func (t *tree) check() int {
	if t.l == nil {
		return 1
	}
	return 1 + t.l.check() + t.r.check()
}

func main() {
	long := build(16)
	total := 0
	for d := 4; d <= 14; d += 2 {
		for range 1 << (14 - d) {
			total += build(d).check()
		}
	}
	strs := []string{}
	for i := range 20000 {
		strs = append(strs, fmt.Sprintf("%0*d", i%50, i))
	}
	n := 0
	for _, s := range strs {
		n += len(s)
	}
	var keep [][]byte
	for i := range 100 {
		b := make([]byte, 1<<i%20+i*1000)
		for _, c := range b {
			if c != 0 {
				panic("not zero")
			}
		}
		for j := range b {
			b[j] = byte(i)
		}
		keep = append(keep, b)
	}
	for i, b := range keep {
		for _, c := range b {
			if c != byte(i) {
				panic("overwritten")
			}
		}
	}
	fmt.Println(long.check(), total, n, len(keep))
}
