package runtime

// Callers, functions and source lines. The tables are read by C (gort/stack/symtab.c); strings that
// come from there lie in the program's read-only data.

import (
	"internal/abi"
	"internal/bytealg"
	"internal/runtime/sys"
	"unsafe"
)

// symFrame is a source function at some pc. gort/stack/callers.c has the same layout.
type symFrame struct {
	fn        *Func // physical function
	name      string
	entry     uintptr // of the physical function
	parent    uintptr // if inlined: an instruction of its caller
	startLine int32
	funcID    abi.FuncID
	inlined   bool
}

//go:noescape
func callers_at(pc, sp uintptr, skip int, buf unsafe.Pointer, cap int) (n int)

//go:noescape
func sym_frame(pc uintptr, out unsafe.Pointer) (ok bool)

//go:noescape
func sym_func(fn, out unsafe.Pointer) (ok bool)

//go:noescape
func sym_line(fn unsafe.Pointer, pc uintptr) (file string, line int32)

// sym_c_name is the name of the kernel's function that contains pc, or "".
func sym_c_name(pc uintptr) (name string)

//go:noescape
func stack_text(buf unsafe.Pointer, cap int, pc, sp uintptr, all bool) (n int)

func frameAt(pc uintptr) (f symFrame, ok bool) {
	ok = sym_frame(pc, unsafe.Pointer(&f))
	return
}

// callers returns return addresses of the calling functions into pcbuf; skip 0 is the
// function that has called callers.
//
//go:noinline
//go:linkname callers
func callers(skip int, pcbuf []uintptr) int {
	if len(pcbuf) == 0 {
		return 0
	}
	return callers_at(sys.GetCallerPC(), sys.GetCallerSP(), skip, unsafe.Pointer(&pcbuf[0]), len(pcbuf))
}

// Callers fills pc with the return addresses of the functions on the calling goroutine's
// stack. skip 0 is Callers itself, 1 its caller. It returns the number of entries. Use
// CallersFrames to make sense of them.
func Callers(skip int, pc []uintptr) int {
	return callers(skip, pc)
}

// Caller reports pc, file and line of the skip'th function on the calling goroutine's stack,
// where 0 is the caller of Caller.
func Caller(skip int) (pc uintptr, file string, line int, ok bool) {
	chain := Frames{callers: make([]uintptr, 1)}
	chain.callers = chain.callers[:callers(skip+1, chain.callers)]
	at, _ := chain.Next()
	return at.position()
}

func (f *Frame) position() (pc uintptr, file string, line int, known bool) {
	return f.PC, f.File, f.Line, f.PC != 0
}

// Frames turns what Callers returns into function, file and line.
type Frames struct {
	callers []uintptr
	nextPC  uintptr // the rest of an inlined chain, before callers
	ready   [2]Frame
	n       int // valid ones in ready
}

// Frame is one function call.
type Frame struct {
	// PC is the call instruction, or 0 if unknown.
	PC uintptr

	// Func is nil for inlined functions.
	Func *Func

	// Function is the name with its package path.
	Function string

	// File and Line are empty and 0 if unknown.
	File string
	Line int

	startLine int

	// Entry is the function's first instruction; of the outer one if it is inlined.
	Entry uintptr

	symName string // with type arguments
	fn      *Func
}

// CallersFrames takes a slice made by Callers. Do not change the slice until done.
func CallersFrames(callers []uintptr) *Frames {
	return &Frames{callers: callers}
}

func elideWrapperCalling(id abi.FuncID) bool {
	return id != abi.FuncID_gopanic && id != abi.FuncID_sigpanic && id != abi.FuncID_panicwrap
}

// advance makes one more frame ready, if there are callers left.
func (ci *Frames) advance() bool {
	var pc uintptr
	if ci.nextPC != 0 {
		pc, ci.nextPC = ci.nextPC, 0
	} else if len(ci.callers) > 0 {
		pc, ci.callers = ci.callers[0], ci.callers[1:]
	} else {
		return false
	}
	s, ok := frameAt(pc)
	if !ok {
		ci.addC(pc)
		return true
	}
	if pc > s.entry {
		pc--
		s, _ = frameAt(pc)
	}
	f := s.fn
	if s.inlined {
		f = nil
		ci.continueInlined(s)
	}
	ci.ready[ci.n] = Frame{
		PC: pc, Func: f, Function: symNameForPrint(s.name), Entry: s.entry,
		startLine: int(s.startLine), symName: s.name, fn: s.fn,
	}
	ci.n++
	return true
}

// addC: CPU profiles name functions of the kernel, too.
func (ci *Frames) addC(pc uintptr) {
	if name := sym_c_name(pc - 1); name != "" {
		ci.ready[ci.n] = Frame{PC: pc - 1, Function: "gort." + name}
		ci.n++
	}
}

// continueInlined: Callers lists the whole inlined chain, but a pc from elsewhere (a profile,
// or the last of a full buffer) stands for all of it. If the parent is not what comes next,
// it has to be inserted.
func (ci *Frames) continueInlined(s symFrame) {
	id := s.funcID
	for s.inlined && len(ci.callers) > 0 && ci.callers[0] != s.parent+1 {
		parent := s.parent
		s, _ = frameAt(parent)
		if s.funcID == abi.FuncIDWrapper && elideWrapperCalling(id) {
			continue
		}
		ci.nextPC = parent + 1
		return
	}
}

