package runtime

// Channels and select: what is Go of them. makechan allocates; the operations are one gate
// each (gort/sync/chan.c, gort/sync/select.c), with a second one after a wait. See gort/sync/chan.h for the
// protocol.

import (
	"internal/runtime/atomic"
	"internal/runtime/sys"
	"unsafe"
)

// hchan is struct hchan of gort/sync/chan.h. Go code reads the fields before recvq; the rest is C's.
type hchan struct {
	qcount   uint
	dataqsiz uint
	buf      unsafe.Pointer
	elemsize uint16
	closed   uint32
	timer    *timer
	elemtype *_type
	sendx    uint
	recvx    uint
	recvq    waitq
	sendq    waitq
	bubble   unsafe.Pointer
	lock     clock
}

type waitq struct {
	first *sudog
	last  *sudog
}

// clock is struct lock of kernel/lock.h: taken by C only.
type clock struct {
	held uint32
	rank uint32
	name uintptr
}

// sudog is struct sudog of gort/g.h, for debuggers.
type sudog struct {
	_           sys.NotInHeap
	g           *g
	next        *sudog
	prev        *sudog
	elem        unsafe.Pointer
	acquiretime int64
	releasetime int64
	ticket      uint32
	isSelect    bool
	success     bool
	waiters     uint16
	parent      *sudog
	waitlink    *sudog
	waittail    *sudog
	c           *hchan
}

const (
	hchanSize    = unsafe.Sizeof(hchan{})
	rankHchan    = 50 // RANK_HCHAN: asserted in gort/sync/chan.c
	chanMaxAlign = 8
)

// Status of the gates: enum chan_status of gort/sync/chan.h.
const (
	chanWouldBlock = iota
	chanDone
	chanClosed
	chanParked
	chanTimer
)

//go:noescape
func chansendg(c *hchan, elem unsafe.Pointer, block bool) (status uint32)

//go:noescape
func chanrecvg(c *hchan, elem unsafe.Pointer, block bool) (status uint32, delay int64)

//go:noescape
func chanwoken(c *hchan) (status uint32)

//go:noescape
func chanclose(c *hchan) (status uint32)

//go:noescape
func selectg(cas0 *scase, order0 *uint16, nsends, nrecvs int, block bool) (chosen int, delay int64, status uint32)

//go:noescape
func selectwoken(cas0 *scase, order0 *uint16, nsends, nrecvs int) (chosen int, status uint32)

// block is select{}.
func block()

func makechan64(t *chantype, size int64) *hchan { return makechan(t, int(size)) }

// makechan allocates a channel: header and ring in one object unless the elements hold pointers,
// since then nothing in it concerns the collector.
func makechan(t *chantype, size int) *hchan {
	of := t.Elem
	if of.Align_ > chanMaxAlign || of.Size_ > 1<<16-1 {
		throw("makechan: bad channel element type")
	}
	ring, fits := arrayBytes(of.Size_, size, maxAlloc-hchanSize)
	if !fits {
		panic(plainError("makechan: size out of range"))
	}
	var c *hchan
	if ring != 0 && of.Pointers() {
		c = new(hchan)
		c.buf = mallocgc(ring, of, true)
	} else {
		whole := mallocgc(hchanSize+ring, nil, true)
		at := unsafe.Offsetof(c.buf) // no ring: any place in the object will do
		if ring != 0 {
			at = hchanSize
		}
		c = (*hchan)(whole)
		c.buf = add(whole, at)
	}
	c.dataqsiz, c.elemsize, c.elemtype = uint(size), uint16(of.Size_), of
	c.lock.rank = rankHchan
	if b := getg().bubble; b != nil {
		c.bubble = b
	}
	return c
}

//go:linkname reflect_makechan reflect.makechan
func reflect_makechan(t *chantype, size int) *hchan { return makechan(t, size) }

func panicSendClosed() { panic(plainError("send on closed channel")) }

// sendFails and recvFails see without the lock that a non-blocking operation would fail.
// Both look at one word that says "not ready" and one that says "not closed", and an open
// channel was not ready at the moment of the first look.

func sendFails(c *hchan) bool {
	return c == nil || atomic.Load(&c.closed) == 0 && c.unready(&c.recvq, c.dataqsiz)
}

