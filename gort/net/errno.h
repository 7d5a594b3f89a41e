/* errno.h - the error numbers that the stack returns: those of Linux.
 *
 * Host tests take them from the host's C library. The kernel's C library has other numbers, and the
 * stack's return values reach programs unchanged. Numbers from errno(3) and x86-64's
 * <asm/errno.h>. */
#ifndef NET_ERRNO_H
#define NET_ERRNO_H

#ifdef GORT_HOST_TEST
#include <errno.h>
#else
enum {
    ESRCH = 3, EIO = 5, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14, EINVAL = 22,
    ENOSPC = 28, EPIPE = 32, EPROTO = 71, EDESTADDRREQ = 89, EMSGSIZE = 90, ENOPROTOOPT = 92,
    EOPNOTSUPP = 95, EADDRINUSE = 98, EADDRNOTAVAIL = 99, ENETUNREACH = 101, ECONNABORTED = 103,
    ECONNRESET = 104, ENOBUFS = 105, EISCONN = 106, ENOTCONN = 107, ETIMEDOUT = 110,
    ECONNREFUSED = 111, EHOSTDOWN = 112, EHOSTUNREACH = 113, EALREADY = 114, EINPROGRESS = 115,
};
#endif

#endif
