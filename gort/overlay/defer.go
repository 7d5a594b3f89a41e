package runtime

// Deferred calls: records that the compiler's calls make, and taking them for running.
//
// A function's deferred calls are either open-coded - a byte with a bit for each, and its closures
// in slots of the frame - or records, linked from g._defer, the newest first, each with the stack
// pointer of its frame. A defer statement in the body of a range-over-func loop stands in another
// function than the frame that it belongs to: that frame has a record with a loopDefers, in which
// the body's calls collect.

import (
	"internal/runtime/sys"
	"unsafe"
)

// Words of a _defer.
const (
	deferFlags = 0
	deferSP    = 1
	deferPC    = 2
	deferLink  = 4
	deferLoop  = 5
	deferWords = 6
)

func deferproc(fn func()) {
	d := &_defer{fn: fn}
	d.push(sys.GetCallerSP(), sys.GetCallerPC())
}

// push enters d for the frame with stack pointer sp, which is read only when d is allocated: the
// stack may move on the way.
//
//go:nosplit
func (d *_defer) push(sp, pc uintptr) {
	list := &getg()._defer
	d.sp, d.pc, d.link = sp, pc, *list
	*list = d
}

// deferprocStack is deferproc for a record in its caller's frame. But for fn that is garbage, so
// it is written as plain words, without write barriers; the collector finds the list from g, and
// marks what it leads to.
//
//go:nosplit
func deferprocStack(d *_defer) {
	list := (*uintptr)(unsafe.Pointer(&getg()._defer))
	words := (*[deferWords]uintptr)(unsafe.Pointer(d))
	words[deferFlags], words[deferLoop] = 0, 0
	words[deferSP], words[deferPC] = sys.GetCallerSP(), sys.GetCallerPC()
	words[deferLink], *list = *list, uintptr(unsafe.Pointer(d))
}

// ---- loops over functions ---------------------------------------------------------------

var closedLoop _defer

// deferrangefunc gives the bodies of a loop what they hand to deferprocat.
func deferrangefunc() any {
	d := &_defer{loop: new(loopDefers)}
	d.push(sys.GetCallerSP(), sys.GetCallerPC())
	return d.loop
}

func deferprocat(fn func(), frame any) {
	loop, d := frame.(*loopDefers), &_defer{fn: fn}
	for done := false; !done; done = loop.newest.CompareAndSwap(d.link, d) {
		if d.link = loop.newest.Load(); d.link == &closedLoop {
			throw("defer after range func returned")
		}
	}
}

// take takes the newest call, and closes the list first of all.
func (l *loopDefers) take() (fn func(), ok bool) {
	for n := l.newest.Load(); n != &closedLoop; n = l.newest.Load() {
		if l.newest.CompareAndSwap(n, &closedLoop) {
			l.rest = n
		}
	}
	if d := l.rest; d != nil {
		l.rest, fn, ok = d.link, d.fn, true
	}
	return
}

// ---- running them -----------------------------------------------------------------------

// take takes the next call off the frame, if there is one: whoever calls it, and however that call
// ends, it is not taken twice.
func (f *frameDefers) take() bool {
	if f.bits != nil {
		if n := sys.Len8(*f.bits); n > 0 {
			*f.bits ^= 1 << (n - 1)
			f.call = *(*func())(add(f.slots, uintptr(n-1)*unsafe.Sizeof(f.call)))
			return true
		}
		f.bits = nil
	}
	gp := getg()
	for {
		d := gp._defer
		if d == nil || d.sp != uintptr(f.sp) {
			return false
		}
		taken := false
		if d.loop == nil {
			f.call, taken = d.fn, true
		} else if f.call, taken = d.loop.take(); taken {
			return true // the record stays until its loop has nothing left
		}
		gp._defer, d.link, d.fn = d.link, nil, nil // fn may lie on the stack
		if taken {
			return true
		}
	}
}

// deferreturn runs the deferred calls of its caller. The compiler ends every function that has any
// with a call of it; a function with open-coded ones gets here only when it has recovered, and g
// says where what is left of them lies.
func deferreturn() {
	f := frameDefers{sp: unsafe.Pointer(sys.GetCallerSP())}
	if gp := getg(); gp.leftBits != 0 {
		f.bits = (*uint8)(add(f.sp, uintptr(gp.leftBits-1)))
		f.slots = add(f.sp, uintptr(gp.leftSlots))
		gp.leftBits = 0
	}
	for f.take() {
		f.call()
	}
}
