/* udp.h - UDP's interface for sockets.
 *
 * Calls do not wait. `wake` is called under the socket's lock (RANK_UDP) after a datagram or an
 * error has come; it may take locks of RANK_POLL and above only. All calls: g0, no lock of
 * RANK_UDP_PORT or above held. Addresses of both families are struct net_addr. */
#ifndef NET_UDP_H
#define NET_UDP_H

#include "kernel/lock.h"
#include "gort/net/net.h"

enum { UDP_GROUPS = 20 };

struct ip_rx;

struct udp_group {
    struct net_addr group;
    unsigned ifindex;
};

/* What one datagram has of its own: source (any: as routes say), interface (0: likewise), TTL or
 * hop limit, TOS or traffic class (-1: the socket's). */
struct udp_from {
    struct net_addr source;
    unsigned ifindex;
    int hop, service;
};

/* Of packets of IPv4, or of IPv6. */
struct udp_ip {
    uint8_t ttl, tos, mcast_ttl;
    bool dont_fragment;         /* IP_PMTUDISC_DO: longer than the path is -EMSGSIZE */
    unsigned mcast_ifindex;
};

/* What of a socket's datagrams is queued. A filter may take long, so it runs under no lock. */
struct udp_filter {
    /* The filter as it is now, with a reference; NULL: all is queued. Under the socket's lock; arg
     * is wake_arg. */
    void *(*get)(void *arg);
    /* How many bytes of a datagram are queued, counted from its UDP header on, where p's data is;
     * 0: none. Takes the reference. No locks. */
    uint32_t (*run)(void *filter, const struct ip_rx *ip, const struct pkt *p);
};

/* The socket layer writes options under the lock. */
struct udp_sock {
    struct lock lock;
    struct udp_sock *next;      /* [bucket lock] */
    uint32_t refs;              /* [atomic] */
    void (*wake)(void *arg, unsigned events); /* [lock] NULL after udp_close */
    void *wake_arg;
    const struct udp_filter *filter; /* [lock to write, atomic reads] NULL: all is queued */
    struct net_addr local, remote; /* [lock, and the bucket's to write] */
    uint16_t lport, rport;      /* rport 0: not connected */
    unsigned ifindex;           /* bound to an interface, 0 = any */
    bool v4, v6only;            /* [const after bind] AF_INET; AF_INET6 that takes no IPv4 */
    bool reuse_addr, reuse_port, broadcast, bound;
    bool freebind;              /* [const after bind] takes an address that no interface has */
    bool stamped;               /* datagrams get the time at which they come */
    struct udp_ip ip4, ip6;
    int error;                  /* [lock] from ICMP, reported once */
    struct pkt *head, **tail;   /* [lock] datagrams */
    uint32_t queued, rcv_buf;   /* [lock] bytes of memory */
    uint64_t drops;             /* [lock] queue full, or not for the filter */
    uint32_t snd_buf;
    struct net_path path;       /* [lock] of the last destination */
    struct net_addr path_dst;
    unsigned ngroups;
    struct udp_group groups[UDP_GROUPS];
};

/* What is known of a received datagram besides its bytes. */
struct udp_meta {
    struct net_addr src, dst;
    uint16_t sport;
    uint8_t ttl, tos;
    unsigned ifindex;
    int64_t came;               /* net_now_ns; 0: nobody had asked for it then */
    size_t length;              /* of the whole datagram, though the buffer was shorter */
};

struct udp_sock *udp_new(bool v4, void (*wake)(void *, unsigned), void *arg); /* NULL: no memory */
/* Binds; port 0 chooses a free one. 0, -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL (already bound). */
int udp_bind(struct udp_sock *s, const struct net_addr *a, uint16_t port, unsigned ifindex);
/* From now on the socket receives from that peer only; port 0 ends this. Binds the socket if it is
 * not bound. */
int udp_connect(struct udp_sock *s, const struct net_addr *a, uint16_t port);
/* The socket receives nothing until udp_connect is called: its peer is inside this machine. */
void udp_mute(struct udp_sock *s);
/* Returns the number of bytes sent. dst NULL: the connected peer. -EDESTADDRREQ, -EMSGSIZE,
 * -ENOBUFS, -ENETUNREACH, -EACCES (broadcast without the option), a pending ICMP error. `from` may
 * be NULL. */
long udp_send(struct udp_sock *s, const struct net_addr *dst, uint16_t port, const void *buf,
              size_t n, const struct udp_from *from);
enum { UDP_PEEK = 1 };
/* Returns the bytes copied; -EAGAIN; a pending error. */
long udp_recv(struct udp_sock *s, void *buf, size_t n, struct udp_meta *meta, unsigned flags);
unsigned udp_poll(struct udp_sock *s);
size_t udp_first_length(struct udp_sock *s);  /* FIONREAD */
int udp_take_error(struct udp_sock *s);       /* SO_ERROR: errno or 0 */
/* Joins (or leaves) a group for this socket. The control plane sends the IGMP or MLD reports.
 * 0, -ENOBUFS, -EADDRINUSE, -EADDRNOTAVAIL. */
int udp_join(struct udp_sock *s, const struct udp_group *g, bool join);
void udp_close(struct udp_sock *s);

#endif
