package runtime

// The collector's Go side: what calls user code, and the checks that SetFinalizer and its kin
// make of their arguments.

import (
	"internal/abi"
	"unsafe"
)

//go:noescape
func mem_object(p unsafe.Pointer) (base, size uintptr, noscan, tiny bool)

func gc_force(forced bool) (cycle int, running bool)
func gc_wait(cycle int)
func gc_sweep() (more bool)
func gc_worker()
func gc_bgsweep(collected bool) (wanted bool)

// GC runs a garbage collection and blocks until it is complete, its sweep included.
func GC() { collect(true) }

// collect returns when a cycle that began after the call is complete and swept.
func collect(forced bool) {
	for {
		cycle, running := gc_force(forced)
		gc_wait(cycle)
		if !running {
			break
		}
	}
	// What was runnable before gets its turn, even on one CPU and if nothing is left to sweep.
	for more := true; more; Gosched() {
		more = gc_sweep()
	}
	if forced {
		yieldToFinalizers()
	}
}

// gcBgMarkWorker marks while there is something to mark. There is one per P.
func gcBgMarkWorker() {
	for {
		gc_worker()
	}
}

// bgsweep sweeps what nobody else has swept, and collects for goroutines whose stacks found no
// memory.
func bgsweep() {
	for want := false; ; {
		want = gc_bgsweep(want)
		if want {
			collect(false)
		}
	}
}

// isStaticData reports whether p is a variable of the program: it lives for ever.
func isStaticData(p unsafe.Pointer) bool {
	if p == unsafe.Pointer(&zerobase) {
		return true
	}
	for mod := &firstmoduledata; mod != nil; mod = mod.next {
		if mod.hasVariable(uintptr(p)) {
			return true
		}
	}
	return false
}

// hasVariable reports whether a is in the module's variables or its read-only data. Below a
// segment the difference is huge.
func (md *moduledata) hasVariable(a uintptr) bool {
	first := min(md.types, md.rodata)
	return a-md.noptrdata < md.end-md.noptrdata || a-first < md.etypes-first
}

// checkFinalizer checks a pointer and its finalizer as the documentation of SetFinalizer wants it.
func checkFinalizer(etyp *_type, ot *ptrtype, ftyp *_type) {
	if ftyp.Kind() != abi.Func {
		throw("runtime.SetFinalizer: second argument is " + toRType(ftyp).string() + ", not a function")
	}
	ft := (*functype)(unsafe.Pointer(ftyp))
	bad := "runtime.SetFinalizer: cannot pass " + toRType(etyp).string() + " to finalizer " + toRType(ftyp).string()
	if ft.IsVariadic() {
		throw(bad + " because dotdotdot")
	}
	if ft.InCount != 1 {
		throw(bad)
	}
	in := ft.InSlice()[0]
	switch {
	case in == etyp:
		return
	case in.Kind() == abi.Pointer:
		if (in.Uncommon() == nil || etyp.Uncommon() == nil) && (*ptrtype)(unsafe.Pointer(in)).Elem == ot.Elem {
			return
		}
	case in.Kind() == abi.Interface:
		it := (*interfacetype)(unsafe.Pointer(in))
		if len(it.Methods) == 0 || assertE2I2(it, etyp) != nil {
			return
		}
	}
	throw(bad)
}

// SetFinalizer has finalizer called with obj, in a goroutine of the runtime, some time after obj
// has become unreachable; nil takes back what an earlier call has set.
func SetFinalizer(obj any, finalizer any) {
	o, f := efaceOf(&obj), efaceOf(&finalizer)
	onHeap := checkFinalizable(o)
	switch {
	case !onHeap: // it never becomes unreachable
	case f._type == nil:
		removeFinalizer(o.data)
	default:
		ot := (*ptrtype)(unsafe.Pointer(o._type))
		checkFinalizer(o._type, ot, f._type)
		if !addFinalizer(o.data, f, ot) {
			throw("runtime.SetFinalizer: finalizer already set")
		}
	}
}

