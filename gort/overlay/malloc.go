package runtime

// Allocation, as Go code sees it: gort/heap/malloc.c does the work.

import (
	"internal/abi"
	"internal/cpu"
	"internal/runtime/math"
	"unsafe"
)

// mallocgc allocates size bytes for values of type typ (nil: no pointers). The fast path is in
// wb_amd64.s.
//
//go:linkname mallocgc
func mallocgc(size uintptr, typ *_type, needzero bool) unsafe.Pointer

// newobject is what the compiler makes of new.
//
//go:linkname newobject
func newobject(typ *_type) unsafe.Pointer

func malloc_slow(size uintptr, typ *_type, needzero, again bool, leaves unsafe.Pointer) (p unsafe.Pointer, status int)
func malloc_publish(p unsafe.Pointer, typ *_type)
func persistent_alloc(size, align uintptr) (p unsafe.Pointer)
func leaves_addr() unsafe.Pointer

const (
	mallocDone      = 0
	mallocDirty     = 1 // large, not zeroed yet
	mallocCollect   = 2 // collect (there is no memory, or the boot option gcstress), then ask again
	mallocBare      = 3 // very large, no memory behind it yet
	mallocBareDirty = 4 // the same, and part of it is not zero
	mallocWait      = 5 // the collector must catch up: wait for it, then ask again
)

// How much of a large object is zeroed or provided between two chances to stop.
const (
	clearChunk  = 256 << 10
	commitChunk = 2 << 20
)

func malloc_commit(p unsafe.Pointer, off, n uintptr, again bool) (ok bool)

func gc_assist_wait()

func mallocgcSlow(size uintptr, typ *_type, needzero bool) unsafe.Pointer {
	for again := false; ; {
		p, status := malloc_slow(size, typ, needzero, again, leaves_addr())
		if status == mallocDone {
			return p
		}
		if status == mallocWait {
			gc_assist_wait()
			continue
		}
		bare := status == mallocBare || status == mallocBareDirty
		if status == mallocCollect || bare && !commitLarge(p, size, again) {
			collect(false)
			again = true
			continue
		}
		if status == mallocDirty || status == mallocBareDirty {
			// The collector scans the span to its end: no old pointers behind the object.
			end := alignUp(size, pageSize)
			for off := uintptr(0); off < end; off += clearChunk {
				clearLarge(add(p, off), min(clearChunk, end-off))
			}
		}
		if typ != nil && typ.Pointers() {
			malloc_publish(p, typ)
		}
		return p
	}
}

func commitLarge(p unsafe.Pointer, size uintptr, again bool) bool {
	for off := uintptr(0); off < size; off += commitChunk {
		if !malloc_commit(p, off, min(commitChunk, size-off), again) {
			return false
		}
	}
	return true
}

func newobjectSlow(typ *_type) unsafe.Pointer { return mallocgcSlow(typ.Size_, typ, true) }

// clearLarge is a function of its own so that its prologue is where the goroutine stops. Vector
// stores, since the string instructions of memclrNoHeapPointers are slow in emulators.
//
//go:noinline
func clearLarge(p unsafe.Pointer, n uintptr) { clearPages(p, n, cpu.X86.HasAVX2) }

// clearPages clears n bytes, a multiple of 128 and not 0; wide: with AVX2.
//
//go:noescape
func clearPages(p unsafe.Pointer, n uintptr, wide bool)

//go:linkname maps_newobject internal/runtime/maps.newobject
func maps_newobject(typ *_type) unsafe.Pointer { return newobject(typ) }

//go:linkname reflect_unsafe_New reflect.unsafe_New
func reflect_unsafe_New(typ *_type) unsafe.Pointer { return newobject(typ) }

//go:linkname reflectlite_unsafe_New internal/reflectlite.unsafe_New
func reflectlite_unsafe_New(typ *_type) unsafe.Pointer { return newobject(typ) }

// newarray allocates n values of typ.
//
//go:linkname newarray
func newarray(typ *_type, n int) unsafe.Pointer {
	if n == 1 {
		return newobject(typ)
	}
	size, overflow := math.MulUintptr(typ.Size_, uintptr(n))
	if overflow || size > maxAlloc || n < 0 {
		panic(plainError("runtime: allocation size out of range"))
	}
	return mallocgc(size, typ, true)
}

//go:linkname reflect_unsafe_NewArray reflect.unsafe_NewArray
func reflect_unsafe_NewArray(typ *_type, n int) unsafe.Pointer { return newarray(typ, n) }

//go:linkname maps_newarray internal/runtime/maps.newarray
func maps_newarray(typ *_type, n int) unsafe.Pointer { return newarray(typ, n) }

// persistentalloc returns zeroed memory that is never freed and holds no pointers that the
// collector follows.
func persistentalloc(size, align uintptr, stat *sysMemStat) unsafe.Pointer {
	return persistent_alloc(size, align)
}

type sysMemStat uint64

// memstats has what the kept files account to; C keeps the books.
var memstats struct {
	other_sys sysMemStat
}