// Next returns the next frame, and whether there are more. With no frames at all it is zero.
func (ci *Frames) Next() (frame Frame, more bool) {
	for ci.n < len(ci.ready) && ci.advance() {
	}
	if ci.n > 0 {
		frame, ci.ready[0] = ci.ready[0], ci.ready[1]
		ci.n--
		frame.locate()
	}
	return frame, ci.n > 0
}

// locate finds file and line, which most callers of Next never look at of most frames.
func (f *Frame) locate() {
	if f.fn == nil {
		return
	}
	file, line := sym_line(unsafe.Pointer(f.fn), f.PC)
	f.File, f.Line = file, int(line)
}

//go:linkname runtime_FrameStartLine runtime/pprof.runtime_FrameStartLine
func runtime_FrameStartLine(f *Frame) int { return f.startLine }

//go:linkname runtime_FrameSymbolName runtime/pprof.runtime_FrameSymbolName
func runtime_FrameSymbolName(f *Frame) string {
	if f.fn == nil {
		return f.Function
	}
	return f.symName
}

// runtime_expandFinalInlineFrame lists the whole inlined chain that the last pc of stk stands
// for: a buffer that was full may end inside of one.
//
//go:linkname runtime_expandFinalInlineFrame runtime/pprof.runtime_expandFinalInlineFrame
func runtime_expandFinalInlineFrame(stk []uintptr) []uintptr {
	last := len(stk) - 1
	if last >= 0 {
		if s, ok := frameAt(stk[last] - 1); ok && s.inlined {
			return s.unroll(stk[:last], stk[last]-1, abi.FuncIDNormal)
		}
	}
	return stk
}

// unroll appends to pcs one for s, at pc, and for each function that it is inlined into, except
// wrappers that are not shown. callee is what s calls.
func (s symFrame) unroll(pcs []uintptr, pc uintptr, callee abi.FuncID) []uintptr {
	if s.funcID != abi.FuncIDWrapper || !elideWrapperCalling(callee) {
		pcs = append(pcs, pc+1)
	}
	if s.inlined {
		if outer, ok := frameAt(s.parent); ok {
			return outer.unroll(pcs, s.parent, s.funcID)
		}
	}
	return pcs
}

// A Func is a Go function of the running program: the linker's record of it, or a funcInlined.
type Func struct {
	opaque struct{}
}

// funcInlined stands for a function inlined into another. Its first word tells it from the
// linker's records, which begin with an offset into the text.
type funcInlined struct {
	ones      uint32
	entry     uintptr
	name      string
	file      string
	line      int
	startLine int32
}

func (f *Func) inlined() *funcInlined {
	if fi := (*funcInlined)(unsafe.Pointer(f)); fi.ones == ^uint32(0) {
		return fi
	}
	return nil
}

// FuncForPC returns the function that contains pc, or nil. If pc is in an inlined function,
// it is that one, with the entry of the outer one.
func FuncForPC(pc uintptr) *Func {
	s, ok := frameAt(pc)
	switch {
	case !ok:
		return nil
	case !s.inlined:
		return s.fn
	}
	in := &funcInlined{ones: ^uint32(0), entry: s.entry, name: s.name, startLine: s.startLine}
	file, line := sym_line(unsafe.Pointer(s.fn), pc)
	in.file, in.line = file, int(line)
	return (*Func)(unsafe.Pointer(in))
}

// Name returns the function's name.
func (f *Func) Name() string {
	if f == nil {
		return ""
	}
	if fi := f.inlined(); fi != nil {
		return symNameForPrint(fi.name)
	}
	var s symFrame
	sym_func(unsafe.Pointer(f), unsafe.Pointer(&s))
	return symNameForPrint(s.name)
}

// Entry returns the address of the function's first instruction.
func (f *Func) Entry() uintptr {
	if fi := f.inlined(); fi != nil {
		return fi.entry
	}
	var s symFrame
	sym_func(unsafe.Pointer(f), unsafe.Pointer(&s))
	return s.entry
}

// FileLine returns the source position of pc, which should lie in f.
func (f *Func) FileLine(pc uintptr) (file string, line int) {
	in := f.inlined()
	if in == nil {
		path, number := sym_line(unsafe.Pointer(f), pc)
		return path, int(number)
	}
	return in.file, in.line
}

// symNameForPrint shows each list of type arguments as [...]: T[...].f[...].
func symNameForPrint(name string) string {
	if bytealg.IndexByteString(name, '[') < 0 {
		return name
	}
	shown := make([]byte, 0, len(name)+3)
	for i, depth := 0, 0; i < len(name); i++ {
		if name[i] == ']' && depth > 0 {
			depth--
		}
		if depth == 0 {
			shown = append(shown, name[i])
		}
		if name[i] == '[' {
			if depth == 0 {
				shown = append(shown, "..."...)
			}
			depth++
		}
	}
	return string(shown)
}

// Stack writes the calling goroutine's stack trace into buf, and all others' after it if all
// is true, and returns the number of bytes.
//
//go:noinline
func Stack(buf []byte, all bool) int {
	if len(buf) == 0 {
		return 0
	}
	return stack_text(unsafe.Pointer(&buf[0]), len(buf), sys.GetCallerPC(), sys.GetCallerSP(), all)
}
