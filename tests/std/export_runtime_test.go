package runtime

// What tests of package runtime ask of the package itself and gort's has: scripts/conformance-std
// puts this file in the place of upstream's own, whose inside gort does not share.

import "unsafe"

var (
	Nanotime       = nanotime
	Cputicks       = cputicks
	MemHash        = memhash
	ParseByteCount = parseByteCount
	Lock           = lock
	Unlock         = unlock
	ProcYield      = procyield
	OSYield        = osyield
	X86HasAVX      = &x86HasAVX

	MemclrNoHeapPointers = memclrNoHeapPointers
	Memmove              = memmove
)

const (
	PtrSize  = 8
	HashLoad = 7.0 / 8
)

type Mutex = mutex

var (
	never   bool
	escaped any
)

// Escape makes x live on the heap, for all that the compiler knows.
func Escape[T any](x T) T {
	if never {
		escaped = x
	}
	return x
}

func FrameStartLine(f *Frame) int { return f.startLine }

func Usleep(us uint32) { timeSleep(int64(us) * 1000) }

type TimeTimer = timeTimer

func Envs() []string     { return envs }
func SetEnvs(e []string) { envs = e }

func MemclrBytes(b []byte) {
	if len(b) > 0 {
		memclrNoHeapPointers(unsafe.Pointer(&b[0]), uintptr(len(b)))
	}
}

// SetTracebackEnv is debug.SetTraceback, raised for good.
func SetTracebackEnv(level string) { setTraceback(level) }

// PanicForTesting indexes out of range in package runtime.
//
//go:noinline
func PanicForTesting(b []byte, i int) byte { return b[i] }

// BlockUntilEmptyFinalizerQueue waits until no finalizer is due.
func BlockUntilEmptyFinalizerQueue(timeout int64) bool {
	return waitQueue(timeout, func(c *metricsC) bool { return c.finsRun >= c.finsQueued })
}

// BlockUntilEmptyCleanupQueue waits until no cleanup is due.
func BlockUntilEmptyCleanupQueue(timeout int64) bool {
	return waitQueue(timeout, func(c *metricsC) bool { return c.cleanupsRun >= c.cleanupsQueued })
}

var (
	queueMetrics metricsC
	queueMemory  memStatsC
)

func waitQueue(timeout int64, empty func(c *metricsC) bool) bool {
	for end := nanotime() + timeout; ; timeSleep(1e6) {
		metrics_read(unsafe.Pointer(&queueMetrics), unsafe.Sizeof(queueMetrics),
			unsafe.Pointer(&queueMemory))
		if empty(&queueMetrics) {
			return true
		}
		if nanotime() > end {
			return false
		}
	}
}

// ---- what only tests that conformance-std leaves out would use ---------------------------------

func notHere() { panic("the inside of another runtime") }

const (
	FramePointerEnabled = false
	PreemptMSupported   = false
)

var (
	MutexContended = func(l *mutex) bool { notHere(); return false }
)

func FPCallers(pcs []uintptr) int                            { notHere(); return 0 }
func RunSchedLocalQueueTest()                                { notHere() }
func RunSchedLocalQueueStealTest()                           { notHere() }
func RunSchedLocalQueueEmptyTest(iters int)                  { notHere() }
func RunStealOrderTest()                                     { notHere() }
func RunGetgThreadSwitchTest()                               { notHere() }
func LockOSCounts() (external, internal uint32)              { notHere(); return }
func NetpollGenericInit()                                    { notHere() }
func NetpollBreak()                                          { notHere() }
func MyGenericFunc[T any]()                                  { notHere() }
func GCMarkDoneResetRestartFlag()                            { notHere() }
func GCMarkDoneRestarted() bool                              { notHere(); return false }
func Netpoll(delta int64)                                    { notHere() }
func Entersyscall()                                          { notHere() }
func Exitsyscall()                                           { notHere() }
func TracebackSystemstack(stk []uintptr, i int) int          { notHere(); return 0 }
func ShrinkStackAndVerifyFramePointers()                     { notHere() }
func GostringW(w []uint16) string                            { notHere(); return "" }
func GCTestMoveStackOnNextCall()                             { notHere() }
func GCTestIsReachable(ptrs ...unsafe.Pointer) (mask uint64) { notHere(); return }
func GCTestPointerClass(p unsafe.Pointer) string             { notHere(); return "" }
func CountPagesInUse() (pagesInUse, counted uintptr)         { notHere(); return }
func ReadMemStatsSlow() (base, slow MemStats)                { notHere(); return }
func MSpanCountAlloc(ms *MSpan, bits []byte) int             { notHere(); return 0 }
func AllocMSpan() *MSpan                                     { notHere(); return nil }
func FreeMSpan(s *MSpan)                                     { notHere() }
func SetSpinInGCMarkDone(spin bool)                          { notHere() }

type MSpan struct{}

var (
	forceGCPeriod           int64
	ForceGCPeriod           = &forceGCPeriod
	DoubleCheckReadMemStats = new(bool)
)

type PoisonState struct{}

func (PoisonState) Restore() {}

// StackPoisonCopy would have stacks poisoned when they have moved; the boot option stackstress moves
// them at every chance.
func StackPoisonCopy() PoisonState { return PoisonState{} }
