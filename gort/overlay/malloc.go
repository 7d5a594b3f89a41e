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
func malloc_stale(p unsafe.Pointer, off uintptr) (at, n uintptr)
func malloc_publish(p unsafe.Pointer, typ *_type)
func persistent_alloc(size, align uintptr) (p unsafe.Pointer)
func leaves_addr() unsafe.Pointer

const (
	mallocDone      = 0
	mallocDirty     = 1 // large, not zeroed yet
	mallocCollect   = 2 // collect (there is no memory, or the boot option gcstress), then ask again
	mallocBare      = 3 // very large, no memory behind it yet
	mallocBareDirty = 4 // the same, and part of it is not zero
	mallocStale     = 6 // large, memory comes when it is touched, and part of it is not zero
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
			clearRun(p, alignUp(size, pageSize))
		}
		if status == mallocStale {
			for at, n := malloc_stale(p, 0); n != 0; at, n = malloc_stale(p, at+n) {
				clearRun(add(p, at), n)
			}
		}
		if typ != nil && typ.Pointers() {
			malloc_publish(p, typ)
		}
		return p
	}
}

// clearRun clears whole pages, and can be stopped in between.
func clearRun(p unsafe.Pointer, n uintptr) {
	for off := uintptr(0); off < n; off += clearChunk {
		clearLarge(add(p, off), min(clearChunk, n-off))
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

// arrayBytes is the size of n elements; ok: there may be so many, in at most limit bytes.
func arrayBytes(elem uintptr, n int, limit uintptr) (bytes uintptr, ok bool) {
	bytes, wraps := math.MulUintptr(elem, uintptr(n))
	return bytes, n >= 0 && !wraps && bytes <= limit
}

// newarray allocates n values of typ.
//
//go:linkname newarray
func newarray(typ *_type, n int) unsafe.Pointer {
	bytes, ok := arrayBytes(typ.Size_, n, maxAlloc)
	if !ok {
		arrayTooLarge()
	}
	return mallocgc(bytes, typ, true)
}

func arrayTooLarge() { panic(plainError("runtime: allocation size out of range")) }

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

// ---- copying and clearing values ---------------------------------------------------------
//
// While the collector marks, the pointers that a range held and those that it will hold are
// told to it before they are written. There is no safe point between telling and writing: all of
// this is nosplit, and shadeRange does not stop the goroutine.

// shadeRange tells of the pointers in the n bytes at dst and of those that come from src, which may
// be nil. typ: what dst holds whole values of, or nil. A leaf, in wb_amd64.s.
//
//go:nosplit
//go:noescape
func shadeRange(dst, src unsafe.Pointer, n uintptr, typ *_type)

// heeded reports whether the collector has to hear of writes of values of typ.
func heeded(typ *_type) bool { return typ.PtrBytes != 0 && writeBarrier.enabled }

// bulkBarrierPreWriteSrcOnly is for a destination that holds nothing yet: slice.go's.
//
//go:nosplit
func bulkBarrierPreWriteSrcOnly(dst, src, size uintptr, typ *abi.Type) {
	shadeRange(unsafe.Pointer(dst), unsafe.Pointer(src), size, typ)
}

//go:linkname typedmemmove
//go:nosplit
func typedmemmove(typ *_type, dst, src unsafe.Pointer) {
	if heeded(typ) {
		wbMove(typ, dst, src)
	}
	memmove(dst, src, typ.Size_)
}

//go:linkname reflect_typedmemmove reflect.typedmemmove
func reflect_typedmemmove(typ *_type, dst, src unsafe.Pointer) { typedmemmove(typ, dst, src) }

//go:linkname reflectlite_typedmemmove internal/reflectlite.typedmemmove
func reflectlite_typedmemmove(typ *_type, dst, src unsafe.Pointer) { typedmemmove(typ, dst, src) }

//go:linkname maps_typedmemmove internal/runtime/maps.typedmemmove
func maps_typedmemmove(typ *_type, dst, src unsafe.Pointer) { typedmemmove(typ, dst, src) }

// wbZero and wbMove: the compiler clears or copies itself afterwards.
//
//go:nosplit
func wbZero(typ *_type, dst unsafe.Pointer) { shadeRange(dst, nil, typ.PtrBytes, typ) }

//go:nosplit
func wbMove(typ *_type, dst, src unsafe.Pointer) { shadeRange(dst, src, typ.PtrBytes, typ) }

// typedslicecopy copies as many elements as both slices have.
//
//go:linkname typedslicecopy
//go:nosplit
func typedslicecopy(typ *_type, to unsafe.Pointer, room int, from unsafe.Pointer, n int) int {
	n = min(n, room)
	if bytes := uintptr(n) * typ.Size_; bytes != 0 {
		if heeded(typ) {
			shadeRange(to, from, bytes-typ.Size_+typ.PtrBytes, typ)
		}
		memmove(to, from, bytes)
	}
	return n
}

//go:linkname reflect_typedslicecopy reflect.typedslicecopy
func reflect_typedslicecopy(typ *_type, dst, src slice) int {
	return typedslicecopy(typ, dst.array, dst.len, src.array, src.len)
}

// clearValues clears n values of typ.
//
//go:nosplit
func clearValues(typ *_type, at unsafe.Pointer, n uintptr) {
	bytes := n * typ.Size_
	if heeded(typ) {
		shadeRange(at, nil, bytes, typ)
	}
	memclrNoHeapPointers(at, bytes)
}

//go:nosplit
func typedmemclr(typ *_type, ptr unsafe.Pointer) { clearValues(typ, ptr, 1) }

//go:linkname reflect_typedmemclr reflect.typedmemclr
func reflect_typedmemclr(typ *_type, ptr unsafe.Pointer) { clearValues(typ, ptr, 1) }

//go:linkname maps_typedmemclr internal/runtime/maps.typedmemclr
func maps_typedmemclr(typ *_type, ptr unsafe.Pointer) { clearValues(typ, ptr, 1) }

//go:linkname reflect_typedarrayclear reflect.typedarrayclear
func reflect_typedarrayclear(typ *_type, ptr unsafe.Pointer, len int) {
	clearValues(typ, ptr, uintptr(len))
}

// reflect_typedmemclrpartial clears size bytes at ptr, which is off bytes into a value of typ.
//
//go:linkname reflect_typedmemclrpartial reflect.typedmemclrpartial
func reflect_typedmemclrpartial(typ *_type, ptr unsafe.Pointer, off, size uintptr) {
	clearWords(ptr, size, typ.PtrBytes > off)
}

//go:linkname memclrHasPointers
//go:nosplit
func memclrHasPointers(ptr unsafe.Pointer, n uintptr) { clearWords(ptr, n, true) }

// clearWords clears n bytes that may hold pointers.
//
//go:nosplit
func clearWords(at unsafe.Pointer, n uintptr, may bool) {
	if may && writeBarrier.enabled {
		shadeRange(at, nil, n, nil)
	}
	memclrNoHeapPointers(at, n)
}
