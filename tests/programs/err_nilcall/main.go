// Calling a nil function.
package main

var f func(int) int

func main() { println(f(1)) }
