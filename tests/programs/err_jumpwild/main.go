// A call of an address where nothing is mapped.
package main

import "unsafe"

//go:noinline
func call(f func()) { f() }

func main() {
	code := uintptr(0x123456789000)
	at := &code
	call(*(*func())(unsafe.Pointer(&at)))
}
