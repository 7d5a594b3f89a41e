/* icmp.h - ICMP sockets. */
#ifndef GORT_SOCK_ICMP_H
#define GORT_SOCK_ICMP_H

#include "gort/sock/sock.h"

/* A socket of SOCK_RAW, or of SOCK_DGRAM for echo only; protocol ICMP of AF_INET or ICMPv6 of
 * AF_INET6. NULL: no memory. */
struct sock *icmp_sock_new(unsigned domain, unsigned type, unsigned protocol);

#endif
