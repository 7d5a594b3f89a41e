/* net.h - interfaces, paths and the control plane: how the rest of the system sets the stack up.
 *
 * The control plane (ARP, ND, DHCP, ICMP, IGMP/MLD, reassembly) is another piece of code behind
 * struct net_control. It writes addresses, routes and neighbours here; the data path reads
 * them and hands it every frame that is not a whole UDP or TCP packet for this host.
 *
 * A path says how packets to one address are sent: interface, MTU and a finished link header. A
 * socket or connection keeps its path until net_generation changes or PATH_AGE has passed. */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "drivers/net.h"
#include "gort/net/addr.h"
#include "gort/net/platform.h"

/* Events of sockets: the numbers of poll(2). */
enum { NET_IN = 1, NET_OUT = 4, NET_ERR = 8, NET_HUP = 16, NET_RDHUP = 0x2000 };

enum { NETIF_MAX = NETDEV_MAX, NETIF_ADDRS = 8, NET_ROUTES = 64, LINK_HDR = 14 };

/* ---- interfaces ------------------------------------------------------------------------ */

struct netif_addr {
    struct net_addr addr;
    uint8_t prefix;             /* of 128: an IPv4 /24 is 120 */
    bool tentative;             /* duplicate address detection runs: no source address yet */
};

struct netif {
    struct netdev *dev;         /* [const] */
    unsigned index;             /* [const] 2 and up: 1 is the loopback, which gort/net never sees */
    uint32_t mtu;               /* [atomic] */
    unsigned naddrs;            /* [atomic] grows after the entry is written */
    struct netif_addr addrs[NETIF_ADDRS]; /* [RANK_NET lock], see netif_has */
    uint32_t addrs_seq;         /* [atomic] odd while addrs change */
};

/* Makes an interface of a device. NULL: there are NETIF_MAX already. Boot, or g0 without locks. */
struct netif *netif_add(struct netdev *dev);
struct netif *netif_get(unsigned index); /* NULL: none */
struct netif *netif_of(const struct netdev *dev); /* NULL: not taken over */
/* The callbacks for netdev_attach: receive and room are the stack's, wake and link the caller's. */
const struct netdev_user *net_driver_user(void (*wake)(void *, struct netdev *, unsigned),
                                          void (*link)(void *, struct netdev *, bool));
/* Adds, updates or deletes an address. 0; -ENOSPC; -EADDRNOTAVAIL: the address to delete is not
 * there. */
int netif_addr_set(struct netif *ifp, const struct net_addr *a, unsigned prefix, bool tentative);
int netif_addr_delete(struct netif *ifp, const struct net_addr *a);
/* Copies the interface's addresses to out and returns how many. No locks: a seqlock. */
unsigned netif_addr_list(const struct netif *ifp, struct netif_addr out[NETIF_ADDRS]);
/* Is a an address of ifp (NULL: of any interface)? No locks: a seqlock. */
bool netif_has(const struct netif *ifp, const struct net_addr *a);

/* ---- routes and neighbours ----------------------------------------------------------- */

struct net_route {
    struct net_addr dst;
    uint8_t prefix;             /* of 128 */
    struct net_addr gateway;    /* :: = on the link */
    struct net_addr source;     /* preferred source, :: = of the interface */
    unsigned ifindex;
    uint32_t metric;
};

int net_route_add(const struct net_route *r);                /* 0, -ENOSPC */
int net_route_delete(const struct net_addr *dst, unsigned prefix, unsigned ifindex); /* -ESRCH */
unsigned net_route_list(struct net_route *out, unsigned max);
/* Sets a neighbour's link address; NULL removes it. */
void net_neighbour_set(unsigned ifindex, const struct net_addr *a, const uint8_t mac[6]);
struct net_neighbour { struct net_addr addr; unsigned ifindex; uint8_t mac[6]; };
unsigned net_neighbour_list(struct net_neighbour *out, unsigned max);
/* When a path through this neighbour was last looked up (net_now_ns); 0 = never, or no such
 * neighbour. */
int64_t net_neighbour_used(unsigned ifindex, const struct net_addr *a);

struct net_path {
    struct netif *ifp;
    struct net_addr source, next_hop;
    int64_t asked;              /* net_now_ns when the route was looked up */
    uint32_t generation;
    uint32_t mtu;               /* of the path, PMTU included */
    bool resolved;              /* link is valid */
    uint8_t link[LINK_HDR];
};

/* Bumped when a route, an address, a neighbour or a path MTU changes. */
extern uint32_t net_generation; /* [atomic] */
#define PATH_AGE 2000000000ll

/* Fills *p for packets to dst. If src is :: or 0.0.0.0, p->source is chosen; ifindex 0 = any.
 * 0, -ENETUNREACH, -EADDRNOTAVAIL (no source address). */
