package runtime

// Semaphores and condition lists of package sync: the quick cases; waiting is in gort/sync/sema.c.

import (
	"internal/runtime/atomic"
	"unsafe"
)

//go:noescape
func semacquireg(addr *uint32, lifo bool, reason uint32) (parked bool)

//go:noescape
func semreleaseg(addr *uint32, handoff, mutex bool, skip int)

//go:noescape
func notifywait(l *notifyList, ticket uint32)

//go:noescape
func notifyall(l *notifyList)

//go:noescape
func notifyone(l *notifyList)

func canspin(i int) (ok bool)

// Wait reasons: enum wait_reason of gort/g.h.
const (
	waitSemacquire   = 12
	waitMutexLock    = 15
	waitRWMutexRLock = 16
	waitRWMutexLock  = 17
	waitWaitGroup    = 18
	waitBubbleGroup  = 38
)

// takeOne takes one from *addr, unless there is none.
func takeOne(addr *uint32) bool {
	for n := atomic.Load(addr); n > 0; n = atomic.Load(addr) {
		if atomic.Cas(addr, n, n-1) {
			return true
		}
	}
	return false
}

// semacquire1 waits until *addr > 0 and takes one from it. After a park g.param tells whether
// the releaser has already done so for us.
// Profiles leave out skip frames above the caller.
func semacquire1(addr *uint32, lifo bool, reason uint32, skip int) {
	waited := false
	for !takeOne(addr) {
		if !semacquireg(addr, lifo, reason) {
			break
		}
		waited = true
		if gp := getg(); gp.param != nil {
			gp.param = nil // or deferreturn would take it for its own
			break
		}
	}
	if waited {
		block_woken(3 + skip)
	}
}

func semacquire(addr *uint32) { semacquire1(addr, false, waitSemacquire, 0) }

func semrelease(addr *uint32) { semreleaseg(addr, false, false, 0) }

//go:linkname sync_runtime_Semacquire sync.runtime_Semacquire
func sync_runtime_Semacquire(addr *uint32) { semacquire1(addr, false, waitSemacquire, 0) }

//go:linkname poll_runtime_Semacquire internal/poll.runtime_Semacquire
func poll_runtime_Semacquire(addr *uint32) { semacquire1(addr, false, waitSemacquire, 0) }

//go:linkname internal_sync_runtime_SemacquireMutex internal/sync.runtime_SemacquireMutex
func internal_sync_runtime_SemacquireMutex(addr *uint32, lifo bool, skipframes int) {
	semacquire1(addr, lifo, waitMutexLock, skipframes)
}

//go:linkname sync_runtime_SemacquireRWMutexR sync.runtime_SemacquireRWMutexR
func sync_runtime_SemacquireRWMutexR(addr *uint32, lifo bool, skipframes int) {
	semacquire1(addr, lifo, waitRWMutexRLock, skipframes)
}

//go:linkname sync_runtime_SemacquireRWMutex sync.runtime_SemacquireRWMutex
func sync_runtime_SemacquireRWMutex(addr *uint32, lifo bool, skipframes int) {
	semacquire1(addr, lifo, waitRWMutexLock, skipframes)
}

//go:linkname sync_runtime_SemacquireWaitGroup sync.runtime_SemacquireWaitGroup
func sync_runtime_SemacquireWaitGroup(addr *uint32, synctestDurable bool) {
	reason := uint32(waitWaitGroup)
	if synctestDurable {
		reason = waitBubbleGroup
	}
	semacquire1(addr, false, reason, 0)
}

//go:linkname sync_runtime_Semrelease sync.runtime_Semrelease
func sync_runtime_Semrelease(addr *uint32, handoff bool, skipframes int) {
	semreleaseg(addr, handoff, false, skipframes)
}

//go:linkname internal_sync_runtime_Semrelease internal/sync.runtime_Semrelease
func internal_sync_runtime_Semrelease(addr *uint32, handoff bool, skipframes int) {
	semreleaseg(addr, handoff, true, skipframes)
}

//go:linkname poll_runtime_Semrelease internal/poll.runtime_Semrelease
func poll_runtime_Semrelease(addr *uint32) { semreleaseg(addr, false, false, 0) }

//go:linkname internal_sync_runtime_canSpin internal/sync.runtime_canSpin
func internal_sync_runtime_canSpin(i int) bool { return canspin(i) }

//go:linkname internal_sync_runtime_doSpin internal/sync.runtime_doSpin
func internal_sync_runtime_doSpin() { procyield(30) }

// notifyList is sync's: see struct notify_list of gort/sync/sema.c.
type notifyList struct {
	wait   uint32
	notify uint32
	lock   uintptr
	head   *sudog
	tail   *sudog
}

//go:linkname notifyListAdd sync.runtime_notifyListAdd
func notifyListAdd(l *notifyList) uint32 { return atomic.Xadd(&l.wait, 1) - 1 }

//go:linkname notifyListWait sync.runtime_notifyListWait
func notifyListWait(l *notifyList, t uint32) {
	notifywait(l, t)
	if blockprofilerate != 0 {
		block_woken(2)
	}
}

// nobodyWaits reports whether every ticket drawn has been notified.
func nobodyWaits(l *notifyList) bool { return atomic.Load(&l.wait) == atomic.Load(&l.notify) }

//go:linkname notifyListNotifyAll sync.runtime_notifyListNotifyAll
func notifyListNotifyAll(l *notifyList) {
	if !nobodyWaits(l) {
		notifyall(l)
	}
}

//go:linkname notifyListNotifyOne sync.runtime_notifyListNotifyOne
func notifyListNotifyOne(l *notifyList) {
	if !nobodyWaits(l) {
		notifyone(l)
	}
}

//go:linkname notifyListCheck sync.runtime_notifyListCheck
func notifyListCheck(sz uintptr) {
	if sz != unsafe.Sizeof(notifyList{}) {
		throw("bad notifyList size")
	}
}
