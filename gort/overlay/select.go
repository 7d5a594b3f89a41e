package runtime

// Select: what is Go of it, see chan.go.

import (
	"internal/runtime/sys"
	"unsafe"
)

// scase is one case of a select: the compiler lays it out.
type scase struct {
	c    *hchan
	elem unsafe.Pointer
}

// selectsetpc is called in race detector builds.
func selectsetpc(pc *uintptr) { *pc = sys.GetCallerPC() }

// tryselect takes a case that can go at once, at random, and returns its number + 1, or 0. A leaf,
// in wb_amd64.s.
//
//go:noescape
func tryselect(cas0 *scase, nsends, nrecvs int) (chosen int)

// selectgo runs a select of nsends sends and nrecvs receives, in this order at cas0. order0
// has room for twice as many numbers. It returns the case's index, -1 for the default, and
// whether a value was received.
func selectgo(cas0 *scase, order0 *uint16, pc0 *uintptr, nsends, nrecvs int, block bool) (int, bool) {
	if chosen := tryselect(cas0, nsends, nrecvs); chosen != 0 {
		return chosen - 1, chosen > nsends
	}
	chosen, delay, status := selectg(cas0, order0, nsends, nrecvs, block)
	for status == chanTimer {
		cas := (*scase)(add(unsafe.Pointer(cas0), uintptr(chosen)*unsafe.Sizeof(scase{})))
		timerFire(cas.c.timer, delay)
		chosen, delay, status = selectg(cas0, order0, nsends, nrecvs, block)
	}
	if status == chanParked {
		chosen, status = selectwoken(cas0, order0, nsends, nrecvs)
	}
	if status == chanClosed && chosen < nsends {
		panicSendClosed()
	}
	return chosen, status == chanDone && chosen >= nsends
}

// runtimeSelect is a case of reflect.Select: reflect lays it out.
type runtimeSelect struct {
	dir int
	typ unsafe.Pointer
	ch  *hchan
	val unsafe.Pointer
}

// Numbers of reflect.SelectDir.
const (
	selectSend    = 1
	selectRecv    = 2
	selectDefault = 3
)

//go:linkname reflect_rselect reflect.rselect
func reflect_rselect(cases []runtimeSelect) (int, bool) {
	if len(cases) == 0 {
		block()
	}
	var count [selectDefault + 1]int
	dflt := -1
	for i := range cases {
		if count[cases[i].dir]++; cases[i].dir == selectDefault {
			dflt = i
		}
	}
	nsends := count[selectSend]
	sel := make([]scase, nsends+count[selectRecv])
	orig := make([]int, len(sel)) // index in cases of each of sel
	next := [...]int{selectSend: 0, selectRecv: nsends}
	for i, c := range cases {
		if c.dir != selectDefault {
			at := next[c.dir]
			next[c.dir]++
			sel[at], orig[at] = scase{c.ch, c.val}, i
		}
	}
	if len(sel) == 0 {
		return dflt, false
	}
	order := make([]uint16, 2*len(sel))
	chosen, ok := selectgo(&sel[0], &order[0], nil, nsends, len(sel)-nsends, dflt < 0)
	if chosen < 0 {
		return dflt, false
	}
	return orig[chosen], ok
}
