package runtime

// Coroutines: iter.Pull's. See gort/sync/coro.c.

import (
	"internal/runtime/sys"
	"unsafe"
)

// coro is struct coro of gort/sync/coro.c.
type coro struct {
	waiting uintptr
	lock    clock
	lockedm uintptr
	locked  uint32
	f       func(*coro) // Go only
}

func coronewg(c *coro, start unsafe.Pointer, callerpc uintptr, again bool) (ok bool)

//go:noescape
func coroswitchg(c *coro, callerpc uintptr) (ok bool)

//go:noescape
func coroexitg(c *coro) (ok bool)

// newcoro makes a coroutine that will run f. It starts with the first coroswitch.
//
//go:linkname newcoro
func newcoro(f func(*coro)) *coro {
	c := &coro{f: f}
	start := corostart
	fn, pc := *(*unsafe.Pointer)(unsafe.Pointer(&start)), sys.GetCallerPC()
	if !coronewg(c, fn, pc, false) { // no memory for its stack
		collect(false)
		coronewg(c, fn, pc, true)
	}
	return c
}

// corostart is the outermost function of a coroutine's goroutine.
func corostart() {
	c := takeCoro()
	defer coroexit(c)
	run := c.f
	c.f = nil
	run(c)
}

// takeCoro is what C has left in g.
func takeCoro() *coro {
	arg := &getg().coroarg
	c := *arg
	*arg = nil
	return (*coro)(c)
}

func coroexit(c *coro) {
	if !coroexitg(c) {
		throw("coroexit: nobody waits")
	}
}

// coroswitch blocks the calling goroutine in c and runs the one that was blocked there.
//
//go:linkname coroswitch
func coroswitch(c *coro) {
	if !coroswitchg(c, sys.GetCallerPC()) {
		throw("coroswitch on exited coro")
	}
}
