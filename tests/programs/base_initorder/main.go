// Package variables by dependency, init functions by file order, imported packages first.
package main

import (
	"fmt"

	"gort/tests/programs/base_initorder/first"
	"gort/tests/programs/base_initorder/second"
)

var (
	a = trace("a", b+1)
	b = trace("b", c()+1)
	d = trace("d", first.Value+second.Value)
)

func c() int { return trace("c", d) }

func trace(name string, v int) int {
	fmt.Println(name, v)
	return v
}

func init() { fmt.Println("init 1", a, b, d) }
func init() { fmt.Println("init 2") }

func main() { fmt.Println("main", first.Log()) }
