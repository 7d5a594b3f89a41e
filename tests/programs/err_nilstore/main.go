// Writing through a nil pointer, in a goroutine.
package main

type big struct{ a [100]int }

//go:noinline
func set(b *big, i int) { b.a[i] = 1 }

func main() {
	go set(nil, 3)
	select {}
}
