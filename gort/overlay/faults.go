package runtime

// Run-time errors: what failed checks, exceptions and C's gates raise.

import (
	"internal/abi"
	"internal/runtime/sys"
	"unsafe"
)

func pcdata_value(pc uintptr, table int32) (v int32)

//go:noescape
func caller_name(pc uintptr, buf *byte, cap int) (n int)

const (
	sigILL  = 4
	sigTRAP = 5
	sigBUS  = 7
	sigFPE  = 8
	sigSEGV = 11
)

var (
	shiftError    = error(errorString("negative shift amount"))
	divideError   = error(errorString("integer divide by zero"))
	overflowError = error(errorString("integer overflow"))
	floatError    = error(errorString("floating point error"))
	memoryError   = error(errorString("invalid memory address or nil pointer dereference"))
	simdImmError  = error(errorString("out-of-range immediate for simd intrinsic"))
)

func panicshift()    { panicCheck1(sys.GetCallerPC(), "negative shift amount"); panic(shiftError) }
func panicdivide()   { panic(divideError) }
func panicoverflow() { panic(overflowError) }
func panicfloat()    { panic(floatError) }
func panicmem()      { panic(memoryError) }
func panicSimdImm()  { panic(simdImmError) }

func panicmemAddr(addr uintptr) {
	panic(errorAddressString{msg: "invalid memory address or nil pointer dereference", addr: addr})
}

// rangeErrors says what a range-over-func loop in each state is blamed for.
var rangeErrors = [...]error{
	abi.RF_DONE:          errorString("range function continued iteration after function for loop body returned false"),
	abi.RF_PANIC:         errorString("range function continued iteration after loop body panic"),
	abi.RF_EXHAUSTED:     errorString("range function continued iteration after whole loop exit"),
	abi.RF_MISSING_PANIC: errorString("range function recovered a loop body panic and did not resume panicking"),
}

//go:noinline
func panicrangestate(state int) {
	if state < 0 || state >= len(rangeErrors) || rangeErrors[state] == nil {
		throw("unexpected state passed to panicrangestate")
	}
	panic(rangeErrors[state])
}

// panicCheck1 turns a run-time error inside the runtime itself into a fatal one.
func panicCheck1(pc uintptr, msg string) {
	var buf [64]byte
	n := caller_name(pc, &buf[0], len(buf))
	const self = "runtime."
	if n >= len(self) && string(buf[:len(self)]) == self {
		throw(msg)
	}
}

func panicBounds()

// panicBounds64 makes a bounds error from what the compiler noted at the failing check: which kind it
// is, and of index and length the value, or the register that has it.
func panicBounds64(pc uintptr, regs *[16]int64) {
	note := pcdata_value(pc-1, abi.PCDATA_PanicBounds)
	code, signed, indexInReg, lengthInReg, index, length := abi.BoundsDecode(int(note))
	what := "slice bounds out of range"
	if code == abi.BoundsIndex {
		what = "index out of range"
	}
	panicCheck1(pc, what)
	operand := func(inReg bool, n int) int64 {
		if inReg {
			return regs[n]
		}
		return int64(n)
	}
	panic(boundsError{operand(indexInReg, index), int(operand(lengthInReg, length)), signed, code})
}

// The machine's faults, as the exception handler leaves them in g: as signals, with their codes.
const (
	siKernel  = 0x80
	fpeIntDiv = 1
	fpeIntOvf = 2
)

type fault uint8

const (
	faultUnknown fault = iota
	faultNil
	faultAddress // of a program that wants to handle such
	faultDeadly
	faultDivide
	faultOverflow
	faultFloat
	faultInstruction
)

func (gp *g) fault() fault {
	switch sig, code := gp.sig, gp.sigcode0; {
	case sig == sigILL:
		return faultInstruction
	case sig == sigFPE && code == fpeIntDiv:
		return faultDivide
	case sig == sigFPE && code == fpeIntOvf:
		return faultOverflow
	case sig == sigFPE:
		return faultFloat
	case sig != sigSEGV && sig != sigBUS:
		return faultUnknown
	case code != siKernel && gp.sigcode1 < minLegalPointer:
		return faultNil
	case gp.paniconfault:
		return faultAddress
	}
	return faultDeadly
}

// faultPanics has what a program may recover from.
var faultPanics = [...]func(){
	faultNil:      panicmem,
	faultAddress:  func() { panicmemAddr(getg().sigcode1) },
	faultDivide:   panicdivide,
	faultOverflow: panicoverflow,
	faultFloat:    panicfloat,
}

// sigpanic is called, as it seems, by the instruction that faulted.
func sigpanic() {
	gp := getg()
	kind := gp.fault()
	if int(kind) < len(faultPanics) && faultPanics[kind] != nil {
		faultPanics[kind]()
	}
	if kind == faultInstruction {
		illegalInstruction(gp)
	}
	why := "unexpected signal"
	if kind == faultDeadly {
		print("unexpected fault address ", hex(gp.sigcode1), "\n")
		why = "fault"
	}
	throw(why)
}

// illegalInstruction says what Go says on Linux about a signal that it makes no panic of.
func illegalInstruction(gp *g) {
	beginDying()
	println("SIGILL: illegal instruction")
	print("PC=", hex(gp.sigpc), " m=0 sigcode=", gp.sigcode0, "\n")
	print("instruction bytes:")
	for at := gp.sigpc; at < gp.sigpc+16 && (at == gp.sigpc || at%4096 != 0); at++ {
		print(" ", hex(*(*byte)(unsafe.Pointer(at))))
	}
	println()
	crash_traceback(tracebackRuntime)
	exit(crashStatus())
}
