/* poll.h - what the calls that wait for several descriptors share: poll.c, select.c, epoll.c. */
#ifndef GORT_OS_POLL_H
#define GORT_OS_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct l_pollfd;

/* poll(2) of the kernel's copy of n entries: how many have something, which their revents say;
 * SYS_BLOCK, or an error. timeout in ns: 0 = not at all, negative = as long as it takes. */
int64_t poll_fds(struct call *c, struct l_pollfd *p, size_t n, int64_t timeout);

/* The time that is `timeout` ns (>= 0) from now, for call_deadline. */
int64_t poll_deadline(int64_t timeout);
/* The timeout that the timespec at p says; p 0: -1. 0, -L_EFAULT or -L_EINVAL. */
int64_t poll_timespec(struct call *c, uint64_t p, int64_t *timeout);
/* Runs `wait`, a handler that takes a timeout, under the mask of signals of `bytes` at p; p 0:
 * under the thread's own. A signal that the mask lets through ends it with -L_EINTR; what is ready
 * comes before that, and with `time_first` the end of the time as well. Uses c->done. */
int64_t poll_masked(struct call *c, uint64_t p, uint64_t bytes, int64_t timeout,
                    int64_t (*wait)(struct call *c, int64_t timeout), bool time_first);
/* What is left of c's deadline, to the timespec (or, with `usec`, timeval) at p, as Linux leaves
 * it. p 0, or memory that cannot be written: nothing. */
void poll_leave_rest(struct call *c, uint64_t p, int64_t timeout, int64_t result, int usec);

#endif
