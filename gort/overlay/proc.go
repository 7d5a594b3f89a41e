package runtime

// Start and end of the program, goroutines as the language and the API see them. The
// scheduler itself is C (gort/sched/sched.c).

import (
	"internal/cpu"
	"internal/runtime/atomic"
	"internal/runtime/exithook"
	"internal/runtime/sys"
	"unsafe"
)

func newproc1(fn *funcval, callerpc uintptr, again bool) (ok bool)
func goexit0()
func gosched()

// alone reports that no other goroutine waits for this CPU, nor the scheduler for us. In
// wb_amd64.s.
func alone() bool

func lockosthread()
func unlockosthread() (ok bool)
func gomaxprocs(n int32) (old int32)
func numgoroutine() (n int)
func numcpu() (n int32)
func procpin() (id int)
func procunpin()
func gocall_done()
func async_preempt()
func sched_trace_opts(periodMs, detail int32)
func machine_halt(status int32)
func rt_started()

// newproc is what a go statement compiles to.
func newproc(fn *funcval) {
	if fn == nil || fn.fn == 0 {
		fatal("go of nil func value")
	}
	pc := sys.GetCallerPC()
	if !newproc1(fn, pc, false) { // no memory for its stack
		collect(false)
		newproc1(fn, pc, true)
	}
}

//go:linkname main_main main.main
func main_main()

var mainStarted bool

// mainInitDone is set when all package initialisation has run.
var mainInitDone atomic.Bool

// main is the first goroutine: C starts it once the CPUs are up.
func main() {
	startRuntime()
	initPackages()
	rt_started()
	program := main_main // indirect: the linker places package main later
	program()
	leave()
}

func leave() {
	awaitPanics()
	runExitHooks(0)
	exit(0)
}

// startRuntime makes package runtime fit to run other packages' initialisation.
func startRuntime() {
	loadedModules = append(loadedModules, &firstmoduledata)
	noteFeatures()
	hashinit()
	modulesinit()
	typelinksinit()
	itabsinit()
	goenvsinit()
	parsedebugvars()
	mainStarted = true
	initTraceZero = nanotime()
	doInit(runtime_inittasks)
	startSystemGoroutines()
	godebugRefuseRemoved()
}

func initPackages() {
	for mod := &firstmoduledata; mod != nil; mod = mod.next {
		doInit(mod.inittasks)
	}
	mainInitDone.Store(true)
}

// awaitPanics keeps main's return from ending everything under a goroutine that is panicking:
// while that calls what it has deferred, for a while, and while it prints, for ever.
func awaitPanics() {
	for turns := 1000; turns > 0 && runningPanicDefers.Load() != 0; turns-- {
		Gosched()
	}
	if panicking.Load() != 0 {
		block()
	}
}

// noteFeatures: what compiled code and package runtime ask of the CPU, by GODEBUG's leave.
func noteFeatures() {
	cpu.Initialize(godebugEnv())
	have := &cpu.X86
	x86HasPOPCNT, x86HasSSE41 = have.HasPOPCNT, have.HasSSE41
	x86HasFMA, x86HasAVX = have.HasFMA, have.HasAVX
}

var isIntel bool

func modulesinit() {}

// doInit runs the init tasks of packages in the order that the linker found.
func doInit(ts []*initTask) {
	for i := range ts {
		ts[i].run()
	}
}

// States of a task: the linker begins with 0.
const (
	initRunning = 1
	initDone    = 2
)

// run calls a package's init functions, the addresses of which stand behind t, unless that has been
// done: a package belongs to all modules that import it.
func (t *initTask) run() {
	if t.state == initDone {
		return
	}
	if t.state == initRunning {
		throw("recursive call during initialization - linker skew")
	}
	if t.nfns == 0 {
		throw("inittask with no functions")
	}
	t.state = initRunning
	var before initTrace
	if debug.inittrace != 0 {
		before = traceInit()
	}
	code := unsafe.Slice((*funcval)(add(unsafe.Pointer(t), unsafe.Sizeof(*t))), t.nfns)
	for i := range code {
		closure := &code[i] // without captured variables
		(*(*func())(unsafe.Pointer(&closure)))()
	}
	if debug.inittrace != 0 && !mainInitDone.Load() {
		before.done(code[0].fn)
	}
	t.state = initDone
}

func init() {
	exithook.Gosched, exithook.Goid, exithook.Throw = Gosched, runtime_goid, throw
}

func runExitHooks(code int) { exithook.Run(code) }

// exit powers the machine off.
func exit(code int32) { machine_halt(code) }

// Gosched lets the goroutines that are ready run before its caller goes on.
func Gosched() {
	if !alone() {
		gosched()
	}
}

//go:nosplit
func goschedguarded() {
	if getg().m.locks == 0 {
		gosched()
	}
}

// goexit1 ends the goroutine. goexit, at the bottom of every stack, calls it.
func goexit1() { goexit0() }

// LockOSThread keeps the goroutine on its CPU until as many UnlockOSThread calls.
func LockOSThread() { lockosthread() }

// UnlockOSThread undoes one LockOSThread.
func UnlockOSThread() { unlockosthread() }

// GOMAXPROCS sets how many goroutines may run at once, if n > 0, and returns the old value.
func GOMAXPROCS(n int) int {
	if n < 0 {
		n = 0
	}
	return int(gomaxprocs(int32(n)))
}

// SetDefaultGOMAXPROCS goes back to the default: GOMAXPROCS of the environment, else all CPUs.
func SetDefaultGOMAXPROCS() {
	n := int32(numcpu())
	if v, ok := atoi(gogetenv("GOMAXPROCS")); ok && v > 0 {
		n = int32(v)
	}
	gomaxprocs(n)
}

// NumCPU is the number of CPUs that came up.
func NumCPU() int { return int(numcpu()) }

// NumGoroutine is the number of goroutines that exist.
func NumGoroutine() int { return numgoroutine() }

// NumCgoCall is 0: there is no cgo.
func NumCgoCall() int64 { return 0 }

//go:linkname sync_runtime_procPin sync.runtime_procPin
//go:nosplit
func sync_runtime_procPin() int { return procPin() }

//go:linkname sync_runtime_procUnpin sync.runtime_procUnpin
//go:nosplit
func sync_runtime_procUnpin() { getg().m.locks-- }

//go:linkname sync_atomic_runtime_procPin sync/atomic.runtime_procPin
//go:nosplit
func sync_atomic_runtime_procPin() int { return procPin() }

//go:linkname sync_atomic_runtime_procUnpin sync/atomic.runtime_procUnpin
//go:nosplit
func sync_atomic_runtime_procUnpin() { getg().m.locks-- }

//go:linkname internal_sync_runtime_procPin internal/sync.runtime_procPin
//go:nosplit
func internal_sync_runtime_procPin() int { return procPin() }

//go:linkname internal_sync_runtime_procUnpin internal/sync.runtime_procUnpin
//go:nosplit
func internal_sync_runtime_procUnpin() { getg().m.locks-- }

// procPin forbids preemption and tells which P this is.
//
//go:linkname procPin
//go:nosplit
func procPin() int {
	getg().m.locks++
	return int(*(*uint32)(currentP()))
}

//go:linkname procUnpin
//go:nosplit
func procUnpin() { getg().m.locks-- }

// currentP is the P that this CPU holds: stable only while m.locks > 0.
func currentP() unsafe.Pointer

//go:linkname runtime_goid internal/runtime/maps.goid
func runtime_goid() uint64 { return getg().goid }

var panicking atomic.Uint32
var runningPanicDefers atomic.Uint32