// ---- write barriers for ranges ---------------------------------------------------------
//
// While the collector marks, the pointers that a range held and those that it will hold are
// told to it before they are written. There is no safe point between a barrier and its write:
// all of this is nosplit, and bulkBarrierPreWrite does not stop the goroutine.

// bulkBarrierPreWrite shades the pointers in [dst, dst+size) and those that come from
// [src, src+size); src may be 0. typ: what dst holds whole values of, or nil.
//
//go:nosplit
func bulkBarrierPreWrite(dst, src, size uintptr, typ *abi.Type)

// bulkBarrierPreWriteSrcOnly is for a destination that holds nothing yet.
//
//go:nosplit
func bulkBarrierPreWriteSrcOnly(dst, src, size uintptr, typ *abi.Type) {
	bulkBarrierPreWrite(dst, src, size, typ)
}

//go:linkname typedmemmove
//go:nosplit
func typedmemmove(typ *abi.Type, dst, src unsafe.Pointer) {
	if dst == src {
		return
	}
	if writeBarrier.enabled && typ.Pointers() {
		bulkBarrierPreWrite(uintptr(dst), uintptr(src), typ.PtrBytes, typ)
	}
	memmove(dst, src, typ.Size_)
}

// wbZero and wbMove: the compiler clears or copies itself afterwards.
//
//go:nosplit
func wbZero(typ *_type, dst unsafe.Pointer) { bulkBarrierPreWrite(uintptr(dst), 0, typ.PtrBytes, typ) }

//go:nosplit
func wbMove(typ *_type, dst, src unsafe.Pointer) {
	bulkBarrierPreWrite(uintptr(dst), uintptr(src), typ.PtrBytes, typ)
}

//go:linkname reflect_typedmemmove reflect.typedmemmove
func reflect_typedmemmove(typ *_type, dst, src unsafe.Pointer) { typedmemmove(typ, dst, src) }

//go:linkname reflectlite_typedmemmove internal/reflectlite.typedmemmove
func reflectlite_typedmemmove(typ *_type, dst, src unsafe.Pointer) { typedmemmove(typ, dst, src) }

//go:linkname maps_typedmemmove internal/runtime/maps.typedmemmove
func maps_typedmemmove(typ *_type, dst, src unsafe.Pointer) { typedmemmove(typ, dst, src) }

//go:linkname typedslicecopy
//go:nosplit
func typedslicecopy(typ *_type, dstPtr unsafe.Pointer, dstLen int, srcPtr unsafe.Pointer, srcLen int) int {
	n := min(dstLen, srcLen)
	if n == 0 || dstPtr == srcPtr {
		return n
	}
	size := uintptr(n) * typ.Size_
	if writeBarrier.enabled {
		bulkBarrierPreWrite(uintptr(dstPtr), uintptr(srcPtr), size-typ.Size_+typ.PtrBytes, typ)
	}
	memmove(dstPtr, srcPtr, size)
	return n
}

//go:linkname reflect_typedslicecopy reflect.typedslicecopy
func reflect_typedslicecopy(elemType *_type, dst, src slice) int {
	if !elemType.Pointers() {
		return slicecopy(dst.array, dst.len, src.array, src.len, elemType.Size_)
	}
	return typedslicecopy(elemType, dst.array, dst.len, src.array, src.len)
}

//go:nosplit
func typedmemclr(typ *_type, ptr unsafe.Pointer) {
	if writeBarrier.enabled && typ.Pointers() {
		bulkBarrierPreWrite(uintptr(ptr), 0, typ.PtrBytes, typ)
	}
	memclrNoHeapPointers(ptr, typ.Size_)
}

//go:linkname reflect_typedmemclr reflect.typedmemclr
func reflect_typedmemclr(typ *_type, ptr unsafe.Pointer) { typedmemclr(typ, ptr) }

//go:linkname maps_typedmemclr internal/runtime/maps.typedmemclr
func maps_typedmemclr(typ *_type, ptr unsafe.Pointer) { typedmemclr(typ, ptr) }

//go:linkname reflect_typedmemclrpartial reflect.typedmemclrpartial
func reflect_typedmemclrpartial(typ *_type, ptr unsafe.Pointer, off, size uintptr) {
	if typ.Pointers() {
		memclrHasPointers(ptr, size)
		return
	}
	memclrNoHeapPointers(ptr, size)
}

//go:linkname reflect_typedarrayclear reflect.typedarrayclear
func reflect_typedarrayclear(typ *_type, ptr unsafe.Pointer, len int) {
	size := typ.Size_ * uintptr(len)
	if writeBarrier.enabled && typ.Pointers() {
		bulkBarrierPreWrite(uintptr(ptr), 0, size, typ)
	}
	memclrNoHeapPointers(ptr, size)
}

//go:linkname memclrHasPointers
//go:nosplit
func memclrHasPointers(ptr unsafe.Pointer, n uintptr) {
	if writeBarrier.enabled {
		bulkBarrierPreWrite(uintptr(ptr), 0, n, nil)
	}
	memclrNoHeapPointers(ptr, n)
}
