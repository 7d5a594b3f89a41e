//go:build !go1.27

// Go 1.26: the hash functions that compiled code calls are assembly of package runtime's own. With AES
// instructions (alginit says so in useAeshash) they are rounds of AES, else the portable ones.
//
// A lane is 128 bits. It begins with seed, length and keys that the program draws at its start
// (aeskeysched, eight of 16 bytes), takes 16 bytes of data by XOR and then goes through two rounds, after
// which each bit of the data has reached all of the lane, by at least five S-boxes. Three rounds with keys
// end it. Data that are not a multiple of 16 bytes are read by loads that overlap: no byte outside of them
// is touched, and the length tells apart what then looks alike.
#include "textflag.h"

#define KEY(i) ·aeskeysched+(16*i)(SB)

// A lane of two rounds more.
#define ABSORB(lane) \
	AESENC	KEY(6), lane; \
	AESENC	KEY(7), lane

#define END(lane) \
	AESENC	KEY(2), lane; \
	AESENC	KEY(3), lane; \
	AESENC	KEY(4), lane; \
	MOVQ	lane, AX

// Without AES instructions: the portable function.
#define OR_ELSE(portable) \
	CMPB	·useAeshash(SB), $1; \
	JEQ	2(PC); \
	JMP	portable<ABIInternal>(SB)

// func memhash(p unsafe.Pointer, seed, n uintptr) uintptr: AX, BX, CX; the result is in AX.
TEXT ·memhash<ABIInternal>(SB), NOSPLIT, $0-32
	OR_ELSE(·memhashFallback)
	JMP	hash<>(SB)

// func strhash(s *string, seed uintptr) uintptr: AX, BX
TEXT ·strhash<ABIInternal>(SB), NOSPLIT, $0-24
	OR_ELSE(·strhashFallback)
	MOVQ	8(AX), CX
	MOVQ	(AX), AX
	JMP	hash<>(SB)

// func memhash32(p *uint32, seed uintptr) uintptr: AX, BX. The data are the other half of the lane.
TEXT ·memhash32<ABIInternal>(SB), NOSPLIT, $0-24
	OR_ELSE(·memhash32Fallback)
	MOVQ	BX, X0
	PINSRD	$2, (AX), X0
	PXOR	KEY(0), X0
	END(X0)
	RET

// func memhash64(p *uint64, seed uintptr) uintptr: AX, BX
TEXT ·memhash64<ABIInternal>(SB), NOSPLIT, $0-24
	OR_ELSE(·memhash64Fallback)
	MOVQ	BX, X0
	PINSRQ	$1, (AX), X0
	PXOR	KEY(0), X0
	END(X0)
	RET

// CX bytes at AX, seed BX.
TEXT hash<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ	BX, X0
	PINSRQ	$1, CX, X0
	PXOR	KEY(0), X0
	AESENC	KEY(1), X0
	CMPQ	CX, $16
	JA	long
	CMPQ	CX, $8
	JAE	from8
	CMPQ	CX, $4
	JAE	from4
	TESTQ	CX, CX
	JZ	end
	// 1 to 3 bytes: the first, the middle one, the last
	MOVBLZX	-1(AX)(CX*1), R8
	MOVBLZX	(AX), R9
	SHRQ	$1, CX
	MOVBLZX	(AX)(CX*1), R10
	SHLQ	$16, R8
	SHLQ	$8, R10
	ORQ	R9, R8
	ORQ	R10, R8
	MOVQ	R8, X1
	JMP	one
from4:
	MOVL	(AX), X1
	PINSRD	$2, -4(AX)(CX*1), X1
	JMP	one
from8:
	MOVQ	(AX), X1
	PINSRQ	$1, -8(AX)(CX*1), X1
one:
	PXOR	X1, X0
end:
	END(X0)
	RET

long:
	MOVOU	X0, X1
	PXOR	KEY(5), X1
	CMPQ	CX, $32
	JA	four
	// 17 to 32 bytes: two lanes
	MOVOU	(AX), X2
	MOVOU	-16(AX)(CX*1), X3
	PXOR	X2, X0
	PXOR	X3, X1
	ABSORB(X0)
	ABSORB(X1)
	AESENC	X1, X0 // two lanes that took the same way would cancel if there were no round in between
	END(X0)
	RET

	// More: four lanes, which take the last 64 bytes, or what there is of them, and then, if there are
	// more, all blocks of 64 from the first on.
four:
	MOVOU	X0, X2
	MOVOU	X0, X3
	PXOR	KEY(6), X2
	PXOR	KEY(7), X3
	CMPQ	CX, $64
	JA	blocks
	MOVOU	(AX), X4
	MOVOU	16(AX), X5
	MOVOU	-32(AX)(CX*1), X6
	MOVOU	-16(AX)(CX*1), X7
	JMP	last
blocks:
	MOVOU	-64(AX)(CX*1), X4
	MOVOU	-48(AX)(CX*1), X5
	MOVOU	-32(AX)(CX*1), X6
	MOVOU	-16(AX)(CX*1), X7
	SUBQ	$1, CX
	SHRQ	$6, CX // how many blocks begin before the last 64 bytes
block:
	PXOR	X4, X0
	PXOR	X5, X1
	PXOR	X6, X2
	PXOR	X7, X3
	ABSORB(X0)
	ABSORB(X1)
	ABSORB(X2)
	ABSORB(X3)
	MOVOU	(AX), X4
	MOVOU	16(AX), X5
	MOVOU	32(AX), X6
	MOVOU	48(AX), X7
	ADDQ	$64, AX
	SUBQ	$1, CX
	JNZ	block
last:
	PXOR	X4, X0
	PXOR	X5, X1
	PXOR	X6, X2
	PXOR	X7, X3
	ABSORB(X0)
	ABSORB(X1)
	ABSORB(X2)
	ABSORB(X3)
	AESENC	X1, X0
	AESENC	X3, X2
	AESENC	X2, X0
	END(X0)
	RET
