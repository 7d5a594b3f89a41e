// A call of address 0, through a closure that is there.
package main

import "unsafe"

//go:noinline
func call(f func()) { f() }

func main() {
	code := uintptr(0)
	at := &code
	call(*(*func())(unsafe.Pointer(&at)))
}
