// Frames of methods, closures, generics, inlined functions and variadic arguments.
package main

import (
	"sort"
	"strings"
)

type tree[T any] struct {
	left, right *tree[T]
	value       T
}

func (t *tree[T]) walk(f func(T)) {
	if t == nil {
		return
	}
	t.left.walk(f)
	f(t.value)
	t.right.walk(f)
}

type visitor interface{ visit(s string, rest ...int) }
type v struct{ depth int }

func (x v) visit(s string, rest ...int) {
	sort.Slice(rest, func(i, j int) bool {
		strings.Map(func(r rune) rune {
			inlined(r)
			return r
		}, s)
		return false
	})
}

func inlined(r rune) { check(r) }
func check(r rune) {
	if r == 'x' {
		panic("found")
	}
}

func main() {
	t := &tree[string]{value: "abx", left: &tree[string]{value: "ab"}}
	var x visitor = v{1}
	t.walk(func(s string) { x.visit(s, 1, 2, 3) })
}
