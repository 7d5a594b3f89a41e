package runtime

import (
	"internal/abi"
	"internal/goarch"
	"internal/runtime/sys"
	_ "unsafe"
)

// Names that other packages of the standard library, or widely used modules, pull. The linker
// lets them through only if they are marked on this side too; marking a function also gives it
// the wrapper by which assembly of other packages calls it.

//go:linkname overflowError
//go:linkname divideError
//go:linkname lastmoduledatap
//go:linkname activeModules

//go:linkname memmove
//go:linkname memclrNoHeapPointers
//go:linkname memequal
//go:linkname writeBarrier
//go:linkname gcWriteBarrier2
//go:linkname morestack_noctxt
//go:linkname reflectcall
//go:linkname spillArgs
//go:linkname unspillArgs
//go:linkname sigpanic
//go:linkname add
//go:linkname noescape
//go:linkname exit
//go:linkname findfunc
//go:linkname FuncForPC
//go:linkname doInit

// gcWriteBarrier2 is called by compiled code, never as a Go function.
func gcWriteBarrier2()

// heapObjectsCanMove tells packages which count on it that objects stay where they are.
//
//go:linkname heapObjectsCanMove
func heapObjectsCanMove() bool { return false }

// cputicks is a cheap counter with no unit in particular.
//
//go:linkname cputicks
func cputicks() int64 { return monotime() }

// pcHeader begins a function table (cmd/link/internal/ld/pcln.go); the rest is the linker's.
type pcHeader struct {
	magic          abi.PCLnTabMagic
	pad1, pad2     uint8
	minLC, ptrSize uint8
}

// moduledataverify1 checks the function table of a module that a program made itself, before
// it joins the list of modules: entries must ascend and end at maxpc.
//
//go:linkname moduledataverify1
func moduledataverify1(md *moduledata) {
	if wrong := md.wrong(); wrong != "" {
		throw(wrong)
	}
}

func (md *moduledata) wrong() string {
	made := pcHeader{magic: abi.CurrentPCLnTabMagic, minLC: sys.PCQuantum, ptrSize: goarch.PtrSize}
	h := *(*pcHeader)(md.pcHeader)
	if h.pad1, h.pad2 = 0, 0; h != made {
		return "invalid function symbol table"
	}
	last := uint32(0)
	for _, f := range md.ftab {
		if f.entryoff < last {
			return "invalid runtime symbol table"
		}
		last = f.entryoff
	}
	if len(md.ftab) == 0 || md.minpc != md.textAddr(md.ftab[0].entryoff) || md.maxpc != md.textAddr(last) {
		return "minpc or maxpc invalid"
	}
	return ""
}
