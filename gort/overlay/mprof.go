package runtime

// The memory profile: gort/observe/mprof.c samples and counts.

import (
	"internal/profilerecord"
	"unsafe"
)

// disableMemoryProfiling is set by the linker if nothing in the program reads the profile.
var disableMemoryProfiling bool

// MemProfileRate is how many bytes are allocated per sample of the memory profile.
var MemProfileRate int = 512 * 1024

// MemProfileRecord describes the live objects allocated by one call sequence.
type MemProfileRecord struct {
	AllocBytes, FreeBytes     int64
	AllocObjects, FreeObjects int64
	Stack0                    [32]uintptr
}

func (r *MemProfileRecord) InUseBytes() int64   { return r.AllocBytes - r.FreeBytes }
func (r *MemProfileRecord) InUseObjects() int64 { return r.AllocObjects - r.FreeObjects }

// Stack returns the record's program counters, up to the first zero.
func (r *MemProfileRecord) Stack() []uintptr { return upToZero(r.Stack0[:]) }

// memProfRecord is struct mprof_record of gort/observe/mprof.c.
type memProfRecord struct {
	allocs, frees, allocBytes, freeBytes uint64
	n                                    int
	pc                                   [profDepth]uintptr
}

func mem_profile(out *memProfRecord, cap int, inuseZero bool) (n int)

// MemProfile returns the number of records and, if p has room, fills it with them: the state
// as of the last collections but one or two. Records whose objects are all free count only if
// inuseZero.
func MemProfile(p []MemProfileRecord, inuseZero bool) (n int, ok bool) {
	recs, n := memProfileInternal(len(p), inuseZero)
	for i := range recs {
		r := &recs[i]
		p[i] = MemProfileRecord{AllocBytes: int64(r.allocBytes), FreeBytes: int64(r.freeBytes),
			AllocObjects: int64(r.allocs), FreeObjects: int64(r.frees)}
		copy(p[i].Stack0[:], r.pc[:r.n])
	}
	return n, n <= len(p)
}

// memProfileInternal returns the number of records, and them if they are at most room. It is known
// to the linker by name: see disableMemoryProfiling.
func memProfileInternal(room int, inuseZero bool) (recs []memProfRecord, n int) {
	raw := make([]memProfRecord, room)
	if n = mem_profile(unsafe.SliceData(raw), room, inuseZero); n > room {
		return nil, n
	}
	return raw[:n], n
}

//go:linkname pprof_memProfileInternal
func pprof_memProfileInternal(p []profilerecord.MemProfileRecord, inuseZero bool) (n int, ok bool) {
	recs, n := memProfileInternal(len(p), inuseZero)
	for i := range recs {
		p[i] = recs[i].forPprof()
	}
	return n, n <= len(p)
}
