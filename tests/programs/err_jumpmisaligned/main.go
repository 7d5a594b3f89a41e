// A call to the middle of an instruction: the constant there is UD2, an illegal one.
package main

import "unsafe"

//go:noinline
func odd() uint32 { return 0x0b0f0b0f }

//go:noinline
func call(f func()) { f() }

func main() {
	whole := odd
	code := **(**uintptr)(unsafe.Pointer(&whole)) + 1
	at := &code
	call(*(*func())(unsafe.Pointer(&at)))
}
