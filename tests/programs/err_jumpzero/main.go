// A call to address 0, through a valid closure.
package main

import "unsafe"

//go:noinline
func call(f func()) { f() }

func main() {
	code := uintptr(0)
	at := &code
	call(*(*func())(unsafe.Pointer(&at)))
}
