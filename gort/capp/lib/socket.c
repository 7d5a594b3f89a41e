/* socket.c - BSD sockets over the kernel's (gort/sock/), with Linux's numbers and layouts; poll and
 * select. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "private.h"

#define CALL(n, ...) sys_ret(syscall_of(n, __VA_ARGS__))
#define syscall_of(n, a, b, c, d, e) \
    syscall6(n, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e), 0)

/* ---- connections ---------- */

int socket(int domain, int type, int protocol)
{
    return (int)CALL(41, domain, type, protocol, 0, 0);
}

int listen(int fd, int backlog) { return (int)CALL(50, fd, backlog, 0, 0, 0); }
int shutdown(int fd, int how) { return (int)CALL(48, fd, how, 0, 0, 0); }

int socketpair(int domain, int type, int protocol, int fd[2])
{
    touch(fd, 2 * sizeof *fd);
    return (int)CALL(53, domain, type, protocol, fd, 0);
}

int bind(int fd, const struct sockaddr *a, socklen_t n) { return (int)CALL(49, fd, a, n, 0, 0); }
int connect(int fd, const struct sockaddr *a, socklen_t n) { return (int)CALL(42, fd, a, n, 0, 0); }

/* Calls that give an address: its memory is there before the kernel writes. */
static int named(uint64_t num, int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    if (a && n) {
        touch(n, sizeof *n);
        touch(a, *n);
    }
    return (int)CALL(num, fd, a, n, flags, 0);
}

int accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    return named(288, fd, a, n, flags);
}

int accept(int fd, struct sockaddr *a, socklen_t *n) { return named(288, fd, a, n, 0); }
int getsockname(int fd, struct sockaddr *a, socklen_t *n) { return named(51, fd, a, n, 0); }
int getpeername(int fd, struct sockaddr *a, socklen_t *n) { return named(52, fd, a, n, 0); }

/* ---- bytes ---------- */

ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *a,
               socklen_t alen)
{
    return sys_ret(syscall6(44, (uint64_t)fd, (uint64_t)buf, n, (uint64_t)flags, (uint64_t)a,
                            alen));
}

ssize_t recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *a, socklen_t *alen)
{
    touch(buf, n);
    if (a && alen) {
        touch(alen, sizeof *alen);
        touch(a, *alen);
    }
    return sys_ret(syscall6(45, (uint64_t)fd, (uint64_t)buf, n, (uint64_t)flags, (uint64_t)a,
                            (uint64_t)alen));
}

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    return sendto(fd, buf, n, flags, NULL, 0);
}

ssize_t recv(int fd, void *buf, size_t n, int flags)
{
    return recvfrom(fd, buf, n, flags, NULL, NULL);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags) { return CALL(46, fd, m, flags, 0, 0); }

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
    touch(m, sizeof *m);
    for (size_t i = 0; i < m->msg_iovlen; i++)
        touch(m->msg_iov[i].iov_base, m->msg_iov[i].iov_len);
    touch(m->msg_control, m->msg_controllen);
    touch(m->msg_name, m->msg_namelen);
    return CALL(47, fd, m, flags, 0, 0);
}

ssize_t writev(int fd, const struct iovec *iov, int n) { return CALL(20, fd, iov, n, 0, 0); }

ssize_t readv(int fd, const struct iovec *iov, int n)
{
    for (int i = 0; i < n; i++)
        touch(iov[i].iov_base, iov[i].iov_len);
    return CALL(19, fd, iov, n, 0, 0);
}

/* ---- options ---------- */

int setsockopt(int fd, int level, int name, const void *v, socklen_t n)
{
    return (int)CALL(54, fd, level, name, v, n);
}

/* The value of SO_ERROR is an errno: it becomes newlib's. */
int getsockopt(int fd, int level, int name, void *v, socklen_t *n)
{
    touch(n, sizeof *n);
    touch(v, *n);
    int r = (int)CALL(55, fd, level, name, v, n);
    if (!r && level == SOL_SOCKET && name == SO_ERROR && *n == sizeof(int))
        *(int *)v = errno_of(*(int *)v);
    return r;
}

/* ---- waiting ---------- */

int poll(struct pollfd *fds, nfds_t n, int ms)
{
    touch(fds, n * sizeof *fds);
    return (int)CALL(7, fds, n, ms, 0, 0);
}

/* newlib's fd_set is an array of long as Linux' is, of FD_SETSIZE bits. */
int select(int n, fd_set *in, fd_set *out, fd_set *odd, struct timeval *limit)
{
    if (n > FD_SETSIZE) {
        errno = EINVAL;
        return -1;
    }
    touch(in, in ? sizeof *in : 0);
    touch(out, out ? sizeof *out : 0);
    touch(odd, odd ? sizeof *odd : 0);
    return (int)CALL(23, n, in, out, odd, limit);
}
