// Replaces package syscall's assembly: the calls that do not go through Syscall6. Each has the
// frame of the gate of package runtime that it jumps to.
#include "textflag.h"

// func rawVforkSyscall(trap, a1, a2, a3 uintptr) (r1, err uintptr)
TEXT ·rawVforkSyscall(SB), NOSPLIT|NOFRAME, $0-48
	JMP	runtime·rawvfork(SB)

// func rawSyscallNoError(trap, a1, a2, a3 uintptr) (r1, r2 uintptr)
TEXT ·rawSyscallNoError(SB), NOSPLIT|NOFRAME, $0-48
	JMP	runtime·rawsyscall3(SB)

// func gettimeofday(tv *Timeval) (err uintptr)
TEXT ·gettimeofday(SB), NOSPLIT|NOFRAME, $0-16
	JMP	runtime·sysgettimeofday(SB)
