/* netctl.h - the control plane of the network: who we are on a link, and who else is there.
 *
 *   gort/net  --frames that are not TCP or UDP for us-->  netctl: lwIP, under one lock
 *             <--addresses, routes, neighbours, what was put together from fragments--
 *
 * lwIP does ARP, neighbour discovery, router advertisements, DHCP, ICMP, IGMP, MLD and reassembly.
 * Nothing here is on the path of a segment: TCP and UDP read what publish.c writes into gort/net.
 *
 * Everything is for g0 or boot. The lock (RANK_NETCTL) is taken inside; netctl_join and
 * netctl_start want no lock at all, struct net_control's functions any below RANK_NETCTL. */
#ifndef NETCTL_NETCTL_H
#define NETCTL_NETCTL_H

#include "gort/net/net.h"

enum { NETCTL_DNS = 3, NETCTL_TEXT = 256 };

/* What the boot option ip= says: dhcp, none, or a list, separated by commas, of ADDR/LEN (one of
 * each family at most), gw=ADDR, dns=ADDR. */
struct netctl_config {
    bool dhcp;                      /* no IPv4 address is given, and none was declined */
    bool has4, has6;
    struct net_addr addr4, addr6, gw4, gw6; /* gateways :: = none */
    uint8_t prefix4, prefix6;       /* of 128 */
    unsigned ndns;
    struct net_addr dns[NETCTL_DNS];
};
/* NULL, or what is wrong, for a message: "10.0.0.1: expected ADDR/LEN". Static storage. */
const char *netctl_config_parse(const char *text, struct netctl_config *c);
/* a.b.c.d or a:b::c; false: it is none. end: behind the last character taken. */
bool netctl_addr_parse(const char *s, const char **end, struct net_addr *a);
/* Into out (at least 46 bytes); returns out. */
char *netctl_addr_print(const struct net_addr *a, char *out);

/* Boot, after net_init and before the first netif_add. */
void netctl_init(void);
/* Gives an interface its addresses: those of text (the boot option ip=; "" = dhcp), and what
 * routers advertise. netif_add and netdev_attach came before. Errors are said in a line. */
void netctl_start(struct netif *ifp, const char *text);
void netctl_link(struct netif *ifp, bool up);
/* Does the boot have to wait no longer: addresses are there, or nobody has answered for
 * NETCTL_PATIENCE? */
bool netctl_settled(void);
#define NETCTL_PATIENCE 5000000000ll /* ns */

/* The network is told that this host wants a group's packets (IGMP, MLD), or no longer; as often
 * joined as left. The device's filter follows. */
void netctl_join(unsigned ifindex, const struct net_addr *group, bool join);

/* The resolvers that are known, as the text of resolv.conf; bytes without the NUL. */
size_t netctl_resolv_conf(char *out, size_t max);
/* Called without locks whenever the addresses, or that text, have changed. Boot; may be NULL. */
extern void (*netctl_changed)(void);
/* Called without locks with each ICMP packet that came for this host, data at the IP header. It
 * does not own it. Boot; may be NULL. */
extern void (*netctl_icmp_seen)(struct netif *ifp, bool v6, const struct pkt *pkt);

/* The platform's: memory of lwIP's heap, taken once; NULL: none. */
void *netctl_memory(size_t n);

#endif
