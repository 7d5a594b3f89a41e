// A Stringer is asked for its text, once, when the program ends.
package main

type name string

func (name) String() string { return "as it says itself" }

func main() {
	defer func() {
		r := recover()
		println(r.(name) == "a\nb")
		panic(r)
	}()
	panic(name("a\nb"))
}
