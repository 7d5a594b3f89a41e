/* duplex.h - a connection both ends of which are in this machine: no segments, no timers.
 *
 *   end 0's socket --send--> way[1].ring --recv--> end 1's socket
 *                  <--recv-- way[0].ring <--send--
 *
 * The rules are TCP's, or those of AF_UNIX where they differ (`local`):
 *  - close with unread bytes, or with SO_LINGER 0, resets: the other end reads what it has, then
 *    ECONNRESET;
 *  - a write to an end that is closed is EPIPE, but TCP gets it only at the second write;
 *  - files in flight (SCM_RIGHTS) stand at a byte of the stream, and a recv does not read past the
 *    next of them. */
#ifndef GORT_SOCK_DUPLEX_H
#define GORT_SOCK_DUPLEX_H

#include "gort/sock/sock.h"

enum duplex_kind { DUPLEX_TCP, DUPLEX_LOCAL, DUPLEX_PACKETS /* local, and keeps messages apart */ };

/* A new connection; NULL: no memory. Each end is attached before use, and both must be closed. */
struct duplex *duplex_new(enum duplex_kind kind, uint32_t cap0, uint32_t cap1);
void duplex_attach(struct duplex *d, unsigned side, struct sock *s);
int64_t duplex_send(struct duplex *d, unsigned side, struct msg *m);
int64_t duplex_recv(struct duplex *d, unsigned side, struct msg *m);
unsigned duplex_poll(struct duplex *d, unsigned side);
int duplex_shutdown(struct duplex *d, unsigned side, unsigned how);
/* reset: closes as with SO_LINGER 0. */
void duplex_close(struct duplex *d, unsigned side, bool reset);
size_t duplex_unread(struct duplex *d, unsigned side);

#endif
