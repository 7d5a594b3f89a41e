package runtime

import (
	"internal/abi"
	"unsafe"
)

// A Pinner keeps objects where they are, for memory that the collector does not see to refer to.
// No object of gort's heap ever moves, so a Pinner only has to keep them reachable.
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

// Unpin lets go of everything that Pin was given.
func (p *Pinner) Unpin() {
	if p.pinner != nil {
		p.refs = nil
	}
}
