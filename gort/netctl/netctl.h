/* netctl.h - the control plane of the network: this host's addresses, routes, and neighbours.
 *
 *   gort/net  --frames that are not TCP or UDP for us-->  netctl: lwIP, under one lock
 *             <--addresses, routes, neighbours, what was put together from fragments--
 *
 * lwIP does ARP, neighbour discovery, router advertisements, DHCP, ICMP, IGMP, MLD and reassembly.
 * Nothing here is on the path of a segment: TCP and UDP read what publish.c writes into gort/net.
 *
 * Every function is called on g0 or at boot and takes the lock (RANK_NETCTL) itself. The caller of
 * netctl_join and netctl_start holds no lock, that of struct net_control's functions none of
 * RANK_NETCTL or above. */
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
/* Parses ip=. NULL, or an error for a message: "10.0.0.1: expected ADDR/LEN". Static storage. */
const char *netctl_config_parse(const char *text, struct netctl_config *c);
/* Parses a.b.c.d or a:b::c. False: s does not begin with an address. *end is behind the last
 * character taken. */
bool netctl_addr_parse(const char *s, const char **end, struct net_addr *a);
/* Writes an address to out (at least 46 bytes); returns out. */
char *netctl_addr_print(const struct net_addr *a, char *out);

/* Boot, after net_init and before the first netif_add. */
void netctl_init(void);
/* Gives an interface its addresses: those of text (the boot option ip=; "" = dhcp), and what
 * routers advertise. Called after netif_add and netdev_attach. An error in text is printed. */
void netctl_start(struct netif *ifp, const char *text);
void netctl_link(struct netif *ifp, bool up);
/* True when boot need not wait any longer: every interface has its address, or no server has
 * answered for NETCTL_PATIENCE. */
bool netctl_settled(void);
#define NETCTL_PATIENCE 5000000000ll /* ns */

/* Reports to the network that this host joins or leaves a group (IGMP, MLD). Joins and leaves are
 * counted. The device's filter follows. */
void netctl_join(unsigned ifindex, const struct net_addr *group, bool join);

/* Writes the known resolvers as the text of resolv.conf; returns its length without the NUL. */
size_t netctl_resolv_conf(char *out, size_t max);
/* Called without locks after the addresses or resolv.conf's text have changed. Set at boot; may be
 * NULL. */
extern void (*netctl_changed)(void);
/* Called without locks with each ICMP packet for this host, data at the IP header; the packet stays
 * the caller's. Set at boot; may be NULL. */
extern void (*netctl_icmp_seen)(struct netif *ifp, bool v6, const struct pkt *pkt);

/* Provided by the platform: memory for lwIP's heap, taken once. NULL: none. */
void *netctl_memory(size_t n);

#endif
