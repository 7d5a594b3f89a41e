// The predeclared print functions, and how they write each type.
package main

type name string

func main() {
	var e error
	var s []int
	var m map[string]int
	print("a", 1, " ", -1, " ", uint8(200), " ", int64(-1<<63), " ", uint64(1<<64-1), "\n")
	println(1.0, 0.1, -1e100, 1e-7, float32(0.5), complex(1, -2))
	println(true, false, name("named"), 'a', "ü")
	println(e == nil, s == nil, m == nil, len(s), cap(s))
	var inf = 1e308
	println(inf*10, -inf*10, inf*10-inf*10)
}