func recvFails(c *hchan) bool {
	return c == nil || c.unready(&c.sendq, 0) && atomic.Load(&c.closed) == 0
}

// unready: with a ring, it holds just the stuck elements with which nothing goes; without one,
// nobody waits at the other side. A timer's channel, and a bubble's, always go to the gate, which
// sees what is due and who calls.
func (c *hchan) unready(others *waitq, stuck uint) bool {
	if c.timer != nil || c.bubble != nil {
		return false
	}
	if c.dataqsiz != 0 {
		return atomic.Loaduint(&c.qcount) == stuck
	}
	return atomic.Loadp(unsafe.Pointer(&others.first)) == nil
}

// trysend and tryrecv do what can be done at once (leaves, in wb_amd64.s). False: nothing has
// happened, and the gate is to be called.
//
//go:noescape
func trysend(c *hchan, elem unsafe.Pointer) bool

//go:noescape
func tryrecv(c *hchan, elem unsafe.Pointer) bool

// chansend1 is c <- *elem.
func chansend1(c *hchan, elem unsafe.Pointer) {
	if trysend(c, elem) {
		return
	}
	status := chansendg(c, elem, true)
	if status == chanParked {
		status = chanwoken(c)
	}
	if status == chanClosed {
		panicSendClosed()
	}
}

// selectnbsend is select { case c <- *elem: true; default: false }.
func selectnbsend(c *hchan, elem unsafe.Pointer) (selected bool) {
	if sendFails(c) {
		return false
	}
	status := chansendg(c, elem, false)
	if status == chanClosed {
		panicSendClosed()
	}
	return status == chanDone
}

//go:linkname reflect_chansend reflect.chansend0
func reflect_chansend(c *hchan, elem unsafe.Pointer, nb bool) (selected bool) {
	if nb {
		return selectnbsend(c, elem)
	}
	chansend1(c, elem)
	return true
}

// receive receives into *elem, if elem is not nil.
func receive(c *hchan, elem unsafe.Pointer, block bool) (selected, received bool) {
	status, late := chanrecvg(c, elem, block)
	for status == chanTimer {
		timerFire(c.timer, late)
		status, late = chanrecvg(c, elem, block)
	}
	if status == chanParked {
		status = chanwoken(c)
	}
	return status != chanWouldBlock, status == chanDone
}

func chanrecv1(c *hchan, elem unsafe.Pointer) {
	if !tryrecv(c, elem) {
		receive(c, elem, true)
	}
}

func chanrecv2(c *hchan, elem unsafe.Pointer) (received bool) {
	if received = tryrecv(c, elem); !received {
		_, received = receive(c, elem, true)
	}
	return
}

func selectnbrecv(elem unsafe.Pointer, c *hchan) (selected, received bool) {
	if !recvFails(c) {
		selected, received = receive(c, elem, false)
	}
	return
}

//go:linkname reflect_chanrecv reflect.chanrecv
func reflect_chanrecv(c *hchan, nb bool, elem unsafe.Pointer) (selected bool, received bool) {
	if nb {
		return selectnbrecv(elem, c)
	}
	return true, chanrecv2(c, elem)
}

func closechan(c *hchan) {
	why := "close of nil channel"
	if c != nil {
		if chanclose(c) != chanClosed {
			return
		}
		why = "close of closed channel"
	}
	panic(plainError(why))
}

//go:linkname reflect_chanclose reflect.chanclose
func reflect_chanclose(c *hchan) { closechan(c) }

// ring reports whether programs may see the buffer: that of a timer's channel they may not, see
// gort/sync/chan.c.
func (c *hchan) ring() bool { return c != nil && c.timer == nil }

func chanlen(c *hchan) (n int) {
	if c.ring() {
		n = int(atomic.Loaduint(&c.qcount))
	}
	return
}

func chancap(c *hchan) (n int) {
	if c.ring() {
		n = int(c.dataqsiz)
	}
	return
}

//go:linkname reflect_chanlen reflect.chanlen
func reflect_chanlen(c *hchan) int { return chanlen(c) }

//go:linkname reflectlite_chanlen internal/reflectlite.chanlen
func reflectlite_chanlen(c *hchan) int { return chanlen(c) }

//go:linkname reflect_chancap reflect.chancap
func reflect_chancap(c *hchan) int { return chancap(c) }
