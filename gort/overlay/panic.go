package runtime

// defer, panic, recover and Goexit. Deferred closures run on the goroutine's own stack, so
// the loops that call them are Go. Finding the frames, deciding whether a recover counts and
// continuing at the recovering frame's deferreturn is C (gort/stack/panics.c), which unwinds.

import (
	"internal/abi"
	"internal/runtime/atomic"
	"internal/runtime/sys"
	"unsafe"
)

//go:noescape
func panic_frame(p *_panic) (ok bool)

//go:noescape
func panic_can_recover(p *_panic) (ok bool)
func panic_recover()
func pcdata_value(pc uintptr, table int32) (v int32)

//go:noescape
func caller_name(pc uintptr, buf *byte, cap int) (n int)
func freeze_world()
func crash_traceback(level int32)

// ---- registering deferred calls -------------------------------------------------------

func deferproc(fn func()) {
	d := &_defer{heap: true, fn: fn}
	linkDefer(d, sys.GetCallerPC(), sys.GetCallerSP())
}

// linkDefer pushes d for the frame whose callee-side stack pointer is sp.
//
//go:nosplit
func linkDefer(d *_defer, pc, sp uintptr) {
	gp := getg()
	d.pc, d.sp = pc, sp
	d.link = gp._defer
	gp._defer = d
}

// deferprocStack is deferproc for a record in the caller's frame, of which the compiler has
// set fn alone. The rest is garbage, so it is overwritten without write barriers; the
// collector finds the list from g, and marks what it leads to.
//
//go:nosplit
func deferprocStack(d *_defer) {
	gp := getg()
	d.heap, d.rangefunc = false, false
	d.sp, d.pc = sys.GetCallerSP(), sys.GetCallerPC()
	storeRaw(unsafe.Pointer(&d.head), nil)
	storeRaw(unsafe.Pointer(&d.link), unsafe.Pointer(gp._defer))
	storeRaw(unsafe.Pointer(&gp._defer), unsafe.Pointer(d))
}

// storeRaw stores a pointer without a write barrier.
//
//go:nosplit
func storeRaw(slot, p unsafe.Pointer) { *(*uintptr)(slot) = uintptr(p) }

// deferrangefunc makes a token for defer statements inside the body of a range-over-func
// loop: the body is another function, but its defers belong to this frame. The token is the
// head of a list of its own, spliced in by deferconvert when its turn comes.
func deferrangefunc() any {
	d := &_defer{heap: true, rangefunc: true, head: new(atomic.Pointer[_defer])}
	linkDefer(d, sys.GetCallerPC(), sys.GetCallerSP())
	return d.head
}

// spentDefers marks a token whose frame has run its defers.
func spentDefers() *_defer { return (*_defer)(unsafe.Pointer(uintptr(1))) }

func deferprocat(fn func(), frame any) {
	token := frame.(*atomic.Pointer[_defer])
	d := &_defer{heap: true, fn: fn}
	for {
		first := token.Load()
		if first == spentDefers() {
			throw("defer after range func returned")
		}
		d.link = first
		if token.CompareAndSwap(first, d) {
			return
		}
	}
}

// deferconvert splices the calls that d0's token collected in behind d0.
func deferconvert(d0 *_defer) {
	first := d0.head.Load()
	for !d0.head.CompareAndSwap(first, spentDefers()) {
		first = d0.head.Load()
	}
	d0.rangefunc = false
	if first == nil {
		return
	}
	last := first
	for {
		last.sp, last.pc = d0.sp, d0.pc
		if last.link == nil {
			break
		}
		last = last.link
	}
	last.link = d0.link
	d0.link = first
}

// popDefer unlinks the newest record. Its fn may point into the stack: forget it first.
func popDefer(gp *g) {
	d := gp._defer
	d.fn = nil
	gp._defer = d.link
	d.link = nil
}

// ---- running them ---------------------------------------------------------------------

// deferreturn runs the deferred calls of its caller's frame. The compiler ends every function
// with defers in a call to it; a recovered panic continues there too.
func deferreturn() {
	var p _panic
	p.deferreturn = true
	p.start(sys.GetCallerPC(), unsafe.Pointer(sys.GetCallerSP()))
	for {
		fn, ok := p.nextDefer()
		if !ok {
			return
		}
		fn()
	}
}

