package runtime

import (
	"internal/runtime/atomic"
	"unsafe"
)

// Package internal/poll's view of readiness: gort/os/netpoll.c does the work.

func poll_open(fd uintptr) (ctx uintptr, err int)
func poll_close(ctx uintptr)
func poll_reset(ctx uintptr, mode int) (result int)
func poll_wait(ctx uintptr, mode int, canceled bool) (result int)
func poll_set_deadline(ctx uintptr, d int64, mode int)
func poll_unblock(ctx uintptr)

// pollSeen is struct poll_seen of gort/os/netpoll.c, with which a descriptor begins: C writes it.
type pollSeen struct {
	state    [2]uint32 // reading, writing
	deadline [2]int64
}

//go:linkname poll_runtime_pollServerInit internal/poll.runtime_pollServerInit
func poll_runtime_pollServerInit() {}

//go:linkname poll_runtime_isPollServerDescriptor internal/poll.runtime_isPollServerDescriptor
func poll_runtime_isPollServerDescriptor(fd uintptr) bool { return false }

//go:linkname poll_runtime_pollOpen internal/poll.runtime_pollOpen
func poll_runtime_pollOpen(fd uintptr) (uintptr, int) { return poll_open(fd) }

//go:linkname poll_runtime_pollClose internal/poll.runtime_pollClose
func poll_runtime_pollClose(ctx uintptr) { poll_close(ctx) }

//go:linkname poll_runtime_pollReset internal/poll.runtime_pollReset
func poll_runtime_pollReset(ctx uintptr, mode int) int {
	seen := (*pollSeen)(unsafe.Pointer(ctx))
	if atomic.Load(&seen.state[mode&1]) == 0 { // nothing came, and it is open: 'r' is even, 'w' odd
		return 0
	}
	return poll_reset(ctx, mode)
}

//go:linkname poll_runtime_pollWait internal/poll.runtime_pollWait
func poll_runtime_pollWait(ctx uintptr, mode int) int { return poll_wait(ctx, mode, false) }

//go:linkname poll_runtime_pollWaitCanceled internal/poll.runtime_pollWaitCanceled
func poll_runtime_pollWaitCanceled(ctx uintptr, mode int) { poll_wait(ctx, mode, true) }

//go:linkname poll_runtime_pollSetDeadline internal/poll.runtime_pollSetDeadline
func poll_runtime_pollSetDeadline(ctx uintptr, d int64, mode int) {
	seen := (*pollSeen)(unsafe.Pointer(ctx))
	// Servers say with each request that there is no deadline where there was none before.
	if d == 0 && (mode == 'w' || atomic.Loadint64(&seen.deadline[0]) == 0) &&
		(mode == 'r' || atomic.Loadint64(&seen.deadline[1]) == 0) {
		return
	}
	poll_set_deadline(ctx, d, mode)
}

//go:linkname poll_runtime_pollUnblock internal/poll.runtime_pollUnblock
func poll_runtime_pollUnblock(ctx uintptr) { poll_unblock(ctx) }
