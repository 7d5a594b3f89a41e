package main

import (
	"syscall"
	"unsafe"
)

// Numbers that package syscall has not.
const (
	soReusePort  = 15
	soDomain     = 39
	soProtocol   = 38
	tcpUserTimer = 18
	msgMore      = 0x8000
	pollIn       = 1
	pollOut      = 4
	fionread     = 0x541b
)

func call(nr uintptr, a ...uintptr) (int, syscall.Errno) {
	var b [6]uintptr
	copy(b[:], a)
	r, _, e := syscall.RawSyscall6(nr, b[0], b[1], b[2], b[3], b[4], b[5])
	return int(int64(r)), e
}

// sink makes what is passed as a number escape to the heap, where it does not move, and keeps it from
// the collector until after the call: the last ones, more than a call has.
var sink struct {
	last [16]unsafe.Pointer
	n    int
}

func at(p unsafe.Pointer) uintptr {
	sink.last[sink.n%len(sink.last)] = p
	sink.n++
	return uintptr(p)
}

func ptr(b []byte) uintptr { return at(unsafe.Pointer(unsafe.SliceData(b))) }

type pollFd struct {
	fd      int32
	events  int16
	revents int16
}

func poll(fds []pollFd, ms int) (int, syscall.Errno) {
	if len(fds) == 0 {
		return 0, 0
	}
	return call(syscall.SYS_POLL, at(unsafe.Pointer(&fds[0])), uintptr(len(fds)), uintptr(ms))
}

var names = map[syscall.Errno]string{
	0: "ok", syscall.EPERM: "EPERM", syscall.ENOENT: "ENOENT", syscall.EBADF: "EBADF",
	syscall.EAGAIN: "EAGAIN", syscall.EACCES: "EACCES", syscall.EFAULT: "EFAULT",
	syscall.EEXIST: "EEXIST", syscall.EINVAL: "EINVAL", syscall.EPIPE: "EPIPE", syscall.EDOM: "EDOM",
	syscall.ENOTSOCK: "ENOTSOCK", syscall.EDESTADDRREQ: "EDESTADDRREQ",
	syscall.EMSGSIZE: "EMSGSIZE", syscall.EPROTOTYPE: "EPROTOTYPE",
	syscall.ENOPROTOOPT: "ENOPROTOOPT", syscall.EPROTONOSUPPORT: "EPROTONOSUPPORT",
	syscall.ESOCKTNOSUPPORT: "ESOCKTNOSUPPORT", syscall.EOPNOTSUPP: "EOPNOTSUPP",
	syscall.EAFNOSUPPORT: "EAFNOSUPPORT", syscall.EADDRINUSE: "EADDRINUSE",
	syscall.EADDRNOTAVAIL: "EADDRNOTAVAIL", syscall.ENETUNREACH: "ENETUNREACH",
	syscall.ECONNABORTED: "ECONNABORTED", syscall.ECONNRESET: "ECONNRESET",
	syscall.ENOBUFS: "ENOBUFS", syscall.EISCONN: "EISCONN", syscall.ENOTCONN: "ENOTCONN",
	syscall.ECONNREFUSED: "ECONNREFUSED", syscall.EALREADY: "EALREADY", syscall.ESPIPE: "ESPIPE",
	syscall.EINPROGRESS: "EINPROGRESS", syscall.ENOTTY: "ENOTTY", syscall.ENODEV: "ENODEV",
	syscall.EHOSTUNREACH: "EHOSTUNREACH", syscall.ENODATA: "ENODATA", syscall.ELOOP: "ELOOP",
	syscall.ENXIO: "ENXIO",
}

func errname(e syscall.Errno) string {
	if s, ok := names[e]; ok {
		return s
	}
	return e.Error()
}
