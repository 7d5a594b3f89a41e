package runtime

// The block and the mutex profile: gort/observe/blockprof.c counts.

import (
	"internal/profilerecord"
	"unsafe"
)

func block_rate(mutex bool, rate int64) (old int64)
func block_event(mutex bool, ns int64, skip int)
func block_woken(skip int)

//go:noescape
func block_profile(mutex bool, out unsafe.Pointer, cap int) (n int)

// blockRecord is struct block_record of gort/observe/blockprof.c.
type blockRecord struct {
	count, ns int64
	n         uint64
	pc        [profDepth]uintptr
}

// BlockProfileRecord describes where goroutines blocked.
type BlockProfileRecord struct {
	Count  int64
	Cycles int64
	StackRecord
}

var blockprofilerate, mutexprofilerate int64

// SetBlockProfileRate makes the block profile sample one event per rate nanoseconds blocked:
// 1 is every event, 0 none.
func SetBlockProfileRate(rate int) {
	blockprofilerate = int64(max(rate, 0))
	block_rate(false, blockprofilerate)
}

// SetMutexProfileFraction makes the mutex profile sample one of rate events, none if rate is
// 0, and returns the old rate. A negative rate only reads it.
func SetMutexProfileFraction(rate int) int {
	old := mutexprofilerate
	if rate >= 0 {
		mutexprofilerate = int64(rate)
		block_rate(true, mutexprofilerate)
	}
	return int(old)
}

// blockevent records that the goroutine was blocked; 1 in skip is the caller.
//
//go:linkname blockevent
func blockevent(cycles int64, skip int) { block_event(false, cycles, skip+1) }

//go:linkname mutexevent sync.event
func mutexevent(cycles int64, skip int) { block_event(true, cycles, skip+1) }

// blockRecords returns the profile, if it has at most limit records.
func blockRecords(mutex bool, limit int) (recs []blockRecord, n int, ok bool) {
	n = block_profile(mutex, nil, 0)
	if n > limit {
		return nil, n, false
	}
	recs = make([]blockRecord, limit+1)
	n = block_profile(mutex, unsafe.Pointer(&recs[0]), limit)
	return recs, n, n <= limit
}

func blockProfile(mutex bool, p []BlockProfileRecord) (n int, ok bool) {
	recs, n, ok := blockRecords(mutex, len(p))
	if !ok {
		return n, false
	}
	for i := range p[:n] {
		r := &recs[i]
		p[i] = BlockProfileRecord{Count: r.count, Cycles: r.ns}
		copy(p[i].Stack0[:], r.pc[:r.n])
	}
	return n, true
}

func blockProfileInternal(mutex bool, p []profilerecord.BlockProfileRecord) (n int, ok bool) {
	recs, n, ok := blockRecords(mutex, len(p))
	if !ok {
		return n, false
	}
	for i := range p[:n] {
		r := &recs[i]
		p[i].Count, p[i].Cycles, p[i].Stack = r.count, r.ns, r.pc[:r.n]
	}
	return n, true
}

// BlockProfile returns the number of records and, if p has room, where goroutines blocked.
func BlockProfile(p []BlockProfileRecord) (n int, ok bool) { return blockProfile(false, p) }

// MutexProfile returns the number of records and, if p has room, who held mutexes that others
// waited for.
func MutexProfile(p []BlockProfileRecord) (n int, ok bool) { return blockProfile(true, p) }

//go:linkname pprof_blockProfileInternal
func pprof_blockProfileInternal(p []profilerecord.BlockProfileRecord) (n int, ok bool) {
	return blockProfileInternal(false, p)
}

//go:linkname pprof_mutexProfileInternal
func pprof_mutexProfileInternal(p []profilerecord.BlockProfileRecord) (n int, ok bool) {
	return blockProfileInternal(true, p)
}
