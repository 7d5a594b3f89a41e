package runtime

// The types that Go code of this package, the linker's DWARF and gdb need. Their leading
// fields are laid out as gort/g.h has them; scripts/abigen proves it.

import (
	"internal/abi"
	"internal/runtime/atomic"
	"internal/runtime/sys"
	"unsafe"
)

type stack struct {
	lo uintptr
	hi uintptr
}

type gobuf struct {
	sp   uintptr
	pc   uintptr
	g    uintptr
	ctxt unsafe.Pointer
	lr   uintptr
	bp   uintptr
}

// g is a goroutine. C owns the structure; Go code touches the fields below only, and only
// those of the running goroutine.
type g struct {
	_             sys.NotInHeap
	stack         stack
	stackguard0   uintptr
	stackguard1   uintptr
	_panic        *_panic
	_defer        *_defer
	m             *m
	sched         gobuf
	goid          uint64
	param         unsafe.Pointer
	labels        unsafe.Pointer
	coroarg       unsafe.Pointer
	bubble        unsafe.Pointer
	fipsIndicator uint8

	fipsOnlyBypass bool
	paniconfault   bool
	sigkind        uint8
	sig            uint32
	sigcode0       uintptr
	sigcode1       uintptr
	sigpc          uintptr
	writebuf       []byte // print.go
}

// m is a CPU.
type m struct {
	_         sys.NotInHeap
	g0        *g
	curg      *g
	locks     int32
	dying     int32
	printlock int8
	mallocing int32
}

type p struct{ id int32 }

type _defer struct {
	heap      bool
	rangefunc bool
	sp        uintptr
	pc        uintptr
	fn        func()
	link      *_defer
	head      *atomic.Pointer[_defer]
}

// _panic lives on its goroutine's stack, linked from g._panic. gort/stack/panics.c reads and writes
// it through the same layout.
type _panic struct {
	arg     any
	link    *_panic
	startPC uintptr        // where the defer loop was entered: a pending Goexit resumes there
	startSP unsafe.Pointer //
	sp      unsafe.Pointer // frame whose defers run now
	lr      uintptr        // where the walk goes on: its caller's pc...
	fp      unsafe.Pointer // ...and the caller's stack pointer
	retpc   uintptr        // inside the frame, identifies the function that a recover leaves

	deferBits *uint8         // open-coded defers of the frame that are still to run
	slots     unsafe.Pointer // their closures

	recovered   bool
	repanicked  bool
	goexit      bool
	deferreturn bool

	gopanicFP unsafe.Pointer
}

type funcval struct {
	fn uintptr
}

type iface struct {
	tab  *itab
	data unsafe.Pointer
}

type eface struct {
	_type *_type
	data  unsafe.Pointer
}

type itab = abi.ITab

func efaceOf(ep *any) *eface { return (*eface)(unsafe.Pointer(ep)) }

// mutex is taken by Go code of this package for a few instructions. Its holder is not
// preempted (m.locks), so that spinning is right.
type mutex struct {
	key uint32
}

type notInHeap struct{ _ sys.NotInHeap }

type bitvector struct {
	n        int32
	bytedata *uint8
}

type functab struct {
	entryoff uint32
	funcoff  uint32
}

type textsect struct {
	vaddr    uintptr
	end      uintptr
	baseaddr uintptr
}

type modulehash struct {
	modulename   string
	linktimehash string
	runtimehash  *string
}

type ptabEntry struct {
	name nameOff
	typ  typeOff
}

type initTask struct {
	state uint32
	nfns  uint32
}

// moduledata is written by the linker (cmd/link/internal/ld/symtab.go).
type moduledata struct {
	sys.NotInHeap

	pcHeader     unsafe.Pointer
	funcnametab  []byte
	cutab        []uint32
	filetab      []byte
	pctab        []byte
	pclntable    []byte
	ftab         []functab
	findfunctab  uintptr
	minpc, maxpc uintptr

	text, etext           uintptr
	noptrdata, enoptrdata uintptr
	data, edata           uintptr
	bss, ebss             uintptr
	noptrbss, enoptrbss   uintptr
	covctrs, ecovctrs     uintptr
	end, gcdata, gcbss    uintptr
	types, etypes         uintptr
	rodata                uintptr
	gofunc                uintptr
	epclntab              uintptr

	textsectmap []textsect
	typelinks   []int32
	itablinks   []*itab

	ptab []ptabEntry

	pluginpath string
	pkghashes  []modulehash

	inittasks []*initTask

	modulename   string
	modulehashes []modulehash

	hasmain uint8
	bad     bool

	gcdatamask, gcbssmask bitvector

	typemap map[typeOff]*_type

	next *moduledata
}

var firstmoduledata moduledata

//go:linkname firstmoduledata
var lastmoduledatap *moduledata

var runtime_inittasks []*initTask

//go:linkname runtime_inittasks

// pinnedTypemaps keeps typemaps reachable: moduledata is not scanned.
var pinnedTypemaps []map[typeOff]*_type

var loadedModules []*moduledata

func activeModules() []*moduledata { return loadedModules }
