// Symbols of package runtime that widely used modules use without its API: functions called from
// assembly of another package, and names pulled by linkname.
package main

import (
	"fmt"
	"time"
	"unsafe"
)

func move(to, from unsafe.Pointer, n uintptr)
func clear8(p unsafe.Pointer)
func equal(a, b unsafe.Pointer, n uintptr) bool

type iter struct {
	key, elem unsafe.Pointer
	rest      [10]unsafe.Pointer
}

type eface struct{ typ, data unsafe.Pointer }

//go:linkname mapiterinit runtime.mapiterinit
func mapiterinit(t, m unsafe.Pointer, it *iter)

//go:linkname mapiternext runtime.mapiternext
func mapiternext(it *iter)

//go:linkname heapObjectsCanMove runtime.heapObjectsCanMove
func heapObjectsCanMove() bool

//go:linkname nanotime runtime.nanotime
func nanotime() int64

//go:linkname cputicks runtime.cputicks
func cputicks() int64

//go:linkname noescape runtime.noescape
func noescape(unsafe.Pointer) unsafe.Pointer

//go:linkname add runtime.add
func add(unsafe.Pointer, uintptr) unsafe.Pointer

//go:linkname writeBarrier runtime.writeBarrier
var writeBarrier uintptr

//go:linkname lastmoduledatap runtime.lastmoduledatap
var lastmoduledatap unsafe.Pointer

//go:linkname moduledataverify1 runtime.moduledataverify1
func moduledataverify1(unsafe.Pointer)

func main() {
	from, to := []byte("from assembly"), make([]byte, 13)
	move(unsafe.Pointer(&to[0]), unsafe.Pointer(&from[0]), 13)
	fmt.Printf("%s %t\n", to, equal(unsafe.Pointer(&to[0]), unsafe.Pointer(&from[0]), 13))
	clear8(unsafe.Pointer(&to[0]))
	fmt.Printf("%q %t\n", to, equal(unsafe.Pointer(&to[0]), unsafe.Pointer(&from[0]), 13))

	m := map[string]int{"a": 1, "b": 2, "c": 3}
	var x any = m
	e := (*eface)(unsafe.Pointer(&x))
	var it iter
	sum, keys := 0, 0
	for mapiterinit(e.typ, e.data, &it); it.key != nil; mapiternext(&it) {
		sum += *(*int)(it.elem)
		keys += int((*(*string)(it.key))[0])
	}
	fmt.Println(sum, keys, heapObjectsCanMove())

	a, b := nanotime(), cputicks()
	time.Sleep(time.Millisecond)
	fmt.Println(nanotime()-a >= 1e6, cputicks() > b, uint32(writeBarrier) <= 1)
	fmt.Println(*(*byte)(add(noescape(unsafe.Pointer(&from[0])), 1)))
	moduledataverify1(lastmoduledatap)
}
