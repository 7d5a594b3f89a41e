// What panic prints for each kind of value; each replaces the one before.
package main

type myInt int
type myFloat float64
type myBool bool
type errPanics struct{}

func (errPanics) Error() string { panic("while printing") }

func main() {
	values := []any{1, myInt(2), int8(-3), uint64(1 << 63), 1.5, myFloat(2.5), true, myBool(false),
		"text", complex(1, 2), 'r', uintptr(7), float32(0.25)}
	chain(values)
}

func chain(values []any) {
	if len(values) == 0 {
		return
	}
	defer func() { panic(values[0]) }()
	chain(values[1:])
}
