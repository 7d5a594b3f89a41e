// A call of an address that no page table can map.
package main

import "unsafe"

//go:noinline
func call(f func()) { f() }

func main() {
	code := uintptr(0x8000_1234_5678_9000)
	at := &code
	call(*(*func())(unsafe.Pointer(&at)))
}
