// Where Go and C meet, and the few things that only assembly can do. What names every register
// is generated: build/gen/zregs_amd64.s, from gort/abi/registers.def. Offsets into struct g and
// struct cpu are those of gort/g.h and arch/x86_64/cpu.h (checked by static assertions there).

#include "textflag.h"
#include "funcdata.h"

// The ELF entry. The kernel calls it once, on the boot CPU's own stack, the C way: DI is the
// kernel table, SI the number of its words. Returns the app table, or 0 if the table is
// shorter than this program's.
TEXT _rt0_amd64_linux(SB), NOSPLIT|NOFRAME, $0
	MOVQ	·ktabsize(SB), CX
	SHRQ	$3, CX
	XORL	AX, AX
	CMPQ	SI, CX
	JB	done
	LEAQ	·ktab(SB), DX
copy:
	MOVQ	-8(DI)(CX*8), R8
	MOVQ	R8, -8(DX)(CX*8)
	DECQ	CX
	JNZ	copy
	LEAQ	·apptab(SB), AX
done:
	RET

// The app table: what C needs to know of this program, in the order of gort/abi/handshake.h and
// app.h.
DATA ·apptab+0(SB)/8, $0x4241545050415447  // "GTAPPTAB"
DATA ·apptab+8(SB)/8, $4
DATA ·apptab+16(SB)/8, $runtime·firstmoduledata(SB)
DATA ·apptab+24(SB)/8, $·mainfn(SB)
DATA ·apptab+32(SB)/8, $·abiversion(SB)
DATA ·apptab+40(SB)/8, $·goamd64(SB)
DATA ·apptab+48(SB)/8, $·goexit<ABIInternal>(SB)
DATA ·apptab+56(SB)/8, $·asyncPreempt(SB)
DATA ·apptab+64(SB)/8, $·sigpanic0(SB)
DATA ·apptab+72(SB)/8, $runtime·writeBarrier(SB)
DATA ·apptab+80(SB)/8, $runtime·zerobase(SB)
DATA ·apptab+88(SB)/8, $runtime·maxstacksize(SB)
DATA ·apptab+96(SB)/8, $·gocallret(SB)
DATA ·apptab+104(SB)/8, $·raise(SB)
DATA ·apptab+112(SB)/8, $runtime·runningPanicDefers(SB)
DATA ·apptab+120(SB)/8, $runtime·debug(SB)
DATA ·apptab+128(SB)/8, $runtime·buildVersion(SB)
GLOBL ·apptab(SB), RODATA, $136

DATA ·mainfn+0(SB)/8, $·main<ABIInternal>(SB)
GLOBL ·mainfn(SB), RODATA, $8

#ifdef GOAMD64_v4
#define LEVEL 4
#else
#ifdef GOAMD64_v3
#define LEVEL 3
#else
#ifdef GOAMD64_v2
#define LEVEL 2
#else
#define LEVEL 1
#endif
#endif
#endif
DATA ·goamd64+0(SB)/8, $LEVEL
GLOBL ·goamd64(SB), RODATA, $8

// The bottom of every goroutine's stack: its function returns to goexit+1 (after the NOP, so
// that pc-1 is still goexit).
TEXT ·goexit<ABIInternal>(SB), NOSPLIT|TOPFRAME|NOFRAME, $0-0
	BYTE	$0x90
	CALL	·goexit1(SB)
	BYTE	$0x90

// The bottom of the helper goroutine's stack in a go_call.
TEXT ·gocallret(SB), NOSPLIT|TOPFRAME|NOFRAME, $0-0
	BYTE	$0x90
	CALL	·gocall_done(SB)
	BYTE	$0x90

// Prologues come here when the stack pointer is below g.stackguard0. Stack:
//	0(SP)  pc in f, after its CALL morestack
//	8(SP)  f's return address
// The kernel's morestack_enter saves that position in g.sched and grows the stack on g0.
TEXT runtime·morestack(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ	·ktab+32(SB), R11
	JMP	R11

TEXT runtime·morestack_noctxt(SB), NOSPLIT|NOFRAME, $0-0
	MOVL	$0, DX
	MOVQ	·ktab+32(SB), R11
	JMP	R11

// A fault's goroutine continues here with the faulting pc pushed as return address.
TEXT ·sigpanic0(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ	(TLS), R14
	XORPS	X15, X15
	JMP	·sigpanic<ABIInternal>(SB)

// C sends a goroutine here out of a gate, with kind, text and length in AX, BX, CX and the
// gate's return address on the stack. The frame is where gort_raise may spill its arguments.
TEXT ·raise(SB), NOSPLIT, $32-0
	NO_LOCAL_POINTERS
	MOVQ	(TLS), R14
	XORPS	X15, X15
	CALL	·gort_raise<ABIInternal>(SB)
	RET

TEXT ·breakpoint(SB), NOSPLIT|NOFRAME, $0-0
	BYTE	$0xcc
	RET

TEXT ·currentP(SB), NOSPLIT, $0-8
	MOVQ	48(GS), AX
	MOVQ	AX, ret+0(FP)
	RET

TEXT ·procyield(SB), NOSPLIT, $0-4
	MOVL	cycles+0(FP), AX
again:
	PAUSE
	SUBL	$1, AX
	JNZ	again
	RET
