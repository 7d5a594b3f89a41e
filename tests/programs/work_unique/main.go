// unique, strings.Builder across goroutines, sync.Map, parallel merge sort, matrix product.
package main

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"unique"
)

func mergeSort(s []int, depth int) []int {
	if len(s) < 2 {
		return s
	}
	m := len(s) / 2
	l, r := s[:m], s[m:]
	if depth > 0 {
		var wg sync.WaitGroup
		wg.Go(func() { l = mergeSort(l, depth-1) })
		r = mergeSort(r, depth-1)
		wg.Wait()
	} else {
		l, r = mergeSort(l, 0), mergeSort(r, 0)
	}
	out := make([]int, 0, len(s))
	for len(l) > 0 && len(r) > 0 {
		if l[0] <= r[0] {
			out, l = append(out, l[0]), l[1:]
		} else {
			out, r = append(out, r[0]), r[1:]
		}
	}
	return append(append(out, l...), r...)
}

func main() {
	a := unique.Make(strings.Repeat("ab", 3))
	b := unique.Make("ababab")
	fmt.Println(a == b, a.Value(), unique.Make(struct{ x, y any }{1, "z"}) == unique.Make(struct{ x, y any }{1, "z"}))
	x := uint64(88172645463325252)
	s := make([]int, 100000)
	for i := range s {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		s[i] = int(x % 1000000)
	}
	sorted := mergeSort(s, 5)
	slices.Sort(s)
	fmt.Println(slices.Equal(s, sorted), s[0], s[50000], s[99999])

	const n = 120
	var m1, m2, m3 [n][n]float64
	for i := range n {
		for j := range n {
			m1[i][j], m2[i][j] = float64(i+j)/7, float64(i-j)/3
		}
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			for j := range n {
				for k := range n {
					m3[i][j] += m1[i][k] * m2[k][j]
				}
			}
		})
	}
	wg.Wait()
	trace := 0.0
	for i := range n {
		trace += m3[i][i]
	}
	fmt.Println(trace, m3[3][100])
	var h maphash.Hash
	h.WriteString("x")
	h1 := h.Sum64()
	h.Reset()
	h.WriteString("x")
	fmt.Println(h1 == h.Sum64(), maphash.Comparable(h.Seed(), 1) == maphash.Comparable(h.Seed(), 1))
}
