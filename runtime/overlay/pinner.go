package runtime

import (
	"internal/abi"
	"unsafe"
)

// A Pinner is a set of Go objects each pinned to a fixed location in memory. No object of
// gort's heap ever moves, so to pin one is to keep it reachable.
type Pinner struct {
	*pinner
}

type pinner struct {
	refs []unsafe.Pointer
}

// Pin pins a Go object until Unpin: pointer must be a pointer or an unsafe.Pointer.
func (p *Pinner) Pin(pointer any) {
	if p.pinner == nil {
		p.pinner = new(pinner)
	}
	e := efaceOf(&pointer)
	if e._type == nil {
		panic(errorString("runtime.Pinner: argument is nil"))
	}
	if k := e._type.Kind(); k != abi.Pointer && k != abi.UnsafePointer {
		panic(errorString("runtime.Pinner: argument is not a pointer: " + toRType(e._type).string()))
	}
	if e.data != nil {
		p.refs = append(p.refs, e.data)
	}
}

// Unpin unpins all pinned objects of the Pinner.
func (p *Pinner) Unpin() {
	if p.pinner != nil {
		p.refs = nil
	}
}
