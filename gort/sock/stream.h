/* stream.h - members of sock_ops that TCP's and AF_UNIX's connected sockets share. */
#ifndef GORT_SOCK_STREAM_H
#define GORT_SOCK_STREAM_H

#include "gort/sock/duplex.h"

/* Connects s, in SS_CONNECTING, with a new socket in l's queue, whose address is `to`, or waits
 * for room in l. 0, -L_EINPROGRESS, -L_ECONNREFUSED: l does not listen, -L_ENOBUFS; s's state
 * follows. */
int stream_connect(struct sock *l, struct sock *s, const struct sock_addr *to,
                   enum duplex_kind kind);
/* Ends s's connection, as if there had been none: the other end sees a reset. */
void stream_dissolve(struct sock *s);
/* Copies the options of l to p, a new socket in its queue. */
void stream_inherit(struct sock *p, const struct sock *l);
int stream_pair(struct sock *a, struct sock *b, enum duplex_kind kind);
/* The next connection of l. A connect that waited for room in l is tried again. */
int stream_accept(struct sock *l, struct sock **out, enum duplex_kind kind);

int64_t stream_send(struct sock *s, struct msg *m);
int64_t stream_recv(struct sock *s, struct msg *m);
unsigned stream_poll(struct sock *s);
int stream_shutdown(struct sock *s, unsigned how);
size_t stream_unread(struct sock *s);
/* Closes the connection, the queue of a listener, or an attempt to connect. */
void stream_close(struct sock *s);

#endif
