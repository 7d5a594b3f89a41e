package runtime

import (
	"internal/abi"
	"internal/runtime/atomic"
	"unsafe"
)

// A Pinner keeps objects where they are, for memory that the collector does not see to refer to.
// No object of gort's heap ever moves, so a Pinner only has to keep them reachable.
type Pinner struct {
	*pinner
}

// pinner is what a Pinner holds on to. When the last reference to it goes, it should hold nothing:
// otherwise Unpin was forgotten, and what refers to these objects would be left with freed memory.
type pinner struct {
	refs []unsafe.Pointer // objects of the heap
}

// Most Pinners live for one call: the last one that was let go of is used again.
var sparePinner atomic.Pointer[pinner]

const spareRefs = 8 // so long a list is kept with it

func newPinner() *pinner {
	if p := sparePinner.Load(); p != nil && sparePinner.CompareAndSwap(p, nil) {
		return p
	}
	p := new(pinner)
	SetFinalizer(p, (*pinner).lost)
	return p
}

func (p *pinner) lost() {
	if len(p.refs) > 0 {
		panic(errorString("runtime.Pinner: found leaking pinned pointer; forgot to call Unpin()?"))
	}
}

// Pin pins a Go object until Unpin: pointer must be a pointer or an unsafe.Pointer.
func (p *Pinner) Pin(pointer any) {
	if p.pinner == nil {
		p.pinner = newPinner()
	}
	e := efaceOf(&pointer)
	if e._type == nil {
		panic(errorString("runtime.Pinner: argument is nil"))
	}
	if k := e._type.Kind(); k != abi.Pointer && k != abi.UnsafePointer {
		panic(errorString("runtime.Pinner: argument is not a pointer: " + toRType(e._type).string()))
	}
	if base, _, _, _ := mem_object(e.data); base != 0 {
		p.refs = append(p.refs, e.data)
	}
}

// Unpin lets go of everything that Pin was given.
func (p *Pinner) Unpin() {
	if p.pinner == nil {
		return
	}
	if cap(p.refs) > spareRefs {
		p.refs = nil
	}
	clear(p.refs)
	p.refs = p.refs[:0]
	if sparePinner.CompareAndSwap(nil, p.pinner) {
		p.pinner = nil
	}
}
