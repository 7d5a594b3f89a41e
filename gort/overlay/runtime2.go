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
	leftBits       uint32 // see deferreturn
	leftSlots      uint32
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

// _defer is laid out by the compiler, which makes it in frames, too, and then sets fn alone.
type _defer struct {
	heap      bool // the compiler's; nobody reads them
	rangefunc bool
	sp        uintptr
	pc        uintptr
	fn        func()
	link      *_defer
	loop      *loopDefers // or nil: fn is the call
}

// loopDefers collects the calls that loop bodies defer for a frame. Bodies may run anywhere until
// the frame runs its deferred calls: from then on the list is closed.
type loopDefers struct {
	newest atomic.Pointer[_defer] // &closedLoop: closed
	rest   *_defer                // closed: what is left to call
}

// frameDefers is what a frame has still to call. Panics have one, which gort/stack/panics.c fills in
// for one frame after the other.
type frameDefers struct {
	sp    unsafe.Pointer
	bits  *uint8         // of open-coded calls, or nil
	slots unsafe.Pointer // their closures
	call  func()         // what take has taken. May be nil: calling it is the program's mistake
}

// _panic is a panic or a Goexit on its way, in the frame of gopanic or Goexit, linked from g._panic.
// C has the same layout.
type _panic struct {
	arg  any
	link *_panic

	// Where it is. C moves it on.
	todo   frameDefers
	lr     uintptr        // the way on: the pc...
	fp     unsafe.Pointer // ...and the stack pointer of the frame's caller
	resume uintptr
	outer  *_panic

	loopPC uintptr // Goexit: where panic_enter returns to, again when a recover ends below it
	loopSP unsafe.Pointer

	recovered  bool
	repanicked bool // the next one has the same value
	goexit     bool
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
