package runtime

// Bubbles of testing/synctest: see gort/sync/synctest.h.

import (
	"internal/runtime/atomic"
	"internal/runtime/sys"
	"unsafe"
)

// synctestBubble is struct bubble of gort/sync/synctest.h. Pointers in it are to no heap objects.
type synctestBubble struct {
	now     int64
	id      uint64
	root    uintptr
	main    uintptr
	waiter  uintptr
	timers  uintptr
	total   int32
	running int32
	active  int32
	done    bool
	lock    clock
}

func bubble_start(b *synctestBubble, fn unsafe.Pointer, callerpc uintptr)
func bubble_run_timers()
func bubble_idle()
func bubble_advance() (more bool)
func bubble_end() (total int32, done bool)
func bubble_wait() (ok bool)
func bubble_waited()
func bubble_activate(b *synctestBubble, delta int32)

var bubbleIDs atomic.Uint64

const bubbleEpoch = 946684800 * 1000000000 // midnight UTC, January 1st, 2000

func currentBubble() *synctestBubble { return (*synctestBubble)(getg().bubble) }

type synctestDeadlockError struct{ reason string }

func (e synctestDeadlockError) Error() string { return e.reason }

//go:linkname synctest_run internal/synctest.Run
func synctest_run(f func()) {
	if debug.asynctimerchan.Load() != 0 {
		panic("synctest.Run not supported with asynctimerchan!=0")
	}
	if currentBubble() != nil {
		panic("synctest.Run called from within a synctest bubble")
	}
	b := &synctestBubble{now: bubbleEpoch, id: bubbleIDs.Add(1)}
	bubble_start(b, *(*unsafe.Pointer)(unsafe.Pointer(&f)), sys.GetCallerPC())
	defer setBubble(nil)
	for more := true; more; more = bubble_advance() {
		bubble_run_timers()
		bubble_idle()
	}
	total, done := bubble_end()
	switch {
	case total == 1:
	case done:
		panic(synctestDeadlockError{"deadlock: main bubble goroutine has exited but blocked goroutines remain"})
	default:
		panic(synctestDeadlockError{"deadlock: all goroutines in bubble are blocked"})
	}
}

//go:linkname synctest_wait internal/synctest.Wait
func synctest_wait() {
	if getg().bubble == nil {
		panic("goroutine is not in a bubble")
	}
	if !bubble_wait() {
		panic("wait already in progress")
	}
	bubble_waited()
}

//go:linkname synctest_isInBubble internal/synctest.IsInBubble
func synctest_isInBubble() bool { return getg().bubble != nil }

//go:linkname synctest_acquire internal/synctest.acquire
func synctest_acquire() any {
	b := currentBubble()
	if b == nil {
		return nil
	}
	bubble_activate(b, 1)
	return b
}

//go:linkname synctest_release internal/synctest.release
func synctest_release(b any) { bubble_activate(b.(*synctestBubble), -1) }

//go:linkname synctest_inBubble internal/synctest.inBubble
func synctest_inBubble(b any, f func()) {
	if currentBubble() != nil {
		panic("goroutine is already bubbled")
	}
	defer setBubble(nil)
	setBubble(b.(*synctestBubble))
	f()
}

func setBubble(b *synctestBubble) { getg().bubble = unsafe.Pointer(b) }

// ---- objects that belong to a bubble -----------------------------------------------------
// By weak handle, of which an object has one in all its life: a new object at the same address
// has another.

var bubbled struct {
	sema  uint32
	owner map[unsafe.Pointer]uint64
	purge int // at this length
}

const (
	bubbleNone  = 0
	bubbleSame  = 1
	bubbleOther = 2
)

func bubbledLookup(p unsafe.Pointer, add bool) int {
	if base, _, _, _ := mem_object(p); base == 0 {
		return bubbleNone // a variable of the program: it belongs to nobody
	}
	id := currentBubble().id
	h := weak_runtime_registerWeakPointer(p)
	semacquire(&bubbled.sema)
	defer semrelease(&bubbled.sema)
	owner, known := bubbled.owner[h]
	switch {
	case known && owner == id:
		return bubbleSame
	case known:
		return bubbleOther
	case !add:
		return bubbleNone
	}
	if len(bubbled.owner) >= bubbled.purge {
		for old := range bubbled.owner {
			if weak_strong(old) == nil {
				delete(bubbled.owner, old)
			}
		}
		bubbled.purge = 2*len(bubbled.owner) + 64
	}
	bubbled.owner[h] = id
	return bubbleSame
}

func init() {
	bubbled.sema = 1
	bubbled.owner = make(map[unsafe.Pointer]uint64)
}

//go:linkname synctest_associate internal/synctest.associate
func synctest_associate(p unsafe.Pointer) int { return bubbledLookup(p, true) }

//go:linkname synctest_isAssociated internal/synctest.isAssociated
func synctest_isAssociated(p unsafe.Pointer) bool { return bubbledLookup(p, false) == bubbleSame }

//go:linkname synctest_disassociate internal/synctest.disassociate
func synctest_disassociate(p unsafe.Pointer) {
	if base, _, _, _ := mem_object(p); base == 0 {
		return
	}
	h := weak_runtime_registerWeakPointer(p)
	semacquire(&bubbled.sema)
	delete(bubbled.owner, h)
	semrelease(&bubbled.sema)
}
