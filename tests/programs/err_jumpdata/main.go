// A call to data: the page is not executable.
package main

import "unsafe"

var data = [4]uint32{0xc3c3c3c3, 0xc3c3c3c3, 0xc3c3c3c3, 0xc3c3c3c3}

//go:noinline
func call(f func()) { f() }

func main() {
	code := uintptr(unsafe.Pointer(&data))
	at := &code
	call(*(*func())(unsafe.Pointer(&at)))
}
