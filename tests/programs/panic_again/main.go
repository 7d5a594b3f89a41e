// Recovered and panicked again with the same value, and one recovered on the way.
package main

func main() {
	defer func() {
		r := recover()
		panic(r)
	}()
	defer func() {
		defer func() { recover() }()
		panic("gone")
	}()
	panic("stays")
}
