/* private.h - lwIP's headers without their clash of names with gort/net, and what files here
 * share. */
#ifndef NETCTL_PRIVATE_H
#define NETCTL_PRIVATE_H

#include "kernel/lock.h"
#include "gort/net/ip.h"
#include "gort/net/platform.h"
#include "gort/net/wheel.h"
#include "gort/netctl/netctl.h"

#include <lwip/init.h>
#include <lwip/dhcp.h>
#include <lwip/dhcp6.h>
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/icmp6.h>
#include <lwip/igmp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/prot/dhcp.h>
#include <lwip/raw.h>
#include <lwip/stats.h>
#include <netif/ethernet.h>

/* From here on lwIP's fields that its sources call netif are named lwip_netif. */
#undef netif
#undef netif_add
#undef udp_bind
#undef udp_connect
#undef udp_init
#undef udp_input
#undef udp_new
#undef udp_recv
#undef udp_send

enum { ETH_ARP = 0x0806, ARP_BYTES = 28, DHCP_PORT = 68, DHCP6_PORT = 546 };
enum { CTL_ROUTES = 16, CTL_ADDRS = LWIP_IPV6_NUM_ADDRESSES + 1 };

/* Kinds of frames, as seen from their first bytes. */
enum frame_kind { FRAME_DROP, FRAME_ARP, FRAME_ND, FRAME_DHCP, FRAME_OTHER, FRAME_FRAGMENT };

/* Options of DHCP's last answer, written by lease.c. */
enum { LEASE_ROUTES = 8 };
struct lease {
    char domain[64];
    unsigned nroutes;
    struct net_route routes[LEASE_ROUTES];
};

/* One interface. Every field is [netctl_lock]. */
struct iface {
    struct lwip_netif lw;
    struct netif *ifp;              /* NULL: unused */
    struct netctl_config config;
    struct lease lease;
    int64_t started, last_conflict;
    bool said_silent;               /* "no DHCP server": once until one answers */
    /* What has been written to gort/net. */
    unsigned naddrs, nroutes;
    struct netif_addr addrs[CTL_ADDRS];
    struct net_route routes[CTL_ROUTES];
};

extern struct lock netctl_lock;
extern struct iface netctl_ifaces[NETIF_MAX];
static inline struct iface *iface_of(const struct netif *ifp)
{
    return &netctl_ifaces[ifp->index - 2];
}

/* netctl.c */
void netctl_note_change(void);      /* netctl_changed is to be called; locked */

/* frames.c */
extern struct frame_context {
    struct iface *in;               /* NULL: no frame is being looked at */
    enum frame_kind kind;
} netctl_frame;                     /* [netctl_lock] */
void frames_listen(void);
void frames_input(struct iface *f, struct pkt *pkt);    /* locked; owns pkt */
/* Locked; takes a packet whose data is at the IP header. */
void frames_input_ip(struct iface *f, struct pkt *pkt);
err_t frames_output(struct lwip_netif *lw, struct pbuf *p);
struct pbuf *frames_pbuf(const struct pkt *pkt, size_t front); /* front bytes of room; NULL */
enum put_off { WHOLE, ERROR4, ERROR6, SEEN4, SEEN6 };
void frames_put_off(enum put_off what, struct netif *ifp, struct pkt *pkt);
struct pkt *frames_put_off_take(void); /* user[0] = interface, user[1] = what */

/* check.c */
enum frame_kind check_frame(const uint8_t *frame, size_t n);
bool check_nd(const uint8_t *frame, size_t n);
bool check_extensions(const uint8_t *frame, size_t n); /* of IPv6: headers before the transport's */

/* publish.c */
void publish_addresses(struct iface *f);
struct net_addr publish_addr4(const ip4_addr_t *a);
struct net_addr publish_addr6(const ip6_addr_t *a);

/* neigh.c */
void neigh_publish(void);
void neigh_seen(const struct iface *f, const uint8_t *arp); /* a good ARP packet came */
void neigh_tick(int64_t now);
void neigh_resolve(struct iface *f, const struct net_addr *next_hop, struct pkt *pkt);
void neigh_reachable(struct iface *f, const struct net_addr *next_hop);
void neigh_init(void);

/* address.c */
void address_start(struct iface *f);
void address_conflict(struct iface *f, const uint8_t *arp);
void address_tick(struct iface *f, int64_t now);
void address_news(struct iface *f); /* after its addresses have changed */

/* dns.c */
void dns_add_static(const struct net_addr *a, unsigned n);
void dns_note_change(void);
bool dns_take_change(void);

/* lease.c: called by lwIP (port/hooks.h) */
void lease_ask(struct lwip_netif *lw, struct dhcp_msg *m, u8_t type, u16_t *len);
void lease_take(struct lwip_netif *lw, u8_t type, u8_t option, u8_t len, struct pbuf *p, u16_t at);

static inline void lw_addr4(ip4_addr_t *to, const struct net_addr *a)
{
    __builtin_memcpy(&to->addr, a->b + 12, 4);
}
static inline void lw_addr6(ip6_addr_t *to, const struct net_addr *a, const struct iface *f)
{
    __builtin_memcpy(to->addr, a->b, 16);
    ip6_addr_clear_zone(to);
    ip6_addr_assign_zone(to, IP6_UNKNOWN, &f->lw);
}

#endif