int net_path_find(struct net_path *p, const struct net_addr *dst, const struct net_addr *src,
                  unsigned ifindex);

static inline bool net_path_fresh(const struct net_path *p, int64_t now)
{
    return p->ifp && p->generation == __atomic_load_n(&net_generation, __ATOMIC_RELAXED) &&
           (uint64_t)(now - p->asked) < PATH_AGE;
}

/* ---- the control plane --------------------------------------------------------------- */

struct ip_rx; /* ip.h */
struct net_control {
    /* Takes a frame that is not for the data path; its data is at the link header. Owns pkt. */
    void (*input)(struct netif *ifp, struct pkt *pkt);
    /* A whole IP packet (data at the IP header, room in front) for a neighbour whose link address
     * is unknown: resolve it, net_neighbour_set, send it. Owns pkt. */
    void (*resolve)(struct netif *ifp, const struct net_addr *next_hop, struct pkt *pkt);
    /* A packet to an unbound UDP port (data at the IP header): answer "port unreachable", at a
     * bounded rate. Owns pkt. */
    void (*unreachable)(struct netif *ifp, struct pkt *pkt);
    /* The neighbour is alive: a connection through it makes progress. At most once per PATH_AGE. */
    void (*reachable)(struct netif *ifp, const struct net_addr *next_hop);
};

/* Called before the first interface is added; every member of *c is set. */
/* Called with each packet for this host that is whole and neither ICMP nor ICMPv6, data at the IP
 * header; the packet stays the caller's. No locks are held. NULL: nobody wants them. */
extern void (*net_raw_seen)(const struct ip_rx *ip, uint8_t proto, const struct pkt *pkt);
void net_control_set(const struct net_control *c);
extern const struct net_control *net_control;

/* ---- packets, rounds, timers --------------------------------------------------------- */

/* netdev_user.receive: takes and owns one list of frames from a driver. */
void net_input(void *arg, struct netdev *dev, unsigned queue, struct pkt *list);
/* Takes a packet that the control plane has reassembled from fragments; data at the IP header. */
void net_input_ip(struct netif *ifp, struct pkt *pkt);
/* An ICMP error that reached this host, data at the ICMP header; pkt stays the
 * control plane's. Updates path MTUs and passes the error to TCP and UDP. */
void net_icmp_error(bool v6, const struct pkt *pkt);
/* Answers a unicast packet to this host (data at the IP header) with ICMP "port unreachable", at
 * a bounded rate. Other packets get no answer. Owns pkt. */
void net_send_unreachable(struct netif *ifp, struct pkt *pkt);

/* Between begin and end, on one CPU, outgoing packets are gathered, and the device is notified
 * once, at the end. Rounds nest. No locks are held at the outermost end. */
void net_round_begin(void);
void net_round_end(void);
/* Sends a whole frame. Any lock below RANK_NETQ; owns pkt. */
void net_transmit(struct netif *ifp, struct pkt *pkt);

void net_timers_run(unsigned cpu);      /* runs this CPU's due timers; g0, no locks */
int64_t net_timers_next(unsigned cpu);  /* net_now_ns when to call it; INT64_MAX = never */

void net_init(void); /* boot, before everything else here */

/* ---- statistics ---------------------------------------------------------------------- */

struct net_stats {
    uint64_t in_octets, out_octets;         /* IPv4's, its headers included */
    uint64_t in_packets, in_bad_header, in_bad_sum, in_not_ours, in_control, in_no_port;
    uint64_t out_packets, out_no_room, out_no_route, out_no_memory;
    uint64_t udp_in, udp_out, udp_full, udp_filtered;
    uint64_t tcp_in, tcp_out, tcp_retrans, tcp_rst_in, tcp_rst_out, tcp_bad, tcp_out_of_order;
    uint64_t tcp_challenge, tcp_paws, tcp_cookies_sent, tcp_cookies_good, tcp_cookies_bad;
    uint64_t tcp_listen_full, tcp_rto, tcp_tlp, tcp_recoveries, tcp_undo, tcp_tw_reused;
    uint64_t tcp_conns, tcp_reqs, tcp_tws;  /* now */
    uint64_t tcp_predicted, tcp_no_memory, tcp_squeezed, tcp_aborts;
};
void net_stats_read(struct net_stats *sum);
/* One slot per CPU; readers add them up. A gauge may be negative in a single slot. */
extern struct net_stats_slot {
    struct net_stats s;
} __attribute__((aligned(64))) net_stats_cpu[NET_CPUS];
#define NET_COUNT(field)   (net_stats_cpu[net_cpu()].s.field++)
#define NET_ADD(field, n)   (net_stats_cpu[net_cpu()].s.field += (n))
#define NET_GAUGE(field, n) (net_stats_cpu[net_cpu()].s.field += (uint64_t)(n))

#endif
