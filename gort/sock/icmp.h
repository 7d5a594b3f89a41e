/* icmp.h - ICMP sockets. */
#ifndef GORT_SOCK_ICMP_H
#define GORT_SOCK_ICMP_H

#include "gort/sock/sock.h"

/* A raw socket's filter: a bit for each type that it does not want. 32 types of ICMP, 256 of
 * ICMPv6. */
enum { ICMP_FILTER_BYTES = 4, ICMP6_FILTER_BYTES = 32 };
/* How long the filter of s is; 0: it has none, or level and name are another option's. */
size_t icmp_filter_bytes(const struct sock *s, int level, int name);
int icmp_filter_set(struct sock *s, const uint8_t *bits, size_t n); /* 0, -L_ENOMEM */
void icmp_filter_get(const struct sock *s, uint8_t *bits, size_t n);

/* SOCK_RAW, or SOCK_DGRAM for echo alone; protocol ICMP of AF_INET or ICMPv6 of AF_INET6. NULL: no
 * memory. */
struct sock *icmp_sock_new(unsigned domain, unsigned type, unsigned protocol);

#endif
