// Where Go and C meet, and the few things that only assembly can do. Offsets into struct g and
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

// The app table: what C needs to know of this program. gort/app.h has the same order.
DATA ·apptab+0(SB)/8, $0x4241545050415447  // "GTAPPTAB"
DATA ·apptab+8(SB)/8, $3
DATA ·apptab+16(SB)/8, $runtime·firstmoduledata(SB)
DATA ·apptab+24(SB)/8, $·mainfn(SB)
DATA ·apptab+32(SB)/8, $·goexit<ABIInternal>(SB)
DATA ·apptab+40(SB)/8, $·asyncPreempt(SB)
DATA ·apptab+48(SB)/8, $·sigpanic0(SB)
DATA ·apptab+56(SB)/8, $runtime·writeBarrier(SB)
DATA ·apptab+64(SB)/8, $runtime·zerobase(SB)
DATA ·apptab+72(SB)/8, $runtime·maxstacksize(SB)
DATA ·apptab+80(SB)/8, $·gocallret(SB)
DATA ·apptab+88(SB)/8, $·raise(SB)
DATA ·apptab+96(SB)/8, $runtime·runningPanicDefers(SB)
DATA ·apptab+104(SB)/8, $·abiversion(SB)
DATA ·apptab+112(SB)/8, $runtime·buildVersion(SB)
DATA ·apptab+120(SB)/8, $·goamd64(SB)
DATA ·apptab+128(SB)/8, $runtime·debug(SB)
DATA ·apptab+136(SB)/8, $0
GLOBL ·apptab(SB), RODATA, $144

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

TEXT ·memhash<ABIInternal>(SB), NOSPLIT, $0-32
	JMP	·memhashFallback<ABIInternal>(SB)

TEXT ·strhash<ABIInternal>(SB), NOSPLIT, $0-24
	JMP	·strhashFallback<ABIInternal>(SB)

TEXT ·memhash32<ABIInternal>(SB), NOSPLIT, $0-24
	JMP	·memhash32Fallback<ABIInternal>(SB)

TEXT ·memhash64<ABIInternal>(SB), NOSPLIT, $0-24
	JMP	·memhash64Fallback<ABIInternal>(SB)

// A failed bounds check. All registers that may hold the index or the length go into an array
// in their machine order (AX CX DX BX SP BP SI DI R8..R15), for panicBounds64.
//
//	 16(SP)  regs[0] ... 136(SP) regs[15]
//	152(SP)  return address: just behind the check
TEXT runtime·panicBounds<ABIInternal>(SB), NOSPLIT, $144-0
	NO_LOCAL_POINTERS
	MOVQ	AX, 16(SP)
	MOVQ	CX, 24(SP)
	MOVQ	DX, 32(SP)
	MOVQ	BX, 40(SP)
	MOVQ	BP, 56(SP)
	MOVQ	SI, 64(SP)
	MOVQ	DI, 72(SP)
	MOVQ	R8, 80(SP)
	MOVQ	R9, 88(SP)
	MOVQ	R10, 96(SP)
	MOVQ	R11, 104(SP)
	MOVQ	R12, 112(SP)
	MOVQ	R13, 120(SP)
	MOVQ	R15, 136(SP)
	MOVQ	SP, BX
	MOVQ	152(BX), AX
	LEAQ	16(SP), BX
	CALL	·panicBounds64<ABIInternal>(SB)
	RET

// ---- calls by reflection -----------------------------------------------------------------

// An internal/abi.RegArgs in R12: nine integer registers, then fifteen SSE ones.
TEXT ·spillArgs(SB), NOSPLIT, $0-0
	MOVQ	AX, 0(R12)
	MOVQ	BX, 8(R12)
	MOVQ	CX, 16(R12)
	MOVQ	DI, 24(R12)
	MOVQ	SI, 32(R12)
	MOVQ	R8, 40(R12)
	MOVQ	R9, 48(R12)
	MOVQ	R10, 56(R12)
	MOVQ	R11, 64(R12)
	MOVQ	X0, 72(R12)
	MOVQ	X1, 80(R12)
	MOVQ	X2, 88(R12)
	MOVQ	X3, 96(R12)
	MOVQ	X4, 104(R12)
	MOVQ	X5, 112(R12)
	MOVQ	X6, 120(R12)
	MOVQ	X7, 128(R12)
	MOVQ	X8, 136(R12)
	MOVQ	X9, 144(R12)
	MOVQ	X10, 152(R12)
	MOVQ	X11, 160(R12)
	MOVQ	X12, 168(R12)
	MOVQ	X13, 176(R12)
	MOVQ	X14, 184(R12)
	RET

