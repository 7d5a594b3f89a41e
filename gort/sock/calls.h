/* calls.h - shared by the files with socket system calls. */
#ifndef GORT_SOCK_CALLS_H
#define GORT_SOCK_CALLS_H

#include "gort/os/sys.h"
#include "gort/os/user.h"
#include "gort/sock/sock.h"

/* The socket of descriptor fd, kept in c->file; NULL: *err is -L_EBADF or -L_ENOTSOCK. */
struct sock *call_sock(struct call *c, uint64_t fd, int64_t *err);
/* Writes a to p, which has room for *plen bytes, and its length to plen. p may be 0. */
int64_t call_give_addr(struct call *c, struct sock *s, const struct sock_addr *a, uint64_t p,
                       uint64_t plen);
/* Makes the pages of [p, p + n) present. False: -L_EFAULT. They may be unmapped again before
 * use. */
bool call_present(struct call *c, uint64_t p, uint64_t n, bool write);
/* May this call block? */
bool call_waits(const struct call *c, unsigned flags);

#endif
