//go:build go1.27

package runtime

// What is so in Go 1.27. Files of other lines declare the names of this one that shared files use.

import (
	"internal/abi"
	"internal/godebugs"
	"internal/profilerecord"
	"internal/runtime/maps"
	"internal/strconv"
	"unsafe"
)

const (
	lineNilPanic        = "runtime error: panic called with nil argument"
	lineTracebackLabels = 1 // GODEBUG=tracebacklabels, unless the environment says another
	lineLabelForm       = 1
	lineMainMayLeak     = false // is goroutine 1 in select{} a leak?
)

// pinnedTypemaps keeps typemaps reachable: moduledata is not scanned.
var pinnedTypemaps []map[*_type]*_type

// hashinit: package maps has the hash functions and seeds them.
func hashinit() { maps.AlgInit() }

// typelinkOffsets: the linker puts the types that can be found by name first and has no list of them.
func (md *moduledata) typelinkOffsets() (offsets []int32) {
	for _, t := range moduleTypelinks(md) {
		offsets = append(offsets, int32(uintptr(unsafe.Pointer(t))-md.types))
	}
	return offsets
}

// A program has one module, for there are no plugins.
//
//go:linknamestd reflect_compiledTypelinks reflect.compiledTypelinks
func reflect_compiledTypelinks() (first []*abi.Type, others [][]*abi.Type) {
	return moduleTypelinks(&firstmoduledata), nil
}

// On no machine but IBM's are masks of types elsewhere than the linker says.
//
//go:linknamestd reflect_adjustAIXGCDataForRuntime reflect.adjustAIXGCDataForRuntime
func reflect_adjustAIXGCDataForRuntime(mask *byte) *byte { return mask }

//go:linkname fips140_monoTime crypto/internal/fips140deps/time.monoTime
func fips140_monoTime() int64 { return monotime() }

func (r *memProfRecord) forPprof() profilerecord.MemProfileRecord {
	size := uint64(0)
	if r.allocs > 0 {
		size = r.allocBytes / r.allocs
	}
	return profilerecord.MemProfileRecord{ObjectSize: int64(size),
		AllocObjects: int64(r.allocs), FreeObjects: int64(r.frees), Stack: r.pc[:r.n]}
}

// removedGodebug says which setting that this release no longer has was asked for at start, or "".
var removedGodebug string

func godebugNoteRemoved(name, value string) {
	if mainStarted || removedGodebug != "" {
		return
	}
	for _, r := range godebugs.Removed {
		if r.Name == name && r.Old(value) {
			removedGodebug = "removed GODEBUG \"" + name + "\" set to old value \"" + value +
				"\" in environment (https://go.dev/doc/godebug#go-1" + strconv.Itoa(r.Removed) + ")"
		}
	}
}

func godebugRefuseRemoved() {
	if removedGodebug != "" {
		fatal(removedGodebug)
	}
}