TEXT ·unspillArgs(SB), NOSPLIT, $0-0
	MOVQ	0(R12), AX
	MOVQ	8(R12), BX
	MOVQ	16(R12), CX
	MOVQ	24(R12), DI
	MOVQ	32(R12), SI
	MOVQ	40(R12), R8
	MOVQ	48(R12), R9
	MOVQ	56(R12), R10
	MOVQ	64(R12), R11
	MOVQ	72(R12), X0
	MOVQ	80(R12), X1
	MOVQ	88(R12), X2
	MOVQ	96(R12), X3
	MOVQ	104(R12), X4
	MOVQ	112(R12), X5
	MOVQ	120(R12), X6
	MOVQ	128(R12), X7
	MOVQ	136(R12), X8
	MOVQ	144(R12), X9
	MOVQ	152(R12), X10
	MOVQ	160(R12), X11
	MOVQ	168(R12), X12
	MOVQ	176(R12), X13
	MOVQ	184(R12), X14
	RET

// reflectcall(stackArgsType, fn, stackArgs, stackArgsSize, stackRetOffset, frameSize uint32,
// regArgs): frames cannot be sized at run time, so there is one function per power of two and
// this one jumps to the smallest that holds frameSize bytes of outgoing arguments.
#define TRY(FN, SIZE) \
	CMPQ	CX, $SIZE; \
	JHI	3(PC); \
	MOVQ	$FN(SB), AX; \
	JMP	AX

TEXT ·reflectcall(SB), NOSPLIT, $0-48
	MOVLQZX	frameSize+32(FP), CX
	TRY(·call16, 16)
	TRY(·call32, 32)
	TRY(·call64, 64)
	TRY(·call128, 128)
	TRY(·call256, 256)
	TRY(·call512, 512)
	TRY(·call1024, 1024)
	TRY(·call2048, 2048)
	TRY(·call4096, 4096)
	TRY(·call8192, 8192)
	TRY(·call16384, 16384)
	TRY(·call32768, 32768)
	TRY(·call65536, 65536)
	TRY(·call131072, 131072)
	TRY(·call262144, 262144)
	TRY(·call524288, 524288)
	TRY(·call1048576, 1048576)
	TRY(·call2097152, 2097152)
	TRY(·call4194304, 4194304)
	TRY(·call8388608, 8388608)
	TRY(·call16777216, 16777216)
	TRY(·call33554432, 33554432)
	TRY(·call67108864, 67108864)
	TRY(·call134217728, 134217728)
	TRY(·call268435456, 268435456)
	TRY(·call536870912, 536870912)
	TRY(·call1073741824, 1073741824)
	MOVQ	$·badreflectcall(SB), AX
	JMP	AX

#define CALLER(FN, SIZE) \
TEXT FN(SB), WRAPPER, $SIZE-48; \
	NO_LOCAL_POINTERS; \
	MOVLQZX	stackArgsSize+24(FP), CX; \
	MOVQ	stackArgs+16(FP), SI; \
	MOVQ	SP, DI; \
	REP; MOVSB; \
	MOVQ	regArgs+40(FP), R12; \
	CALL	·unspillArgs(SB); \
	MOVQ	fn+8(FP), DX; \
	PCDATA	$PCDATA_StackMapIndex, $0; \
	MOVQ	(DX), R12; \
	CALL	R12; \
	MOVQ	regArgs+40(FP), R12; \
	CALL	·spillArgs(SB); \
	MOVQ	stackArgsType+0(FP), DX; \
	MOVLQZX	stackRetOffset+28(FP), BX; \
	MOVLQZX	stackArgsSize+24(FP), CX; \
	SUBQ	BX, CX; \
	MOVQ	stackArgs+16(FP), DI; \
	ADDQ	BX, DI; \
	LEAQ	0(SP), SI; \
	ADDQ	BX, SI; \
	CALL	moveresults<>(SB); \
	RET

