//go:build !go1.27

package runtime

// What is so in Go 1.26 alone. Files of other lines declare the names of this one that shared files
// use.

import (
	"internal/profilerecord"
)

const (
	lineNilPanic        = "panic called with nil argument"
	lineTracebackLabels = 0 // GODEBUG=tracebacklabels, unless the environment says another
	lineLabelForm       = 0
	lineMainMayLeak     = true // is goroutine 1 in select{} a leak?
)

// pinnedTypemaps keeps typemaps reachable: moduledata is not scanned.
var pinnedTypemaps []map[typeOff]*_type

// hashinit seeds the hash functions (go126_amd64.s) and says whether the CPU has AES instructions for them.
func hashinit() { alginit() }

func (md *moduledata) typelinkOffsets() []int32 { return md.typelinks }

func (r *memProfRecord) forPprof() profilerecord.MemProfileRecord {
	return profilerecord.MemProfileRecord{
		AllocBytes: int64(r.allocBytes), FreeBytes: int64(r.freeBytes),
		AllocObjects: int64(r.allocs), FreeObjects: int64(r.frees), Stack: r.pc[:r.n]}
}

// Settings that this line's releases dropped are ignored.
func godebugNoteRemoved(name, value string) {}
func godebugRefuseRemoved()                 {}