// resumeDefers says which open-coded defers a recovered frame has still to run: kept as
// offsets, since it outlives a move of the stack.
type resumeDefers struct {
	retpc      uintptr
	bitsOffset uintptr
	slotOffset uintptr
}

// start begins a walk. pc and sp are those of the frame that called gopanic, Goexit or
// deferreturn. A Goexit whose walk a recover cut short begins again here: this returns twice.
//
//go:noinline
func (p *_panic) start(pc uintptr, sp unsafe.Pointer) {
	gp := getg()
	p.startPC = sys.GetCallerPC()
	p.startSP = unsafe.Pointer(sys.GetCallerSP())
	if p.deferreturn {
		p.sp = sp
		if r := (*resumeDefers)(gp.param); r != nil {
			gp.param = nil
			p.retpc = r.retpc
			p.deferBits = (*uint8)(add(sp, r.bitsOffset))
			p.slots = add(sp, r.slotOffset)
		}
		return
	}
	p.link = gp._panic
	gp._panic = (*_panic)(noescape(unsafe.Pointer(p)))
	p.lr, p.fp = pc, sp
	panic_frame(p)
}

// nextDefer returns the deferred call to make next; ok is false when there is none left. (fn
// may be nil even then: calling it is the program's mistake.) After a recover it does not
// return but continues in the recovering frame.
func (p *_panic) nextDefer() (fn func(), ok bool) {
	gp := getg()
	if !p.deferreturn {
		if gp._panic != p {
			throw("bad panic stack")
		}
		if p.recovered {
			recoverFrame(p)
		}
	}
	for {
		if p.deferBits != nil {
			if bits := *p.deferBits; bits != 0 {
				i := 7 - sys.LeadingZeros8(bits)
				*p.deferBits = bits &^ (1 << uint(i))
				return *(*func())(add(p.slots, uintptr(i)*8)), true
			}
			p.deferBits = nil
		}
		for d := gp._defer; d != nil && d.sp == uintptr(p.sp); d = gp._defer {
			if d.rangefunc {
				deferconvert(d)
				popDefer(gp)
				continue
			}
			fn, p.retpc = d.fn, d.pc
			popDefer(gp)
			return fn, true
		}
		if p.deferreturn || !panic_frame(p) {
			return nil, false
		}
	}
}

// recoverFrame leaves the panic: the goroutine continues as if the deferring function's last
// deferred call had returned.
func recoverFrame(p *_panic) {
	gp := getg()
	if p.deferBits != nil && *p.deferBits != 0 {
		gp.param = unsafe.Pointer(&resumeDefers{
			retpc:      p.retpc,
			bitsOffset: uintptr(unsafe.Pointer(p.deferBits)) - uintptr(p.sp),
			slotOffset: uintptr(p.slots) - uintptr(p.sp),
		})
	}
	panic_recover() // continues elsewhere
	throw("recovery failed")
}

// PanicNilError is what recover gets of a panic(nil).
type PanicNilError struct {
	_ [0]*PanicNilError
}

func (*PanicNilError) Error() string { return "panic called with nil argument" }
func (*PanicNilError) RuntimeError() {}

// gopanic is what panic compiles to.
//
//go:linkname gopanic
func gopanic(e any) {
	if e == nil {
		if debug.panicnil.Load() != 1 {
			e = new(PanicNilError)
		} else {
			panicnil.IncNonDefault()
		}
	}
	gp := getg()
	if gp.m.locks != 0 {
		print("panic: ")
		printpanicval(e)
		print("\n")
		throw("panic holding locks")
	}

	var p _panic
	p.arg = e
	p.gopanicFP = unsafe.Pointer(sys.GetCallerSP())
	runningPanicDefers.Add(1)
	p.start(sys.GetCallerPC(), unsafe.Pointer(sys.GetCallerSP()))
	for {
		fn, ok := p.nextDefer()
		if !ok {
			break
		}
		fn()
	}
	preprintpanics(&p)
	fatalpanic(&p)
}

