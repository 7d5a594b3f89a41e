/* dgram.h - queues of datagrams: UDP's and AF_UNIX'. */
#ifndef GORT_SOCK_DGRAM_H
#define GORT_SOCK_DGRAM_H

#include "gort/sock/sock.h"

struct dgramq;

/* net.unix.max_dgram_qlen, and one. */
enum { DGRAMQ_MOST = 11 };

struct dgramq *dgramq_new(void); /* NULL: no memory */
void dgramq_free(struct dgramq *q);
/* Appends message m with its two addresses to a queue of at most `room` bytes and, of AF_UNIX,
 * DGRAMQ_MOST messages. 0; -L_EAGAIN: the queue is full; -L_ENOBUFS, -L_EFAULT. */
int dgramq_put(struct dgramq *q, struct msg *m, const struct sock_addr *from,
               const struct sock_addr *to, size_t room);
void dgramq_clear(struct dgramq *q);
/* Moves the first datagram to m. Returns its bytes, or -L_EAGAIN. */
int64_t dgramq_take(struct dgramq *q, struct msg *m);
bool dgramq_empty(struct dgramq *q);
/* For another one of AF_UNIX. */
bool dgramq_has_room(struct dgramq *q, size_t room);
size_t dgramq_first_length(struct dgramq *q);

#endif
