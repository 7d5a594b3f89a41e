/* sys/uio.h - reading and writing of several buffers. */
#ifndef _SYS_UIO_H
#define _SYS_UIO_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iovec { void *iov_base; size_t iov_len; };

ssize_t readv(int fd, const struct iovec *iov, int n);
ssize_t writev(int fd, const struct iovec *iov, int n);

#ifdef __cplusplus
}
#endif

#endif