// checkFinalizable ends the program unless o points to a variable, or to the beginning of an object
// in the heap, which it reports.
func checkFinalizable(o *eface) (onHeap bool) {
	const who = "runtime.SetFinalizer: "
	t := o._type
	if t == nil {
		throw(who + "first argument is nil")
	}
	if t.Kind() != abi.Pointer {
		throw(who + "first argument is " + toRType(t).string() + ", not pointer")
	}
	elem := (*ptrtype)(unsafe.Pointer(t)).Elem
	if elem == nil {
		throw("nil elem type!")
	}
	base, _, _, _ := mem_object(o.data)
	onHeap = base != 0
	if !onHeap && !isStaticData(o.data) {
		throw(who + "pointer not in allocated block")
	}
	// Objects without pointers below 16 bytes may share a block.
	alone := elem.Size_ >= 16 || elem.Pointers()
	if onHeap && alone && base != uintptr(o.data) {
		throw(who + "pointer not at beginning of allocated block")
	}
	return
}

// Cleanup names one call that AddCleanup has arranged.
type Cleanup struct {
	id  uint64
	ptr uintptr
}

// AddCleanup has cleanup called with arg, in a goroutine of the runtime, once the collector has
// found that nothing reaches the object of ptr any more.
func AddCleanup[T, S any](ptr *T, cleanup func(S), arg S) Cleanup {
	ptr, cleanup = abi.Escape(ptr), abi.Escape(cleanup)
	p, closure := unsafe.Pointer(ptr), *(*unsafe.Pointer)(unsafe.Pointer(&cleanup))
	var kept uintptr // what arg keeps alive at least
	switch abi.TypeOf(arg).Kind() {
	case abi.Pointer, abi.UnsafePointer:
		kept = *(*uintptr)(unsafe.Pointer(&arg))
	}
	if !checkCleanup(p, closure, kept) {
		return Cleanup{}
	}
	return addCleanup(p, func() { cleanup(arg) })
}

// checkCleanup panics when a cleanup of ptr could never run, or ptr is no pointer to a variable.
// It reports whether there is an object that can die.
func checkCleanup(ptr, closure unsafe.Pointer, kept uintptr) bool {
	const who = "runtime.AddCleanup: "
	if ptr == nil {
		panic(who + "ptr is nil")
	}
	if kept == uintptr(ptr) {
		panic(who + "ptr is equal to arg, cleanup will never run")
	}
	base, size, _, tiny := mem_object(ptr)
	switch {
	case base == 0 && isStaticData(ptr):
		return false
	case base == 0:
		panic(who + "ptr not in allocated block")
	case kept-base < size && !tiny:
		panic(who + "ptr is within arg, cleanup will never run")
	case closesOver(closure, base, size):
		panic(who + "cleanup function closes over ptr, cleanup will never run")
	}
	return true
}

// closesOver reports whether the closure fn has captured a pointer into [base, base+size).
func closesOver(fn unsafe.Pointer, base, size uintptr) bool {
	closure, bytes, noscan, _ := mem_object(fn)
	if closure == 0 || noscan {
		return false
	}
	for off := uintptr(0); off < bytes; off += 8 {
		var pointer [1]byte
		mem_ptrmask(unsafe.Pointer(closure+off), pointer[:])
		if p := *(*uintptr)(unsafe.Pointer(closure + off)); pointer[0] != 0 && p-base < size {
			return true
		}
	}
	return false
}

// findObject returns the base of the heap object that p points into, 0 if there is none.
//
//go:linkname findObject
func findObject(p, refBase, refOff uintptr) (base uintptr, s *notInHeap, objIndex uintptr) {
	base, _, _, _ = mem_object(unsafe.Pointer(p))
	return base, nil, 0
}

// spanOfHeap tells whether p is in a span of heap objects: not 0.
func spanOfHeap(p uintptr) uintptr {
	_, size, _, _ := mem_object(unsafe.Pointer(p))
	return size
}

// freegc would give memory back at once that the compiler knows to be dead; the collector
// finds it anyway.
func freegc(p unsafe.Pointer, size uintptr, noscan bool) bool { return false }

func gc_enable(percent int32, limit int64, profileRate *int)

// startSystemGoroutines runs once package runtime is initialised.
func startSystemGoroutines() {
	for i := 0; i < max(GOMAXPROCS(0), NumCPU()); i++ {
		go gcBgMarkWorker()
	}
	go bgsweep()
	if disableMemoryProfiling {
		MemProfileRate = 0
	}
	if memProfileRateWanted >= 0 {
		MemProfileRate = int(memProfileRateWanted)
	}
	gc_enable(debug.gogc, debug.memlimit, &MemProfileRate)
}
