/* groups.h - multicast groups of UDP sockets. */
#ifndef GORT_SOCK_GROUPS_H
#define GORT_SOCK_GROUPS_H

#include "gort/sock/sock.h"

struct udp_sock;

/* setsockopt(2) of IP and IPv6 that names a group or the interface of groups. 1: it does not. A
 * socket that has no address yet joins none (-L_ENODEV), nor does one on the loopback. */
int64_t group_option(struct call *c, struct sock *s, int level, int name, uint64_t p, uint64_t len);
/* The socket closes: nobody else uses u. No locks. */
void groups_leave(struct udp_sock *u);

#endif
