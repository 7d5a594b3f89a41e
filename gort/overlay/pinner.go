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
		SetFinalizer(p.pinner, leakedPinner)
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

// leakedPinner is told of a Pinner that nobody has any more.
func leakedPinner(p *pinner) {
	if len(p.refs) != 0 {
		p.refs = nil // so that a panic that is recovered from is not the first of many
		panic(errorString("runtime.Pinner: found leaking pinned pointer; forgot to call Unpin()?"))
	}
}

// Unpin lets go of everything that Pin was given.
func (p *Pinner) Unpin() {
	if p.pinner != nil {
		p.refs = nil
	}
}
