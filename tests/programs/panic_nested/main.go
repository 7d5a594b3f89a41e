// Deferred functions that panic in turn: the whole chain is printed.
package main

import "fmt"

func main() {
	defer func() { panic(fmt.Errorf("third")) }()
	defer func() { panic("second") }()
	panic("first")
}
