package runtime

// Pointer writes of sync/atomic and internal/runtime/atomic: a write barrier, then the
// machine's atomic operation on the word.

import (
	"internal/runtime/atomic"
	"unsafe"
)

// wb_shade tells the collector of a pointer that is about to be overwritten and of the one
// that takes its place.
func wb_shade(old, new unsafe.Pointer)

// told is the word at ptr, when the collector has heard that it becomes new.
func told(ptr *unsafe.Pointer, new unsafe.Pointer) *uintptr {
	if writeBarrier.enabled {
		wb_shade(*ptr, new)
	}
	return (*uintptr)(unsafe.Pointer(ptr))
}

//go:linkname atomicwb
func atomicwb(ptr *unsafe.Pointer, new unsafe.Pointer) { told(ptr, new) }

func atomicstorep(ptr unsafe.Pointer, new unsafe.Pointer) {
	atomic.Storeuintptr(told((*unsafe.Pointer)(noescape(ptr)), new), uintptr(new))
}

//go:linkname atomic_storePointer internal/runtime/atomic.storePointer
func atomic_storePointer(ptr *unsafe.Pointer, new unsafe.Pointer) {
	atomicstorep(unsafe.Pointer(ptr), new)
}

//go:linkname atomic_casPointer internal/runtime/atomic.casPointer
func atomic_casPointer(ptr *unsafe.Pointer, old, new unsafe.Pointer) bool {
	return atomic.Casuintptr(told(ptr, new), uintptr(old), uintptr(new))
}

//go:linkname sync_atomic_StorePointer sync/atomic.StorePointer
func sync_atomic_StorePointer(ptr *unsafe.Pointer, new unsafe.Pointer) {
	sync_atomic_StoreUintptr(told(ptr, new), uintptr(new))
}

//go:linkname sync_atomic_StoreUintptr sync/atomic.StoreUintptr
func sync_atomic_StoreUintptr(ptr *uintptr, new uintptr)

//go:linkname sync_atomic_SwapPointer sync/atomic.SwapPointer
func sync_atomic_SwapPointer(ptr *unsafe.Pointer, new unsafe.Pointer) unsafe.Pointer {
	return unsafe.Pointer(sync_atomic_SwapUintptr(told(ptr, new), uintptr(new)))
}

//go:linkname sync_atomic_SwapUintptr sync/atomic.SwapUintptr
func sync_atomic_SwapUintptr(ptr *uintptr, new uintptr) uintptr

//go:linkname sync_atomic_CompareAndSwapPointer sync/atomic.CompareAndSwapPointer
func sync_atomic_CompareAndSwapPointer(ptr *unsafe.Pointer, old, new unsafe.Pointer) bool {
	return sync_atomic_CompareAndSwapUintptr(told(ptr, new), uintptr(old), uintptr(new))
}

//go:linkname sync_atomic_CompareAndSwapUintptr sync/atomic.CompareAndSwapUintptr
func sync_atomic_CompareAndSwapUintptr(ptr *uintptr, old, new uintptr) bool
