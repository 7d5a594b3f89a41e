// Calls of C on the g0 stack without a gate (gort/abi/leaf.h), and the write barrier.

#include "textflag.h"

#define P_WBBUF 2160 // offset of struct p's wbbuf; gort/gc/wbbuf.h has the same number

// The leaf table: struct leaf_table of gort/abi/leaf.h. C fills it at the first slow allocation.
DATA ·leaves+0(SB)/8, $·leafnone(SB)
DATA ·leaves+8(SB)/8, $·leafnone(SB)
DATA ·leaves+16(SB)/8, $·leafnone(SB)
DATA ·leaves+24(SB)/8, $·leafnone(SB)
DATA ·leaves+32(SB)/8, $runtime·inProgress(SB)
DATA ·leaves+40(SB)/8, $0
DATA ·leaves+48(SB)/8, $·leafnone(SB)
DATA ·leaves+56(SB)/8, $·leafnone(SB)
DATA ·leaves+64(SB)/8, $·leafnone(SB)
DATA ·leaves+72(SB)/8, $·leafnone(SB)
DATA ·leaves+80(SB)/8, $·leafnone(SB)
DATA ·leaves+88(SB)/8, $·leafnone(SB)
DATA ·leaves+96(SB)/8, $·leafnone(SB)
GLOBL ·leaves(SB), NOPTR, $104

TEXT ·leafnone(SB), NOSPLIT|NOFRAME, $0-0
	XORL	AX, AX
	XORL	DX, DX
	RET

