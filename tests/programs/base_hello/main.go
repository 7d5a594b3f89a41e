// The smallest program, without fmt.
package main

func main() {
	println("to stderr", 42, true, 1.5, 'x', nil == error(nil))
}
