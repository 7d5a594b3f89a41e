package runtime

// Finalizers, cleanups and weak pointers: the parts that call user code. gort/gc/final.c has the
// rest.

import (
	"internal/abi"
	"internal/runtime/atomic"
	"unsafe"
)

// finalizerRec is what SetFinalizer leaves with an object; C keeps it alive meanwhile.
type finalizerRec struct {
	fn eface
	ot *ptrtype // the pointer type that obj had
}

func finalizer_add(p unsafe.Pointer, rec unsafe.Pointer) (ok bool)
func finalizer_remove(p unsafe.Pointer)
func cleanup_add(p unsafe.Pointer, fn unsafe.Pointer) (id uint64)
func cleanup_stop(p uintptr, id uint64)
func weak_handle(p, fresh unsafe.Pointer) (handle unsafe.Pointer)
func weak_strong(handle unsafe.Pointer) (p unsafe.Pointer)
func finq_take(queue int) (p, rec unsafe.Pointer)
func finq_idle() (idle bool)
func finq_busy() (busy bool)
func pool_cleanup_set(fn unsafe.Pointer)

// The queues of finq_take, numbered as in gort/gc/final.c.
const (
	finqFinalizers = iota
	finqCleanups
)

var finServing atomic.Uint32

// serveFinalizers starts the goroutines that run finalizers and cleanups, once.
func serveFinalizers() {
	if finServing.Load() == 0 && finServing.CompareAndSwap(0, 1) {
		go runFinalizers()
		go runCleanups()
	}
}

func addFinalizer(p unsafe.Pointer, f *eface, ot *ptrtype) bool {
	serveFinalizers()
	rec := &finalizerRec{fn: *f, ot: ot}
	return finalizer_add(p, unsafe.Pointer(rec))
}

func removeFinalizer(p unsafe.Pointer) { finalizer_remove(p) }

func addCleanup(p unsafe.Pointer, fn func()) Cleanup {
	serveFinalizers()
	id := cleanup_add(p, *(*unsafe.Pointer)(unsafe.Pointer(&fn)))
	return Cleanup{id: id, ptr: uintptr(p)}
}

// Stop cancels the cleanup call, unless it has been queued already.
func (c Cleanup) Stop() {
	if c.id != 0 {
		cleanup_stop(c.ptr, c.id)
	}
}

// runFinalizers serves the queue of finalizers for ever.
func runFinalizers() {
	for {
		p, rec := finq_take(finqFinalizers)
		callFinalizer((*finalizerRec)(rec), p)
	}
}

// runCleanups serves the queue of cleanups for ever.
func runCleanups() {
	for {
		_, fn := finq_take(finqCleanups)
		(*(*func())(unsafe.Pointer(&fn)))()
	}
}

// yieldToFinalizers lets the calls go ahead that a collection has queued, until they are done or
// wait for something, for 10 ms at most: who forces a collection may look for its finalizers,
// and the CPU that took them may be a virtual one that its host does not run.
func yieldToFinalizers() {
	for start := nanotime(); finq_busy() && nanotime()-start < 10e6; {
		Gosched()
	}
}

// blockUntilEmptyCleanupQueue waits, up to timeout nanoseconds, until all cleanups that are
// queued have been called. Tests of the standard library use it.
func blockUntilEmptyCleanupQueue(timeout int64) bool {
	for start := nanotime(); nanotime()-start < timeout; Gosched() {
		if finServing.Load() == 0 || finq_idle() {
			return true
		}
	}
	return false
}

//go:linkname unique_blockUntilEmptyCleanupQueue unique.runtime_blockUntilEmptyCleanupQueue
func unique_blockUntilEmptyCleanupQueue(timeout int64) bool {
	return blockUntilEmptyCleanupQueue(timeout)
}

//go:linkname sync_test_blockUntilEmptyCleanupQueue sync_test.runtime_blockUntilEmptyCleanupQueue
func sync_test_blockUntilEmptyCleanupQueue(timeout int64) bool {
	return blockUntilEmptyCleanupQueue(timeout)
}

// callFinalizer calls a function of one argument, p, by reflection: its results, if any, go
// into a frame that nobody reads.
func callFinalizer(rec *finalizerRec, p unsafe.Pointer) {
	ft := (*functype)(unsafe.Pointer(rec.fn._type))
	size := unsafe.Sizeof(eface{})
	for _, t := range ft.OutSlice() {
		size = alignUp(size, uintptr(t.Align_)) + t.Size_
	}
	size = alignUp(size, 8)
	frame := mallocgc(size, nil, true)
	var regs abi.RegArgs
	in := ft.InSlice()[0]
	regs.Ints[0] = uintptr(p)
	regs.Ptrs[0] = p
	if in.Kind() == abi.Interface {
		it := (*interfacetype)(unsafe.Pointer(in))
		typ := unsafe.Pointer(rec.ot)
		if len(it.Methods) != 0 {
			typ = unsafe.Pointer(assertE2I(it, &rec.ot.Type))
		}
		regs.Ints[0], regs.Ints[1] = uintptr(typ), uintptr(p)
		regs.Ptrs[0], regs.Ptrs[1] = typ, p
	}
	reflectcall(nil, rec.fn.data, frame, uint32(size), uint32(size), uint32(size), &regs)
}

//go:linkname weak_runtime_registerWeakPointer weak.runtime_registerWeakPointer
func weak_runtime_registerWeakPointer(p unsafe.Pointer) unsafe.Pointer {
	serveFinalizers()
	if h := weak_handle(p, nil); h != nil {
		return h
	}
	// 16 bytes, so that it is nobody's neighbour in a tiny block.
	h := weak_handle(p, mallocgc(16, nil, true))
	KeepAlive(p)
	return h
}

//go:linkname weak_runtime_makeStrongFromWeak weak.runtime_makeStrongFromWeak
func weak_runtime_makeStrongFromWeak(h unsafe.Pointer) unsafe.Pointer { return weak_strong(h) }

//go:linkname sync_runtime_registerPoolCleanup sync.runtime_registerPoolCleanup
func sync_runtime_registerPoolCleanup(f func()) {
	poolCleanup = f
	setClearPools()
}

//go:linkname bcache_registerCache crypto/internal/boring/bcache.registerCache
func bcache_registerCache(p unsafe.Pointer) {
	boringCaches = append(boringCaches, p)
	setClearPools()
}

var (
	poolCleanup  func()
	boringCaches []unsafe.Pointer // of atomic pointers that each collection clears
)

func setClearPools() {
	f := clearPools
	pool_cleanup_set(*(*unsafe.Pointer)(unsafe.Pointer(&f)))
}

// clearPools is called by C, with the world stopped, when a collection starts.
func clearPools() {
	if poolCleanup != nil {
		poolCleanup()
	}
	for _, p := range boringCaches {
		atomicstorep(p, nil)
	}
}
