package main

import (
	"cmp"
	"fmt"
	"sort"
	"strings"
)

type number interface {
	~int | ~int64 | ~float64
}
type list[T any] struct {
	head *node[T]
	n    int
}
type node[T any] struct {
	v    T
	next *node[T]
}

func (l *list[T]) push(v T) { l.head = &node[T]{v, l.head}; l.n++ }
func (l *list[T]) all(yield func(int, T) bool) {
	i := 0
	for n := l.head; n != nil; n = n.next {
		if !yield(i, n.v) {
			return
		}
		i++
	}
}

func sum[T number](xs ...T) (s T) {
	for _, x := range xs {
		s += x
	}
	return
}
func mapTo[T, U any](xs []T, f func(T) U) []U {
	out := make([]U, 0, len(xs))
	for _, x := range xs {
		out = append(out, f(x))
	}
	return out
}
func reduce[T, A any](xs []T, a A, f func(A, T) A) A {
	for _, x := range xs {
		a = f(a, x)
	}
	return a
}

type pair[K cmp.Ordered, V any] struct {
	key K
	val V
}

func sorted[M ~map[K]V, K cmp.Ordered, V any](m M) []pair[K, V] {
	var out []pair[K, V]
	for k, v := range m {
		out = append(out, pair[K, V]{k, v})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].key < out[j].key })
	return out
}

type myInt int

func (m myInt) String() string { return fmt.Sprintf("<%d>", int(m)) }

func join[T fmt.Stringer](xs []T) string {
	return strings.Join(mapTo(xs, func(x T) string { return x.String() }), "")
}

type set[T comparable] map[T]struct{}

func (s set[T]) add(v T) set[T] { s[v] = struct{}{}; return s }

type tree[T interface{ less(T) bool }] struct {
	l, r *tree[T]
	v    T
}

func (t *tree[T]) insert(v T) *tree[T] {
	if t == nil {
		return &tree[T]{v: v}
	}
	if v.less(t.v) {
		t.l = t.l.insert(v)
	} else {
		t.r = t.r.insert(v)
	}
	return t
}
func (t *tree[T]) walk(f func(T)) {
	if t != nil {
		t.l.walk(f)
		f(t.v)
		t.r.walk(f)
	}
}

type age int

func (a age) less(b age) bool { return a < b }

func zero[T any]() (z T) { return }

func main() {
	fmt.Println(sum(1, 2, 3), sum(1.5, 2.5), sum[myInt](1, 2))
	var l list[string]
	for _, s := range []string{"c", "b", "a"} {
		l.push(s)
	}
	for i, s := range l.all {
		fmt.Print(i, s, " ")
		if i == 1 {
			break
		}
	}
	fmt.Println(l.n)
	fmt.Println(mapTo([]int{1, 2, 3}, func(i int) string { return strings.Repeat("x", i) }))
	fmt.Println(reduce([]string{"a", "bb"}, 0, func(n int, s string) int { return n + len(s) }))
	fmt.Printf("%v %T\n", sorted(map[string]int{"b": 2, "a": 1}), sorted(map[int]bool{}))
	fmt.Println(join([]myInt{1, 2, 3}), len(set[int]{}.add(1).add(1).add(2)))
	var t *tree[age]
	for _, a := range []age{5, 2, 8, 1, 9, 3} {
		t = t.insert(a)
	}
	t.walk(func(a age) { fmt.Print(a, " ") })
	fmt.Printf("%T %v %q\n", t, zero[*int](), zero[[2]string]())
	fmt.Printf("%T %T\n", list[pair[string, []int]]{}, mapTo[int, error])
}
