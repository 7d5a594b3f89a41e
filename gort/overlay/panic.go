package runtime

// panic, recover and Goexit. Deferred calls run on the goroutine's own stack, so the loops that make
// them are Go, in gopanic and Goexit themselves: what is between those and the deferred function
// decides whether a recover counts. Which frame is next, what recover may do and how the goroutine
// goes on afterwards is C (gort/stack/panics.c), which can read stacks.

import (
	"internal/runtime/sys"
	"unsafe"
)

// panic_enter makes p the innermost panic; pc and sp are those of the frame where it begins: of a
// Goexit C finds them, with its loop.
// panic_frame moves it on to the next frame that has
// something deferred.
//
//go:noescape
func panic_enter(p *_panic, pc uintptr, sp unsafe.Pointer)

//go:noescape
func panic_frame(p *_panic) (ok bool)

//go:noescape
func panic_claim(p *_panic, pc uintptr, sp unsafe.Pointer) (ok bool)
func panic_recover()

// more takes the next deferred call, in p.todo. After a recover it does not return: the frame that
// recovered goes on.
func (p *_panic) more() bool {
	if p.recovered {
		panic_recover()
	}
	for !p.todo.take() {
		if !panic_frame(p) {
			return false
		}
	}
	return true
}

// gopanic is what panic compiles to.
//
//go:linkname gopanic
func gopanic(e any) {
	p := _panic{arg: e}
	if e == nil {
		p.arg = nilPanicked()
	}
	if getg().m.locks != 0 {
		panicUnderLock(p.arg)
	}
	panic_enter(&p, sys.GetCallerPC(), unsafe.Pointer(sys.GetCallerSP()))
	for p.more() {
		p.todo.call()
	}
	unheard := (*_panic)(noescape(unsafe.Pointer(&p)))
	for q := unheard; q != nil; q = q.link {
		q.toText()
	}
	fatalpanic(unheard)
}

// Goexit ends the goroutine that calls it, after its deferred calls.
//
//go:noinline
func Goexit() {
	p := _panic{goexit: true}
	panic_enter(&p, 0, nil)
	for p.more() {
		p.todo.call()
	}
	goexit1()
}

// gorecover is what recover compiles to.
func gorecover() (value any) {
	if p := getg()._panic; p != nil && panic_claim(p, sys.GetCallerPC(), unsafe.Pointer(sys.GetCallerSP())) {
		value = p.arg
	}
	return
}

// PanicNilError is what recover gets of a panic(nil).
type PanicNilError struct {
	_ [0]*PanicNilError
}

func (*PanicNilError) Error() string { return lineNilPanic }
func (*PanicNilError) RuntimeError() {}

// nilPanicked is what a panic(nil) panics with: GODEBUG=panicnil=1 means just that.
func nilPanicked() any {
	if debug.panicnil.Load() == 1 {
		panicnil.IncNonDefault()
		return nil
	}
	return new(PanicNilError)
}

// panicUnderLock: the runtime itself is at fault, and nothing can be called any more.
func panicUnderLock(value any) {
	print("panic: ")
	printpanicval(value)
	print("\n")
	throw("panic holding locks")
}