// DX type, DI destination, SI source, CX bytes, R12 register results.
TEXT moveresults<>(SB), NOSPLIT, $40-0
	NO_LOCAL_POINTERS
	MOVQ	DX, 0(SP)
	MOVQ	DI, 8(SP)
	MOVQ	SI, 16(SP)
	MOVQ	CX, 24(SP)
	MOVQ	R12, 32(SP)
	CALL	·reflectcallmove(SB)
	RET

CALLER(·call16, 16)
CALLER(·call32, 32)
CALLER(·call64, 64)
CALLER(·call128, 128)
CALLER(·call256, 256)
CALLER(·call512, 512)
CALLER(·call1024, 1024)
CALLER(·call2048, 2048)
CALLER(·call4096, 4096)
CALLER(·call8192, 8192)
CALLER(·call16384, 16384)
CALLER(·call32768, 32768)
CALLER(·call65536, 65536)
CALLER(·call131072, 131072)
CALLER(·call262144, 262144)
CALLER(·call524288, 524288)
CALLER(·call1048576, 1048576)
CALLER(·call2097152, 2097152)
CALLER(·call4194304, 4194304)
CALLER(·call8388608, 8388608)
CALLER(·call16777216, 16777216)
CALLER(·call33554432, 33554432)
CALLER(·call67108864, 67108864)
CALLER(·call134217728, 134217728)
CALLER(·call268435456, 268435456)
CALLER(·call536870912, 536870912)
CALLER(·call1073741824, 1073741824)

// ---- asynchronous preemption ---------------------------------------------------------------

// The timer or IPI handler has made the interrupted goroutine call this: every register must
// come back as it was. Vector registers are saved whole when the machine has them (the upper
// halves hold live data in AVX code).
//
//	  0(SP)  AX CX DX BX SI DI R8..R13 R14 R15     14 words
//	112(SP)  flags
//	120(SP)  BP
//	128(SP)  return address: the interrupted pc
//
// SSE/AVX state goes below that, 64-byte aligned, by XSAVE or FXSAVE: async_preempt has to be
// reached with a stack that has room (the handler checks).
TEXT ·asyncPreempt(SB), NOSPLIT|NOFRAME, $0-0
	PUSHQ	BP
	MOVQ	SP, BP
	PUSHFQ
	ADJSP	$112
	NOP	SP
	MOVQ	AX, 0(SP)
	MOVQ	CX, 8(SP)
	MOVQ	DX, 16(SP)
	MOVQ	BX, 24(SP)
	MOVQ	SI, 32(SP)
	MOVQ	DI, 40(SP)
	MOVQ	R8, 48(SP)
	MOVQ	R9, 56(SP)
	MOVQ	R10, 64(SP)
	MOVQ	R11, 72(SP)
	MOVQ	R12, 80(SP)
	MOVQ	R13, 88(SP)
	MOVQ	R14, 96(SP)
	MOVQ	R15, 104(SP)
	MOVQ	·ktab+40(SB), R11	// save the vector state into g's save area
	CALL	R11
	CALL	·async_preempt(SB)
	MOVQ	·ktab+48(SB), R11	// and back
	CALL	R11
	MOVQ	104(SP), R15
	MOVQ	96(SP), R14
	MOVQ	88(SP), R13
	MOVQ	80(SP), R12
	MOVQ	72(SP), R11
	MOVQ	64(SP), R10
	MOVQ	56(SP), R9
	MOVQ	48(SP), R8
	MOVQ	40(SP), DI
	MOVQ	32(SP), SI
	MOVQ	24(SP), BX
	MOVQ	16(SP), DX
	MOVQ	8(SP), CX
	MOVQ	0(SP), AX
	ADJSP	$-112
	POPFQ
	POPQ	BP
	RET
