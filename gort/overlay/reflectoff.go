package runtime

// What reflect and internal/reflectlite ask about names and types that the linker placed.

import (
	"unsafe"
)

// Offsets of a type's module, or, below 0, what reflection has made: see rtype in type.go.

func rtypeAt(p unsafe.Pointer) rtype { return toRType((*_type)(p)) }

func nameAt(base unsafe.Pointer, off int32) unsafe.Pointer {
	name := resolveNameOff(base, nameOff(off))
	return unsafe.Pointer(name.Bytes)
}

func typeAt(p unsafe.Pointer, off int32) unsafe.Pointer {
	return unsafe.Pointer(rtypeAt(p).typeOff(typeOff(off)))
}

//go:linkname reflectlite_resolveNameOff internal/reflectlite.resolveNameOff
func reflectlite_resolveNameOff(base unsafe.Pointer, off int32) unsafe.Pointer {
	return nameAt(base, off)
}

//go:linkname reflectlite_resolveTypeOff internal/reflectlite.resolveTypeOff
func reflectlite_resolveTypeOff(t unsafe.Pointer, off int32) unsafe.Pointer { return typeAt(t, off) }

//go:linkname reflect_resolveNameOff reflect.resolveNameOff
func reflect_resolveNameOff(base unsafe.Pointer, off int32) unsafe.Pointer { return nameAt(base, off) }

//go:linkname reflect_resolveTypeOff reflect.resolveTypeOff
func reflect_resolveTypeOff(t unsafe.Pointer, off int32) unsafe.Pointer { return typeAt(t, off) }

//go:linkname reflect_resolveTextOff reflect.resolveTextOff
func reflect_resolveTextOff(t unsafe.Pointer, off int32) unsafe.Pointer {
	return rtypeAt(t).textOff(textOff(off))
}

// reflect_addReflectOff names an address that reflection made at run time by a negative
// offset, the same one each time: the n-th is -n.
//
//go:linkname reflect_addReflectOff reflect.addReflectOff
func reflect_addReflectOff(ptr unsafe.Pointer) int32 {
	made := &reflectOffs
	reflectOffsLock()
	off := made.minv[ptr]
	if off == 0 {
		if made.m == nil {
			made.m, made.minv = map[int32]unsafe.Pointer{}, map[unsafe.Pointer]int32{}
		}
		off = -int32(len(made.m)) - 1
		made.m[off], made.minv[ptr] = ptr, off
	}
	reflectOffsUnlock()
	return off
}

// reflect_typelinks gives, module by module, where its types are and the offsets of those that
// reflection may look for by name.
//
//go:linkname reflect_typelinks reflect.typelinks
func reflect_typelinks() (sections []unsafe.Pointer, offsets [][]int32) {
	n := len(loadedModules)
	sections, offsets = make([]unsafe.Pointer, n), make([][]int32, n)
	for i, m := range loadedModules {
		sections[i], offsets[i] = unsafe.Pointer(m.types), m.typelinkOffsets()
	}
	return
}

//go:noescape
func mem_ptrmask(p unsafe.Pointer, mask []byte)

// reflect_gcbits tells reflect's tests which words of the heap object that x points to the
// collector takes for pointers: a byte for each word, up to the last pointer.
//
//go:linkname reflect_gcbits reflect.gcbits
func reflect_gcbits(x any) []byte {
	base, size, noscan, _ := mem_object(efaceOf(&x).data)
	if base == 0 || noscan {
		return nil
	}
	mask := make([]byte, size/8)
	mem_ptrmask(unsafe.Pointer(base), mask)
	for len(mask) > 0 && mask[len(mask)-1] == 0 {
		mask = mask[:len(mask)-1]
	}
	return mask
}

// reflect_verifyNotInHeapPtr tells whether p is a value that a pointer outside the heap may
// have: any but the two that mark dead memory.
//
//go:linkname reflect_verifyNotInHeapPtr reflect.verifyNotInHeapPtr
func reflect_verifyNotInHeapPtr(p uintptr) bool {
	base, _, _, _ := mem_object(unsafe.Pointer(p))
	return base == 0 && p != clobberdeadPtr
}

const clobberdeadPtr = uintptr(0xdeaddead | 0xdeaddead<<((^uintptr(0)>>63)*32))
