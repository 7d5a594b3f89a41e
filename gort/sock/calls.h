/* calls.h - what the files of system calls for sockets share. */
#ifndef GORT_SOCK_CALLS_H
#define GORT_SOCK_CALLS_H

#include "gort/os/sys.h"
#include "gort/os/user.h"
#include "gort/sock/sock.h"

/* The socket of descriptor fd, kept in c->file; NULL: *err is -L_EBADF or -L_ENOTSOCK. */
struct sock *call_sock(struct call *c, uint64_t fd, int64_t *err);
/* An address at `p`, of len bytes, for s. 0 or a negative error. */
int64_t call_addr(struct call *c, struct sock *s, uint64_t p, uint64_t len, struct sock_addr *a);
/* Writes a to p, whose room the integer at plen gives, and its length there. p may be 0. */
int64_t call_give_addr(struct call *c, struct sock *s, const struct sock_addr *a, uint64_t p,
                       uint64_t plen);
/* Brings the pages of [p, p + n); false: -L_EFAULT. They may be gone again when they are used. */
bool call_present(struct call *c, uint64_t p, uint64_t n, bool write);
/* Does this call wait where there is nothing to do at once? */
bool call_waits(const struct call *c, unsigned flags);

#endif
