/* udp_private.h - between udp.c and udp_in.c. */
#ifndef NET_UDP_PRIVATE_H
#define NET_UDP_PRIVATE_H

#include "gort/net/ip.h"
#include "gort/net/udp.h"

enum { UDP_HDR = 8, UDP_BUCKETS = 256 };

/* Sockets by local port. */
struct udp_bucket {
    struct lock lock;
    struct udp_sock *head;
};
extern struct udp_bucket udp_buckets[UDP_BUCKETS];

static inline struct udp_bucket *udp_bucket(uint16_t port)
{
    return &udp_buckets[port % UDP_BUCKETS];
}

static inline void udp_get(struct udp_sock *s)
{
    __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
}

static inline const struct udp_ip *udp_ip(const struct udp_sock *s, const struct net_addr *dst)
{
    return addr_is_v4(dst) ? &s->ip4 : &s->ip6;
}

void udp_put(struct udp_sock *s);

#endif
