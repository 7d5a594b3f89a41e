#include "textflag.h"

// func direct(number, a, b, c uintptr) uintptr
TEXT ·direct(SB), NOSPLIT, $0-40
	MOVQ number+0(FP), AX
	MOVQ a+8(FP), DI
	MOVQ b+16(FP), SI
	MOVQ c+24(FP), DX
	SYSCALL
	MOVQ AX, ret+32(FP)
	RET

// func blocking(number, a, b, c uintptr) uintptr
//
// As golang.org/x/sys/unix does it.
TEXT ·blocking(SB), NOSPLIT, $0-40
	CALL runtime·entersyscall(SB)
	MOVQ number+0(FP), AX
	MOVQ a+8(FP), DI
	MOVQ b+16(FP), SI
	MOVQ c+24(FP), DX
	SYSCALL
	MOVQ AX, ret+32(FP)
	CALL runtime·exitsyscall(SB)
	RET

// func nested(number, a, b uintptr) uintptr
//
// Frames without pointer maps, one below the other.
TEXT ·nested(SB), NOSPLIT, $40-32
	MOVQ number+0(FP), AX
	MOVQ a+8(FP), DI
	MOVQ b+16(FP), SI
	MOVQ DI, 8(SP)
	CALL inner<>(SB)
	MOVQ AX, ret+24(FP)
	RET

TEXT inner<>(SB), NOSPLIT, $24
	MOVQ DI, 8(SP)
	PUSHQ DI
	SYSCALL
	POPQ CX
	CMPQ CX, DI
	JE   same
	MOVQ $-1000, AX
same:
	RET

// func spin(number uintptr, stop *uint32, calls *uint64)
//
// A loop in which there is nothing to stop it but the call. It counts its calls.
TEXT ·spin(SB), NOSPLIT, $0-24
	MOVQ stop+8(FP), R12
	MOVQ calls+16(FP), R13
again:
	MOVQ number+0(FP), AX
	SYSCALL
	INCQ (R13)
	CMPL (R12), $0
	JEQ  again
	RET

// func keeps(number uintptr, ts *[2]int64, hidden *byte) (bad uintptr)
//
// Must be unchanged: all registers but rax, rcx, r11; memory below sp; the flags. R8 alone
// has the address of an object meanwhile. The call is one that waits.
#define CHECK(reg, value) CMPQ reg, value; JNE wrong
#define CHECKX(reg) MOVQ reg, AX; CMPQ AX, R15; JNE wrong; SHLQ $1, R15
#define SETX(reg) MOVQ R15, reg; SHLQ $1, R15
TEXT ·keeps(SB), NOSPLIT, $0-32
	MOVQ BP, -8(SP)
	MOVQ R14, -16(SP)
	MOVQ number+0(FP), AX
	MOVQ ts+8(FP), DI
	MOVQ hidden+16(FP), R8
	MOVQ $0, hidden+16(FP)
	XORL SI, SI
	MOVQ $0x5a5a, R15
	MOVQ R15, -120(SP)
	SETX(X0)
	SETX(X1)
	SETX(X7)
	SETX(X14)
	SETX(X15)
	MOVQ $103, BX
	MOVQ $104, DX
	MOVQ $105, R9
	MOVQ $106, R10
	MOVQ $107, R12
	MOVQ $108, R13
	MOVQ $109, R14
	MOVQ $110, R15
	STC
	SYSCALL
	JCC  wrong
	CMPQ AX, $-4 // EINTR: Go's runtime on Linux sends signals
	JEQ  flags
	CMPQ AX, $0
	JNE  wrong
flags:
	PUSHFQ
	POPQ AX
	ORQ  $1, AX
	ORQ  $1, R11
	// The comparison above has changed the others, CF is set by hand; IF and DF count.
	XORQ R11, AX
	TESTQ $0x600, AX
	JNE  wrong
	CHECK(SI, $0)
	CHECK(BX, $103)
	CHECK(DX, $104)
	CHECK(R9, $105)
	CHECK(R10, $106)
	CHECK(R12, $107)
	CHECK(R13, $108)
	CHECK(R14, $109)
	CHECK(R15, $110)
	MOVQ ts+8(FP), AX
	CMPQ AX, DI
	JNE  wrong
	MOVQ -120(SP), R15
	CHECK(R15, $0x5a5a)
	CHECKX(X0)
	CHECKX(X1)
	CHECKX(X7)
	CHECKX(X14)
	CHECKX(X15)
	MOVBQZX (R8), AX
	CMPQ AX, $77
	JNE  wrong
	MOVQ $0, ret+24(FP)
	JMP  done
wrong:
	MOVQ $1, ret+24(FP)
done:
	XORPS X15, X15
	MOVQ -16(SP), R14
	MOVQ -8(SP), BP
	RET