// gorecover is what recover compiles to.
func gorecover() any {
	p := getg()._panic
	if p == nil || p.goexit || p.recovered || !panic_can_recover(p) {
		return nil
	}
	p.recovered = true
	return p.arg
}

// ---- dying ----------------------------------------------------------------------------

// markRepanicked notes, of the panic that p follows, that p has the same value.
//
//go:nosplit
func markRepanicked(p *_panic) bool {
	same := p.link != nil && *efaceOf(&p.link.arg) == *efaceOf(&p.arg)
	if same {
		p.link.repanicked = true
	}
	return same
}

// preprintpanics turns the panics' values into strings while user code may still run.
func preprintpanics(p *_panic) {
	defer func() {
		const text = "panic while printing panic value"
		switch r := recover().(type) {
		case nil:
		case string:
			throw(text + ": " + r)
		default:
			throw(text + ": type " + toRType(efaceOf(&r)._type).string())
		}
	}()
	for ; p != nil; p = p.link {
		if markRepanicked(p) {
			continue
		}
		switch v := p.arg.(type) {
		case error:
			p.arg = v.Error()
		case stringer:
			p.arg = v.String()
		}
	}
}

// printpanics prints the chain, the oldest first, each further one indented. One that was
// raised again with the same value is printed once.
func printpanics(p *_panic) {
	if older := p.link; older != nil {
		printpanics(older)
		switch {
		case older.repanicked:
			return
		case !older.goexit:
			print("\t")
		}
	}
	if p.goexit {
		return
	}
	note := ""
	if p.recovered {
		note = " [recovered]"
		if p.repanicked {
			note = " [recovered, repanicked]"
		}
	}
	print("panic: ")
	printpanicval(p.arg)
	print(note, "\n")
}

// beginDying stops the other CPUs, so that nothing interleaves with the last words. False
// means that printing has failed already.
//
//go:nosplit
func beginDying() bool {
	mp := getg().m
	mp.dying++
	switch mp.dying {
	case 1:
		panicking.Add(1)
		freeze_world()
		return true
	case 2:
		print("panic during panic\n")
		return false
	case 3:
		print("stack trace unavailable\n")
		exit(4)
	}
	exit(5)
	return false
}

// Traceback levels, as crash_traceback has them.
const (
	tracebackPanic   = 0 // GOTRACEBACK decides
	tracebackRuntime = 2 // with the runtime's frames
)

//go:nosplit
func fatalpanic(p *_panic) {
	if beginDying() {
		runningPanicDefers.Add(-1)
		printpanics(p)
	}
	printsigline()
	crash_traceback(tracebackPanic)
	exit(crashStatus())
}

// crashStatus is the exit status of a program that dies of itself: with GOTRACEBACK=crash as if by
// SIGABRT, which a shell calls 134.
//
//go:nosplit
func crashStatus() int32 {
	if debug.gotraceback == 4 {
		return 134
	}
	return 2
}

// printsigline names the machine fault behind a panic.
func printsigline() {
	gp := getg()
	if gp.sig == 0 {
		return
	}
	name, text := "SIGSEGV", "segmentation violation"
	switch gp.sig {
	case sigFPE:
		name, text = "SIGFPE", "floating-point exception"
	case sigBUS:
		name, text = "SIGBUS", "bus error"
	case sigILL:
		name, text = "SIGILL", "illegal instruction"
	case sigTRAP:
		name, text = "SIGTRAP", "trace trap"
	}
	print("[signal ", name, ": ", text, " code=", hex(gp.sigcode0), " addr=", hex(gp.sigcode1), " pc=", hex(gp.sigpc), "]\n")
}

//go:linkname throw
//go:nosplit
func throw(s string) {
	beginDying()
	print("fatal error: ")
	printindented(s)
	print("\n")
	printsigline()
	crash_traceback(tracebackRuntime)
	exit(crashStatus())
}

// fatal is throw for what is the program's fault.
//
//go:nosplit
func fatal(s string) {
	p := getg()._panic
	beginDying()
	for x := p; x != nil; x = x.link {
		markRepanicked(x)
	}
	if p != nil {
		printpanics(p)
		print("\t")
	}
	print("fatal error: ")
	printindented(s)
	print("\n")
	crash_traceback(tracebackPanic)
	exit(crashStatus())
}

