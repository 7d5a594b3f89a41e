package runtime

// Small helpers that the kept language-support files and the compiler expect.

import (
	"internal/abi"
	"internal/goarch"
	"internal/runtime/atomic"
	"unsafe"
)

const (
	// GOOS and GOARCH name the system that the program was built for.
	GOOS   string = "linux"
	GOARCH string = goarch.GOARCH
)

const (
	pageSize     = 8192
	maxAlloc     = 1 << 48
	maxSmallSize = 32768

	aixStaticDataBase = 0

	// minLegalPointer is below every address that an object can have.
	minLegalPointer uintptr = 4096
)

func add(p unsafe.Pointer, x uintptr) unsafe.Pointer { return unsafe.Pointer(uintptr(p) + x) }

func addb(p *byte, n uintptr) *byte { return (*byte)(add(unsafe.Pointer(p), n)) }

// getg is replaced by the compiler with the contents of the g register.
func getg() *g

//go:nosplit
func noescape(p unsafe.Pointer) unsafe.Pointer {
	x := uintptr(p)
	return unsafe.Pointer(x ^ 0)
}

func divRoundUp(n, a uintptr) uintptr { return (n + a - 1) / a }

func alignUp(n, a uintptr) uintptr { return (n + a - 1) &^ (a - 1) }

// systemstack runs fn where it is: the goroutine's own stack grows as fn needs.
//
//go:nosplit
func systemstack(fn func()) { fn() }

func memmove(to, from unsafe.Pointer, n uintptr)

func memclrNoHeapPointers(ptr unsafe.Pointer, n uintptr)

//go:linkname reflect_memclrNoHeapPointers reflect.memclrNoHeapPointers
func reflect_memclrNoHeapPointers(ptr unsafe.Pointer, n uintptr) { memclrNoHeapPointers(ptr, n) }

//go:linkname reflect_memmove reflect.memmove
func reflect_memmove(to, from unsafe.Pointer, n uintptr) { memmove(to, from, n) }

//go:noescape
func memequal(a, b unsafe.Pointer, size uintptr) bool

//go:noescape
func memequal_varlen(a, b unsafe.Pointer) bool

func cmpstring(x, y string) int

func spillArgs()
func unspillArgs()

//go:noescape
func reflectcall(stackArgsType *_type, fn, stackArgs unsafe.Pointer, stackArgsSize, stackRetOffset, frameSize uint32, regArgs *abi.RegArgs)

func badreflectcall() { panic(plainError("arg size to reflect.call more than 1GB")) }

// reflectcallmove copies the results of a reflected call back from the callee's frame, and makes those
// that are pointers, and came in registers, visible to the collector.
//
//go:nosplit
func reflectcallmove(typ *_type, dst, src unsafe.Pointer, size uintptr, regs *abi.RegArgs) {
	if size >= goarch.PtrSize && typ != nil && heeded(typ) {
		shadeRange(dst, src, size, nil)
	}
	memmove(dst, src, size)
	words := (*[abi.IntArgRegs]unsafe.Pointer)(unsafe.Pointer(&regs.Ints))
	for i := len(words) - 1; i >= 0; i-- {
		if regs.ReturnIsPtr.Get(i) {
			regs.Ptrs[i] = words[i]
		}
	}
}

// The linker's magic: see textflag. They never return to Go code.
func goexit()
func morestack()
func morestack_noctxt()
func asyncPreempt()

// zeroVal is what a map lookup that finds nothing returns the address of.
//
//go:linkname zeroVal
var zeroVal [abi.ZeroValSize]byte

//go:linkname zerobase
var zerobase uintptr

// writeBarrier is read by compiled code before every pointer write; C sets it with the
// world stopped.
var writeBarrier struct {
	enabled bool
	pad     [3]byte
	alignme uint64
}

func bool2int(x bool) int { return int(*(*uint8)(unsafe.Pointer(&x))) }

//go:linkname procyield
func procyield(cycles uint32)

//go:nosplit
func osyield() {}

type lockRank int

const lockRankItab, lockRankTypelinks lockRank = 0, 0

func lockInit(l *mutex, rank lockRank) {}

// lock keeps this goroutine on its CPU until unlock and spins for the mutex: a holder is
// always running, so the wait is short.
//
//go:nosplit
func lock(l *mutex) {
	getg().m.locks++
	for !atomic.Cas(&l.key, 0, 1) {
		procyield(10)
	}
}

//go:nosplit
func unlock(l *mutex) {
	atomic.Store(&l.key, 0)
	getg().m.locks--
}

//go:nosplit
func acquirem() *m {
	mp := getg().m
	mp.locks++
	return mp
}

//go:nosplit
func releasem(mp *m) { mp.locks-- }

// KeepAlive is a use of x: until here neither the object nor its finalizer goes.
func KeepAlive(x any) {
	if cgoAlwaysFalse {
		println(x)
	}
}

var cgoAlwaysFalse bool

// funcInfo stands for a function found by findfunc, for panicwrap in the kept error.go.
type funcInfo struct{ pc uintptr }

func findfunc(pc uintptr) funcInfo { return funcInfo{pc} }

func funcname(f funcInfo) string {
	buf := make([]byte, 256)
	n := caller_name(f.pc, &buf[0], len(buf))
	return string(buf[:n])
}

func funcNameForPrint(name string) string { return name }

func (md *moduledata) textAddr(off uint32) uintptr { return md.text + uintptr(off) }
