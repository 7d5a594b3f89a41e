/* duplex.h - a connection both ends of which are in this machine: no segments, no timers.
 *
 *   end 0's socket --send--> way[1].ring --recv--> end 1's socket
 *                  <--recv-- way[0].ring <--send--
 *
 * The rules are TCP's, or those of AF_UNIX where they differ (`local`):
 *  - close with unread bytes, or with SO_LINGER 0, resets: the other end reads what it has, then
 *    ECONNRESET;
 *  - a write to an end that is closed is EPIPE, but TCP gets it only at the second write;
 *  - of AF_UNIX, what one end shuts down the other has shut down, too;
 *  - what was shut down before there was a connection stays so, at that end alone;
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
/* That side's socket had been shut down (SHUT_*) before it was connected. The other end sees no
 * more of it than that what it sends is refused, if it is of AF_UNIX. */
void duplex_begin_shut(struct duplex *d, unsigned side, unsigned shut);
/* Ends it for that side, once. reset: as with SO_LINGER 0. Calls may still use the side; it reads
 * and writes nothing any more. */
void duplex_end(struct duplex *d, unsigned side, bool reset);
/* Nobody uses that side any more; it has been ended. The second to say so frees d. */
void duplex_release(struct duplex *d, unsigned side);
/* Drops what that side, which is open, has not read. */
void duplex_drop(struct duplex *d, unsigned side);
void duplex_close(struct duplex *d, unsigned side, bool reset); /* both */
/* A state of TCP's that fits that side, as TCP_INFO's numbers. */
unsigned duplex_tcp_state(struct duplex *d, unsigned side);
size_t duplex_unread(struct duplex *d, unsigned side);
/* The name of the socket at the other end, while it is open; else *a stays. The lock of names,
 * which guards it, is held. */
void duplex_peer_name(struct duplex *d, unsigned side, struct sock_addr *a);
/* That side is about to be closed: the other end's socket keeps its name, as `peer`. As above. */
void duplex_leave_name(struct duplex *d, unsigned side);

#endif
