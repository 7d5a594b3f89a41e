/* groups.h - multicast groups of UDP sockets. */
#ifndef GORT_SOCK_GROUPS_H
#define GORT_SOCK_GROUPS_H

#include "gort/sock/sock.h"

struct udp_sock;

/* setsockopt(2) of IP and IPv6 for options of groups and their interface. 1: not such an option. A
 * socket on the loopback cannot join (-L_ENODEV). */
int64_t group_option(struct call *c, struct sock *s, int level, int name, uint64_t p, uint64_t len);
/* Leaves all groups of u, whose socket closes and which is not used otherwise. No locks. */
void groups_leave(struct udp_sock *u);

#endif
