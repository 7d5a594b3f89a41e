// All kinds of keys, iteration while the map changes, clear, NaN, growth.
package main

import (
	"fmt"
	"math"
	"sort"
)

type point struct{ x, y int32 }
type key struct {
	s string
	f float64
	i any
}

func main() {
	fmt.Println(roundTrip(func(i int) int8 { return int8(i) }), roundTrip(func(i int) uint16 { return uint16(i) }),
		roundTrip(func(i int) int32 { return int32(i) }), roundTrip(func(i int) uint64 { return uint64(i) }),
		roundTrip(func(i int) float64 { return float64(i) }), roundTrip(func(i int) string { return fmt.Sprint(i) }),
		roundTrip(func(i int) point { return point{int32(i), 1} }), roundTrip(func(i int) [3]string { return [3]string{2: fmt.Sprint(i)} }),
		roundTrip(func(i int) any { return i }), roundTrip(func(i int) any { return point{int32(i), 0} }),
		roundTrip(func(i int) key { return key{"k", float64(i), i % 3} }), roundTrip(func(i int) complex128 { return complex(0, float64(i)) }),
		roundTrip(func(i int) bool { return i%2 == 0 }), roundTrip(func(i int) *int { return &ints[i%len(ints)] }),
		roundTrip(func(i int) chan int { return chans[i%len(chans)] }), roundTrip(func(i int) [1000]byte { return [1000]byte{byte(i)} }))
	nan()
	mutate()
	m := map[string][]int{}
	for i := range 1000 {
		k := fmt.Sprint("k", i%7)
		m[k] = append(m[k], i)
	}
	var keys []string
	for k, v := range m {
		keys = append(keys, fmt.Sprint(k, len(v)))
	}
	sort.Strings(keys)
	fmt.Println(keys)
	fmt.Println(m["absent"] == nil, len(m["k1"]))
	n := map[string]int{"z": 26, "a": 1, "m": 13}
	n["a"]++
	n["q"] += 5
	delete(n, "z")
	delete(n, "not there")
	fmt.Println(n, len(n))
	clear(n)
	fmt.Println(n, len(n))
	zero := map[struct{}]int{{}: 1}
	zero[struct{}{}]++
	fmt.Println(zero)
	big := map[int][200]int{}
	big[1] = [200]int{199: 3}
	fmt.Println(big[1][199], big[2][0])
	fmt.Println(map[float64]string{0: "zero"}[math.Copysign(0, -1)])
}

var ints [64]int
var chans = func() (c [64]chan int) {
	for i := range c {
		c[i] = make(chan int)
	}
	return
}()

// roundTrip stores, looks up, overwrites and deletes; returns how many keys there were.
func roundTrip[K comparable](f func(int) K) string {
	m := make(map[K]int)
	for i := range 5000 {
		m[f(i)] = i
	}
	n, bad := len(m), 0
	for i := range 5000 {
		if v, ok := m[f(i)]; !ok || v < i {
			bad++
		}
	}
	seen := 0
	for k := range m {
		seen++
		delete(m, k)
	}
	return fmt.Sprint(n, "/", seen, "/", bad, "/", len(m))
}

func nan() {
	m := map[float64]int{}
	for i := range 10 {
		m[math.NaN()] = i
	}
	sum := 0
	for k, v := range m {
		if k != k {
			sum += v
		}
	}
	_, ok := m[math.NaN()]
	fmt.Println(len(m), sum, ok)
	clear(m)
	fmt.Println(len(m))
}

// mutate: entries deleted during iteration are not seen, others exactly once; new ones may be.
func mutate() {
	m := map[int]int{}
	for i := range 1000 {
		m[i] = i
	}
	seen := map[int]int{}
	for k := range m {
		seen[k]++
		if k < 1000 {
			delete(m, (k+1)%1000)
			for j := range 3 {
				m[1000+k*3+j] = 0
			}
		}
	}
	twice, gone := 0, 0
	for k, n := range seen {
		if n > 1 {
			twice++
		}
		if k < 1000 && seen[(k+1)%1000] > 0 {
			gone++
		}
	}
	fmt.Println(twice, gone <= 1000)
}