//go:linkname sync_throw sync.throw
func sync_throw(s string) { throw(s) }

//go:linkname sync_fatal sync.fatal
func sync_fatal(s string) { fatal(s) }

//go:linkname rand_fatal crypto/rand.fatal
func rand_fatal(s string) { fatal(s) }

//go:linkname sysrand_fatal crypto/internal/sysrand.fatal
func sysrand_fatal(s string) { fatal(s) }

//go:linkname fips_fatal crypto/internal/fips140.fatal
func fips_fatal(s string) { fatal(s) }

//go:linkname maps_fatal internal/runtime/maps.fatal
func maps_fatal(s string) { fatal(s) }

//go:linkname internal_sync_throw internal/sync.throw
func internal_sync_throw(s string) { throw(s) }

//go:linkname internal_sync_fatal internal/sync.fatal
func internal_sync_fatal(s string) { fatal(s) }

//go:linkname cgroup_throw internal/runtime/cgroup.throw
func cgroup_throw(s string) { throw(s) }

//go:linkname throwinit
func throwinit() { throw("recursive call during initialization - linker skew") }

// gort_raise is where C sends a goroutine whose gate failed (gate_panic in gort/abi/raise.c): as
// if the gate itself had called it.
func gort_raise(kind int, msg string) {
	switch kind {
	case 0:
		panic(plainError(msg))
	case 1:
		panic(errorString(msg))
	case 2:
		throw(msg)
	default:
		fatal(msg)
	}
}

// ---- run-time errors ------------------------------------------------------------------

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

	rangeDoneError         = error(errorString("range function continued iteration after function for loop body returned false"))
	rangePanicError        = error(errorString("range function continued iteration after loop body panic"))
	rangeExhaustedError    = error(errorString("range function continued iteration after whole loop exit"))
	rangeMissingPanicError = error(errorString("range function recovered a loop body panic and did not resume panicking"))
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

//go:noinline
func panicrangestate(state int) {
	switch abi.RF_State(state) {
	case abi.RF_DONE:
		panic(rangeDoneError)
	case abi.RF_PANIC:
		panic(rangePanicError)
	case abi.RF_EXHAUSTED:
		panic(rangeExhaustedError)
	case abi.RF_MISSING_PANIC:
		panic(rangeMissingPanicError)
	}
	throw("unexpected state passed to panicrangestate")
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

// panicBounds64 makes a bounds error from what the compiler noted at the failing check: which
// kind it is, and where index and length are (a register or a constant).
func panicBounds64(pc uintptr, regs *[16]int64) {
	v := pcdata_value(pc-1, abi.PCDATA_PanicBounds)
	code, signed, xIsReg, yIsReg, x, y := abi.BoundsDecode(int(v))
	if code == abi.BoundsIndex {
		panicCheck1(pc, "index out of range")
	} else {
		panicCheck1(pc, "slice bounds out of range")
	}
	e := boundsError{code: code, signed: signed, x: int64(x), y: y}
	if xIsReg {
		e.x = regs[x]
	}
	if yIsReg {
		e.y = int(regs[y])
	}
	panic(e)
}

// sigpanic is called, as it seems, by the instruction that faulted: the exception handler
// has made it so and left the details in g.
func sigpanic() {
	gp := getg()
	switch gp.sig {
	case sigSEGV, sigBUS:
		if gp.sigcode0 != siKernel && gp.sigcode1 < uintptr(minLegalPointer) {
			panicmem()
		}
		if gp.paniconfault {
			panicmemAddr(gp.sigcode1)
		}
		faultReport(gp.sigcode1)
	case sigFPE:
		switch gp.sigcode0 {
		case fpeIntDiv:
			panicdivide()
		case fpeIntOvf:
			panicoverflow()
		}
		panicfloat()
	case sigILL:
		illegalInstruction(gp)
	}
	throw("unexpected signal")
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

const (
	siKernel  = 0x80
	fpeIntDiv = 1
	fpeIntOvf = 2
)

func faultReport(addr uintptr) {
	print("unexpected fault address ", hex(addr), "\n")
	throw("fault")
}
