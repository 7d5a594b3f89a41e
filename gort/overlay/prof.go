package runtime

// Profiles and traces. CPU profiles are in cpuprof.go. What gort does not record yet
// reports nothing (empty profiles) or an error (execution traces), see README.md.

import (
	"internal/profilerecord"
	"unsafe"
)

// StackRecord describes a single execution stack.
type StackRecord struct {
	Stack0 [32]uintptr
}

// Stack returns the record's program counters, up to the first zero.
func (r *StackRecord) Stack() []uintptr { return upToZero(r.Stack0[:]) }

// upToZero is the part of pcs before its first zero.
func upToZero(pcs []uintptr) []uintptr {
	n := 0
	for n < len(pcs) && pcs[n] != 0 {
		n++
	}
	return pcs[:n]
}

func goroutine_profile(pcs *uintptr, records, depth int, labels *unsafe.Pointer, leaked bool) (n int)

const profDepth = 128

// goroutineStacks calls put with the stack and labels of each goroutine, or of those that were found
// to have leaked, if there are at most room of them.
func goroutineStacks(room int, leaked bool, put func(i int, stack []uintptr, labels unsafe.Pointer)) (n int, ok bool) {
	if leaked {
		n = gc_leaks()
	} else {
		n = NumGoroutine()
	}
	if n > room {
		return n, false
	}
	pcs, labels := make([]uintptr, room*profDepth), make([]unsafe.Pointer, room)
	n = goroutine_profile(unsafe.SliceData(pcs), room, profDepth, unsafe.SliceData(labels), leaked)
	for i := 0; n <= room && i < n; i++ {
		put(i, upToZero(pcs[i*profDepth:(i+1)*profDepth]), labels[i])
	}
	return n, n <= room
}

// GoroutineProfile returns the number of goroutines and, if p has room, their stacks.
func GoroutineProfile(p []StackRecord) (n int, ok bool) {
	return goroutineStacks(len(p), false, func(i int, stack []uintptr, _ unsafe.Pointer) {
		p[i] = StackRecord{}
		copy(p[i].Stack0[:], stack)
	})
}

func profileWithLabels(p []profilerecord.StackRecord, labels []unsafe.Pointer, leaked bool) (n int, ok bool) {
	return goroutineStacks(len(p), leaked, func(i int, stack []uintptr, label unsafe.Pointer) {
		p[i].Stack = stack
		if i < len(labels) {
			labels[i] = label
		}
	})
}

//go:linkname pprof_goroutineProfileWithLabels
func pprof_goroutineProfileWithLabels(p []profilerecord.StackRecord, labels []unsafe.Pointer) (n int, ok bool) {
	return profileWithLabels(p, labels, false)
}

//go:linkname pprof_goroutineLeakProfileWithLabels
func pprof_goroutineLeakProfileWithLabels(p []profilerecord.StackRecord, labels []unsafe.Pointer) (n int, ok bool) {
	return profileWithLabels(p, labels, true)
}

func gc_find_leaks(mainToo bool) (done bool)

func gc_leaks() (n int)

// runtime_goroutineLeakGC returns when a cycle of its own has looked for leaks.
//
//go:linkname runtime_goroutineLeakGC runtime/pprof.runtime_goroutineLeakGC
func runtime_goroutineLeakGC() {
	for !gc_find_leaks(lineMainMayLeak) {
		GC()
	}
}

//go:linkname runtime_goroutineleakcount runtime/pprof.runtime_goroutineleakcount
func runtime_goroutineleakcount() int { return gc_leaks() }

// ThreadCreateProfile reports no records: CPUs are not created by the program.
func ThreadCreateProfile(p []StackRecord) (n int, ok bool) { return 0, true }

//go:linkname pprof_threadCreateInternal
func pprof_threadCreateInternal(p []profilerecord.StackRecord) (n int, ok bool) { return 0, true }

// CPUProfile has panicked since Go 1.9.
func CPUProfile() []byte { panic("CPUProfile no longer available") }

//go:linkname pprof_cyclesPerSecond runtime/pprof.runtime_cyclesPerSecond
func pprof_cyclesPerSecond() int64 { return 1000000000 }

//go:linkname pprof_makeProfStack
func pprof_makeProfStack() []uintptr { return make([]uintptr, profDepth) }

//go:linkname pprof_fpunwindExpand
func pprof_fpunwindExpand(dst, src []uintptr) int { return copy(dst, src) }

//go:linkname runtime_setProfLabel runtime/pprof.runtime_setProfLabel
func runtime_setProfLabel(labels unsafe.Pointer) { getg().labels = labels }

//go:linkname runtime_getProfLabel runtime/pprof.runtime_getProfLabel
func runtime_getProfLabel() unsafe.Pointer { return getg().labels }

// ---- execution traces -------------------------------------------------------------------

// StartTrace fails: there is no execution tracer yet.
func StartTrace() error { return errorString("execution traces are not supported by gort yet") }

// StopTrace does nothing: no trace can be running.
func StopTrace() {}

// ReadTrace returns nil: no trace can be running.
func ReadTrace() []byte { return nil }

//go:linkname traceAdvance
func traceAdvance(stop bool) {}

//go:linkname traceClockNow
func traceClockNow() uint64 { return uint64(nanotime()) }

//go:linkname traceClockUnitsPerSecond runtime/trace.runtime_traceClockUnitsPerSecond
func traceClockUnitsPerSecond() uint64 { return 1000000000 }

//go:linkname trace_userTaskCreate runtime/trace.userTaskCreate
func trace_userTaskCreate(id, parentID uint64, taskType string) {}

//go:linkname trace_userTaskEnd runtime/trace.userTaskEnd
func trace_userTaskEnd(id uint64) {}

//go:linkname trace_userRegion runtime/trace.userRegion
func trace_userRegion(id, mode uint64, name string) {}

//go:linkname trace_userLog runtime/trace.userLog
func trace_userLog(id uint64, category, message string) {}

// ---- crash output ------------------------------------------------------------------------

// crashOutput: was setCrashFD ever given a descriptor?
var crashOutput bool

func crash_fd_set(fd uintptr) (old uintptr)

//go:noescape
func crash_copy(p *byte, n int32)

// setCrashFD says where the report of a dying program shall go, too. It returns the descriptor that
// was set before, for the caller to close; all ones is none.
//
//go:linkname setCrashFD
func setCrashFD(fd uintptr) uintptr {
	old := crash_fd_set(fd)
	crashOutput = crashOutput || fd != ^uintptr(0)
	return old
}

// ---- odds and ends ----------------------------------------------------------------------

// Breakpoint executes a breakpoint trap, for a debugger that is attached.
func Breakpoint() { breakpoint() }

func breakpoint()

// SetCgoTraceback panics for versions that it does not know, and has no cgo to apply to.
func SetCgoTraceback(version int, traceback, context, symbolizer unsafe.Pointer) {
	if version != 0 {
		panic("unsupported version")
	}
}