TEXT ·leaves_addr(SB), NOSPLIT, $0-8
	LEAQ	·leaves(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

// A C call on g0's stack; C keeps BX, BP and R12-R15 (so g stays in R14) and leaves the
// vector registers in any state. GS:16 is struct cpu.g0_sp. An interrupt in between finds a
// pc outside Go's text, or in this assembly: it only sets flags, and the goroutine's stack
// pointer at the top of g0's stack (gort/observe/cpuprof.c).
#define LEAF(OFF) \
	MOVQ	SP, R12; \
	MOVQ	16(GS), AX; \
	MOVQ	R12, -8(AX); \
	LEAQ	-16(AX), SP; \
	MOVQ	·leaves+OFF(SB), AX; \
	CALL	AX; \
	MOVQ	R12, SP; \
	XORPS	X15, X15

// func mallocgc(size uintptr, typ *_type, needzero bool) unsafe.Pointer
TEXT ·mallocgc<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ	AX, DI
	MOVQ	AX, R13
	MOVQ	BX, SI
	MOVBLZX	CX, DX
	MOVL	DX, R15
	LEAF(0)
	TESTQ	AX, AX
	JZ	slow
	RET
slow:
	MOVQ	R13, AX
	MOVL	R15, CX
	JMP	·mallocgcSlow<ABIInternal>(SB)

// func newobject(typ *_type) unsafe.Pointer. The slow path has the same arguments, since it may
// spill them into the room that newobject's caller has left for them.
TEXT ·newobject<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ	AX, DI
	MOVQ	AX, BX
	LEAF(8)
	TESTQ	AX, AX
	JZ	slow
	RET
slow:
	MOVQ	BX, AX
	JMP	·newobjectSlow<ABIInternal>(SB)

// func clearPages(p unsafe.Pointer, n uintptr, wide bool)
TEXT ·clearPages(SB), NOSPLIT, $0-17
	MOVQ	p+0(FP), DI
	MOVQ	n+8(FP), CX
	ADDQ	DI, CX
	CMPB	wide+16(FP), $0
	JNE	wide
	XORPS	X0, X0
narrow:
	MOVUPS	X0, 0(DI)
	MOVUPS	X0, 16(DI)
	MOVUPS	X0, 32(DI)
	MOVUPS	X0, 48(DI)
	MOVUPS	X0, 64(DI)
	MOVUPS	X0, 80(DI)
	MOVUPS	X0, 96(DI)
	MOVUPS	X0, 112(DI)
	ADDQ	$128, DI
	CMPQ	DI, CX
	JB	narrow
	RET
wide:
	VPXOR	Y0, Y0, Y0
wider:
	VMOVDQU	Y0, 0(DI)
	VMOVDQU	Y0, 32(DI)
	VMOVDQU	Y0, 64(DI)
	VMOVDQU	Y0, 96(DI)
	ADDQ	$128, DI
	CMPQ	DI, CX
	JB	wider
	VZEROUPPER
	RET

// func shadeRange(dst, src unsafe.Pointer, n uintptr, typ *_type)
TEXT ·shadeRange<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ	DI, R8
	MOVQ	AX, DI
	MOVQ	BX, SI
	MOVQ	CX, DX
	MOVQ	R8, CX
	LEAF(16)
	RET

// Channel operations that need not wait.

// func trysend(c *hchan, elem unsafe.Pointer) bool
TEXT ·trysend<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-17
	MOVQ	AX, DI
	MOVQ	BX, SI
	LEAF(56)
	RET

// func tryrecv(c *hchan, elem unsafe.Pointer) bool
TEXT ·tryrecv<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-17
	MOVQ	AX, DI
	MOVQ	BX, SI
	LEAF(64)
	RET

// func tryselect(cas0 *scase, nsends, nrecvs int) (chosen int)
TEXT ·tryselect<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ	AX, DI
	MOVQ	BX, SI
	MOVQ	CX, DX
	LEAF(72)
	RET

// func alone() bool
TEXT ·alone<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-1
	LEAF(48)
	RET

// func rand() uint64
TEXT ·rand<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	LEAF(80)
	TESTQ	AX, AX
	JZ	slow
	RET
slow:
	JMP	·randSlow<ABIInternal>(SB)

// func internal/runtime/maps.rand() uint64
TEXT internal∕runtime∕maps·rand<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	JMP	·rand<ABIInternal>(SB)

// func mono_leaf() int64
TEXT ·mono_leaf<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	LEAF(88)
	RET

// func clocks_leaf() (wall, mono int64)
TEXT ·clocks_leaf<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-16
	LEAF(96)
	MOVQ	DX, BX
	RET

// The write barrier of compiled code, reached from gcWriteBarrier1 to 8 of zregs_amd64.s.
// R11: bytes wanted in the buffer; returns where in R11.
// Everything else but flags and vector registers stays.
//
//	 0(SP)  R12    16(SP)  the rest, when the buffer is full
//	 8(SP)  R13
TEXT ·wbroom(SB), NOSPLIT, $104
	MOVQ	R12, 0(SP)
	MOVQ	R13, 8(SP)
again:
	MOVQ	48(GS), R12
	MOVQ	P_WBBUF(R12), R12
	MOVQ	0(R12), R13
	ADDQ	R11, R13
	CMPQ	R13, 8(R12)
	JHI	full
	MOVQ	R13, 0(R12)
	SUBQ	R11, R13
	MOVQ	R13, R11
	MOVQ	0(SP), R12
	MOVQ	8(SP), R13
	RET
full:
	MOVQ	AX, 16(SP)
	MOVQ	CX, 24(SP)
	MOVQ	DX, 32(SP)
	MOVQ	SI, 40(SP)
	MOVQ	DI, 48(SP)
	MOVQ	R8, 56(SP)
	MOVQ	R9, 64(SP)
	MOVQ	R10, 72(SP)
	MOVQ	R11, 80(SP)
	LEAF(24)
	MOVQ	16(SP), AX
	MOVQ	24(SP), CX
	MOVQ	32(SP), DX
	MOVQ	40(SP), SI
	MOVQ	48(SP), DI
	MOVQ	56(SP), R8
	MOVQ	64(SP), R9
	MOVQ	72(SP), R10
	MOVQ	80(SP), R11
	JMP	again
