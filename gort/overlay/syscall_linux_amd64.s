// Replaces internal/runtime/syscall/linux's assembly: a system call is a gate.
#include "textflag.h"

// func Syscall6(num, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2, errno uintptr)
//
// The frame is that of runtime.syscall6, so the gate's stub can take it over as it is.
TEXT ·Syscall6(SB), NOSPLIT|NOFRAME, $0-80
	JMP	runtime·syscall6(SB)
