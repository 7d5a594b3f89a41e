/* dgram.h - queues of datagrams: UDP's and AF_UNIX'. */
#ifndef GORT_SOCK_DGRAM_H
#define GORT_SOCK_DGRAM_H

#include "gort/sock/sock.h"

struct dgram;
struct dgramq;

/* net.unix.max_dgram_qlen, and one. */
enum { DGRAMQ_MOST = 11 };

struct dgramq *dgramq_new(void); /* NULL: no memory */
/* The socket of AF_UNIX that reads it, before anybody knows q. */
void dgramq_reader(struct dgramq *q, struct sock *s);
void dgramq_free(struct dgramq *q);
/* A datagram of m's bytes, with its two addresses, in no queue yet. 0, -L_ENOBUFS, -L_EFAULT. */
int dgram_new(struct dgram **out, struct msg *m, const struct sock_addr *from,
              const struct sock_addr *to);
const void *dgram_bytes(const struct dgram *g, size_t *n);
/* Keeps the first n bytes at most. What it counts in a queue stays, as does its memory. */
void dgram_cut(struct dgram *g, size_t n);
/* Of a datagram that is in no queue; NULL: nothing. */
void dgram_drop(struct dgram *g);
/* Appends g, which was made of m and now takes its files, to a queue of at most `room` bytes and,
 * of AF_UNIX, DGRAMQ_MOST messages. 0; -L_EAGAIN: the queue is full, or would hold more memory
 * than it may (memory.h); -L_ENOBUFS: the same of AF_UNIX, where nothing is queued whose end could
 * be waited for; -L_ECONNREFUSED: it is closed. Then g is the caller's. */
int dgramq_add(struct dgramq *q, struct dgram *g, struct msg *m, size_t room);
/* Both: makes a datagram and appends it. */
int dgramq_put(struct dgramq *q, struct msg *m, const struct sock_addr *from,
               const struct sock_addr *to, size_t room);
void dgramq_clear(struct dgramq *q);
void dgramq_close(struct dgramq *q); /* clears it, and takes nothing any more */
/* Moves the first datagram to m. Returns its bytes, or -L_EAGAIN. */
int64_t dgramq_take(struct dgramq *q, struct msg *m);
bool dgramq_empty(struct dgramq *q);
/* For another one of AF_UNIX. */
bool dgramq_has_room(struct dgramq *q, size_t room);
size_t dgramq_first_length(struct dgramq *q);

#endif
