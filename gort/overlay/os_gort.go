package runtime

// What packages os, syscall and internal/syscall/unix ask of package runtime. The system calls
// themselves are C (gort/os/); package internal/runtime/syscall/linux jumps to syscall6.

import (
	"internal/runtime/syscall/linux"
	"unsafe"
)

//go:noescape
//go:linkname syscall6
func syscall6(num, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2, err uintptr)

//go:noescape
//go:linkname rawsyscall3
func rawsyscall3(num, a1, a2, a3 uintptr) (r1, r2 uintptr)

//go:noescape
//go:linkname rawvfork
func rawvfork(num, a1, a2, a3 uintptr) (r1, err uintptr)

//go:noescape
//go:linkname sysgettimeofday
func sysgettimeofday(tv unsafe.Pointer) (err uintptr)

const physPageSize = 4096

//go:linkname syscall_Getpagesize syscall.Getpagesize
func syscall_Getpagesize() int { return physPageSize }

// entersyscall and exitsyscall bracket a system call. A call that blocks parks the goroutine
// itself, so there is nothing to hand over.
//
//go:linkname entersyscall
//go:nosplit
func entersyscall() {}

//go:linkname exitsyscall
//go:nosplit
func exitsyscall() {}

//go:linkname entersyscallblock
//go:nosplit
func entersyscallblock() {}

// call3 makes a system call of three arguments.
//
//go:nosplit
func call3(num, a1, a2, a3 uintptr) (result, errno int32) {
	r, _, e := linux.Syscall6(num, a1, a2, a3, 0, 0, 0)
	return int32(r), int32(e)
}

// write writes to a descriptor: print and internal/godebug. Less than 0 is minus the error.
//
//go:linkname write
//go:nosplit
func write(fd uintptr, p unsafe.Pointer, n int32) int32 {
	const sysWrite = 1
	done, errno := call3(sysWrite, fd, uintptr(noescape(p)), uintptr(n))
	if errno != 0 {
		done = -errno
	}
	return done
}

//go:linkname fcntl
//go:nosplit
func fcntl(fd, cmd, arg int32) (ret int32, errno int32) {
	return call3(linux.SYS_FCNTL, uintptr(fd), uintptr(cmd), uintptr(arg))
}

// vgetrandom is the getrandom that needs no system call on newer Linux.
//
//go:linkname vgetrandom
func vgetrandom(p []byte, flags uint32) (ret int, supported bool) { return -1, false }

// vdsoGettimeofdaySym is 0: there is no vDSO.
//
//go:linkname vdsoGettimeofdaySym
var vdsoGettimeofdaySym uintptr

//go:linkname getAuxv
func getAuxv() []uintptr { return auxv }

// auxv is the auxiliary vector, which packages golang.org/x/sys/cpu and unix take from here.
var auxv []uintptr

// auxvRandom is what AT_RANDOM points to.
var auxvRandom [2]uint64

// auxvinit takes what /proc/self/auxv has, and adds what points into the program's memory.
func auxvinit() {
	const atRandom = 25
	first, _, words := os_strings(2)
	auxvRandom = [2]uint64{rand(), rand()}
	auxv = make([]uintptr, words+2)
	copy(auxv, unsafe.Slice((*uintptr)(first), words-2)) // but for the end
	auxv[words-2], auxv[words-1] = atRandom, uintptr(unsafe.Pointer(&auxvRandom))
}

//go:linkname isSecureMode
func isSecureMode() bool { return false }

// ---- fork and exec: there are none; the system call says ENOSYS -----------------------------

//go:linkname syscall_runtime_BeforeFork syscall.runtime_BeforeFork
//go:nosplit
func syscall_runtime_BeforeFork() {}

//go:linkname syscall_runtime_AfterFork syscall.runtime_AfterFork
//go:nosplit
func syscall_runtime_AfterFork() {}

//go:linkname syscall_runtime_AfterForkInChild syscall.runtime_AfterForkInChild
//go:nosplit
func syscall_runtime_AfterForkInChild() {}

//go:linkname syscall_runtime_BeforeExec syscall.runtime_BeforeExec
func syscall_runtime_BeforeExec() {}

//go:linkname syscall_runtime_AfterExec syscall.runtime_AfterExec
func syscall_runtime_AfterExec() {}

// All CPUs share one identity, so once is for all.
//
//go:linkname syscall_runtime_doAllThreadsSyscall syscall.runtime_doAllThreadsSyscall
//go:uintptrescapes
func syscall_runtime_doAllThreadsSyscall(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2, err uintptr) {
	return linux.Syscall6(trap, a1, a2, a3, a4, a5, a6)
}

// There is no C code to call.
//
//go:linkname syscall_cgocaller syscall.cgocaller
//go:nosplit
//go:uintptrescapes
func syscall_cgocaller(fn unsafe.Pointer, args ...uintptr) uintptr {
	throw("call of a C function: gort runs programs without cgo")
	return 0
}

// os_sigpipe is called for EPIPE on standard output or error.
//
//go:linkname os_sigpipe os.sigpipe
func os_sigpipe() {
	const sigpipe = 13
	if !signal_set(sigpipe, sigSend) {
		exit(128 + sigpipe)
	}
}
