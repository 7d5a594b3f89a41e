#include "textflag.h"

// func move(to, from unsafe.Pointer, n uintptr)
TEXT ·move(SB), NOSPLIT, $24-24
	MOVQ to+0(FP), AX
	MOVQ AX, 0(SP)
	MOVQ from+8(FP), AX
	MOVQ AX, 8(SP)
	MOVQ n+16(FP), AX
	MOVQ AX, 16(SP)
	CALL runtime·memmove(SB)
	RET

// func clear8(p unsafe.Pointer)
TEXT ·clear8(SB), NOSPLIT, $16-8
	MOVQ p+0(FP), AX
	MOVQ AX, 0(SP)
	MOVQ $8, 8(SP)
	CALL runtime·memclrNoHeapPointers(SB)
	RET

// func equal(a, b unsafe.Pointer, n uintptr) bool
TEXT ·equal(SB), NOSPLIT, $32-25
	MOVQ a+0(FP), AX
	MOVQ AX, 0(SP)
	MOVQ b+8(FP), AX
	MOVQ AX, 8(SP)
	MOVQ n+16(FP), AX
	MOVQ AX, 16(SP)
	CALL runtime·memequal(SB)
	MOVB 24(SP), AX
	MOVB AX, ret+24(FP)
	RET
