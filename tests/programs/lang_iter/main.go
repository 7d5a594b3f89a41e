// Range over functions, iter.Pull (coroutines), the iterators of maps and slices.
package main

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

func count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		defer fmt.Print("[end] ")
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func walk(depth int) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		var rec func(d int, path string) bool
		rec = func(d int, path string) bool {
			if d == 0 {
				return yield(len(path), path)
			}
			return rec(d-1, path+"L") && rec(d-1, path+"R")
		}
		rec(depth, "")
	}
}

func main() {
	for i := range count(10) {
		if i == 1 {
			continue
		}
		if i == 4 {
			break
		}
		fmt.Print(i, " ")
	}
	fmt.Println()
	next, stop := iter.Pull(count(3))
	for {
		v, ok := next()
		fmt.Print(v, ok, " ")
		if !ok {
			break
		}
	}
	stop()
	fmt.Println()
	next2, stop2 := iter.Pull2(walk(3))
	for range 3 {
		fmt.Print(next2())
		fmt.Print(" ")
	}
	stop2()
	fmt.Println(next2())
	a, stopA := iter.Pull(count(100000))
	sum := 0
	for v, ok := a(); ok; v, ok = a() {
		sum += v
	}
	stopA()
	fmt.Println(sum)
	func() {
		defer func() { fmt.Println("recovered", recover()) }()
		n, s := iter.Pull(func(yield func(int) bool) { yield(1); panic("in sequence") })
		defer s()
		fmt.Println(n())
		n()
	}()
	m := map[string]int{"x": 1, "y": 2, "z": 3}
	fmt.Println(slices.Sorted(maps.Keys(m)), slices.Sorted(maps.Values(m)), maps.Collect(maps.All(m)))
	s := []int{3, 1, 2, 3, 1}
	slices.Sort(s)
	fmt.Println(slices.Compact(s), slices.Index(s, 3), slices.Max(s), slices.Contains(s, 9))
	fmt.Println(slices.Collect(slices.Chunk([]int{1, 2, 3, 4, 5}, 2)), slices.Insert([]int{1, 4}, 1, 2, 3))
	i, found := slices.BinarySearch([]string{"a", "c"}, "b")
	fmt.Println(i, found, slices.Equal([]int{1}, []int{1}), slices.Repeat([]int{1, 2}, 2))
outer:
	for i := range count(3) {
		for j := range count(3) {
			if j == 1 {
				continue outer
			}
			if i == 2 {
				break outer
			}
			fmt.Print(i, j, " ")
		}
	}
	fmt.Println()
}
