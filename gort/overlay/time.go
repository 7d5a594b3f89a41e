package runtime

// Timers, sleeping and clocks: what is Go of them. See gort/time/timer.h.

import (
	"unsafe"
)

// timer is struct timer of gort/time/timer.h. C owns it but for the fields set in newTimer.
type timer struct {
	lock    clock
	astate  uint8
	state   uint8
	isChan  bool
	isC     bool
	blocked uint32
	when    int64
	period  int64
	f       func(arg any, seq uintptr, delay int64)
	arg     any
	seq     uintptr
	ts      uintptr
	sending int32
	inCHeap bool // C's only
	isFake  bool
	cfn     uintptr
	carg    uintptr
}

// timeTimer is a time.Timer or time.Ticker with our part behind it.
type timeTimer struct {
	c    unsafe.Pointer
	init bool
	timer
}

const rankTimer = 53 // RANK_TIMER: asserted in gort/time/timer.c

func timersetup(run unsafe.Pointer)

//go:noescape
func timermodify(t *timer, when, period int64) (pending bool)

//go:noescape
func timerstop(t *timer) (pending bool)

//go:noescape
func timerbegin(t *timer, seq uintptr)

func sleepns(ns int64)

func nanotime1() (ns int64)

func timenow() (sec int64, nsec int32, mono int64)

// Both without a gate, once the table of leaves is filled; 0 before. See gort/abi/leaf.h.
func mono_leaf() int64
func clocks_leaf() (wall, mono int64)

func monotime() int64 {
	if ns := mono_leaf(); ns != 0 {
		return ns
	}
	return nanotime1()
}

const second = 1e9

// now has the wall clock in seconds and what is over, and the monotonic clock, of one moment.
func now() (sec int64, nsec int32, mono int64) {
	if wall, mono := clocks_leaf(); mono != 0 {
		return wall / second, int32(wall % second), mono
	}
	return timenow()
}

// timersReady: C knows timerRun. The first timer tells it.
var timersReady bool

// timerRun is called by C, from timers_run, for a timer that is due: it must not block.
// b is the bubble of a timer of one: what f starts belongs to it.
func timerRun(t *timer, seq uintptr, delay int64, b unsafe.Pointer) {
	if b != nil {
		getg().bubble = b
	}
	if t.isChan {
		timerbegin(t, seq)
	}
	t.f(t.arg, seq, delay)
	KeepAlive(t)
	if b != nil {
		getg().bubble = nil
	}
}

// timerFire is called after a gate has taken the firing of t for this goroutine, which is
// about to receive from its channel.
func timerFire(t *timer, delay int64) { t.f(t.arg, 0, delay) }

//go:linkname newTimer time.newTimer
func newTimer(when, period int64, f func(arg any, seq uintptr, delay int64), arg any, c *hchan) *timeTimer {
	if !timersReady {
		run := timerRun
		timersetup(*(*unsafe.Pointer)(unsafe.Pointer(&run)))
		timersReady = true
	}
	t := new(timeTimer)
	t.lock.rank = rankTimer
	t.f = f
	t.arg = arg
	t.isFake = getg().bubble != nil
	if c != nil {
		if c.dataqsiz == 0 {
			throw("invalid timer channel: no capacity")
		}
		t.isChan = true
		c.timer = &t.timer
	}
	timermodify(&t.timer, when, period)
	t.init = true
	return t
}

//go:linkname stopTimer time.stopTimer
func stopTimer(t *timeTimer) bool { return timerstop(&t.timer) }

//go:linkname resetTimer time.resetTimer
func resetTimer(t *timeTimer, when, period int64) bool {
	return timermodify(&t.timer, when, period)
}

//go:linkname timeSleep time.Sleep
func timeSleep(ns int64) {
	if ns > 0 {
		sleepns(ns)
	}
}

// nanotime is the monotonic clock. Packages outside the library link to it, too.
//
//go:linkname nanotime
func nanotime() int64 { return monotime() }

func walltime() (sec int64, nsec int32) {
	sec, nsec, _ = now()
	return
}

//go:linkname time_now time.now
func time_now() (sec int64, nsec int32, mono int64) { return now() }

// time_runtimeNow gives no monotonic time in a bubble: times from inside and outside are not to
// be compared by it.
//
//go:linkname time_runtimeNow time.runtimeNow
func time_runtimeNow() (sec int64, nsec int32, mono int64) {
	b := currentBubble()
	if b == nil {
		return now()
	}
	return b.now / second, int32(b.now % second), 0
}

// time is the clock of a bubble; without one, the machine's.
func (b *synctestBubble) time() int64 {
	if b == nil {
		return monotime()
	}
	return b.now
}

//go:linkname time_runtimeNano time.runtimeNano
func time_runtimeNano() int64 { return currentBubble().time() }

//go:linkname time_runtimeIsBubbled time.runtimeIsBubbled
func time_runtimeIsBubbled() bool { return getg().bubble != nil }

//go:linkname internal_sync_nanotime internal/sync.runtime_nanotime
func internal_sync_nanotime() int64 { return monotime() }

// haveHighResSleep: package time's tests expect sleeps that are never too short.
//
//go:linkname haveHighResSleep
var haveHighResSleep = true
