/* control.h - control messages: what sendmsg and recvmsg carry beside the bytes, cmsg(3). */
#ifndef GORT_SOCK_CONTROL_H
#define GORT_SOCK_CONTROL_H

#include "gort/sock/calls.h"

/* Takes those that the program sends, `n` bytes at `at`, into m. m->rights is to be freed even if
 * there is an error: 0, -L_EINVAL, -L_EFAULT, -L_ENOBUFS, -L_EBADF. */
int64_t controls_get(struct call *c, struct sock *s, uint64_t at, size_t n, struct msg *m);
/* Gives those that belong to what has been received, as far as there is room: how many bytes they
 * took. L_MSG_CTRUNC in m->out_flags: not all fitted. */
size_t controls_give(struct call *c, struct sock *s, uint64_t at, size_t room, struct msg *m);

#endif
