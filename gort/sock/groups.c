/* groups.c - multicast groups of UDP sockets: ip(7), ipv6(7). The wired half keeps
 * memberships (udp.h); the control plane reports them to routers and switches. */
#include <string.h>
#include "gort/net/udp.h"
#include "gort/netctl/netctl.h"
#include "gort/sock/calls.h"
#include "gort/sock/far.h"
#include "gort/sock/groups.h"

enum { IP_ADD_MEMBERSHIP = 35, IP_DROP_MEMBERSHIP = 36, IPV6_JOIN_GROUP = 20,
       IPV6_LEAVE_GROUP = 21, MCAST_JOIN_GROUP = 42, MCAST_LEAVE_GROUP = 45 };

struct l_mreqn { uint8_t group[4], address[4]; int32_t ifindex; };  /* or without the last */
struct l_ipv6_mreq { uint8_t group[16]; uint32_t ifindex; };
struct l_group_req { uint32_t ifindex, pad; uint8_t address[128]; };
_Static_assert(sizeof(struct l_group_req) == 136, "struct group_req");

static bool addr_v4_any(const uint8_t a[4]) { return !(a[0] | a[1] | a[2] | a[3]); }

/* The index of the interface with this address, or of the first interface. 0: there is none. */
static unsigned by_address(const uint8_t a[4])
{
    struct net_addr want = addr_v4(a);
    const struct netif *ifp;

    if (addr_any(&want))
        return netif_get(2) ? 2 : 0;
    for (unsigned i = 2; (ifp = netif_get(i)); i++)
        if (netif_has(ifp, &want))
            return i;
    return 0;
}

static int64_t from_mreqn(struct call *c, uint64_t p, uint64_t len, struct udp_group *g)
{
    struct l_mreqn m = { .ifindex = 0 };
    int64_t err = len < 8 ? -L_EINVAL : copy_in(c, &m, p, len < sizeof m ? 8 : sizeof m);

    if (err)
        return err;
    g->group = addr_v4(m.group);
    g->ifindex = m.ifindex ? (unsigned)m.ifindex : by_address(m.address);
    return 0;
}

static int64_t from_mreq6(struct call *c, uint64_t p, uint64_t len, struct udp_group *g)
{
    struct l_ipv6_mreq m;
    int64_t err = len < sizeof m ? -L_EINVAL : copy_in(c, &m, p, sizeof m);

    if (err)
        return err;
    g->group = addr_v6(m.group);
    g->ifindex = m.ifindex ? m.ifindex : netif_get(2) ? 2 : 0;
    return 0;
}

static int64_t from_group_req(struct call *c, struct sock *s, uint64_t p, uint64_t len,
                              struct udp_group *g)
{
    struct l_group_req m;
    struct sock_addr a;
    int64_t err = len < sizeof m ? -L_EINVAL : copy_in(c, &m, p, sizeof m);

    if (!err)
        err = addr_from_user(s, m.address, s->domain == L_AF_INET ? 16 : 28, ADDR_SEND, &a);
    if (err)
        return err;
    g->group = a.in.ip;
    g->ifindex = m.ifindex ? m.ifindex : netif_get(2) ? 2 : 0;
    return 0;
}

static int64_t change(struct sock *s, const struct udp_group *g, bool join)
{
    if (!addr_multicast(&g->group) || addr_v4_number(&g->group) == 0xffffffffu)
        return -L_EINVAL;
    if (!netif_get(g->ifindex))
        return -L_ENODEV;
    struct udp_sock *u = far_udp_member(s);
    if (!u)
        return join ? -L_ENODEV : -L_EADDRNOTAVAIL;
    int err = udp_join(u, g, join);
    if (!err)
        netctl_join(g->ifindex, &g->group, join);
    return err;
}

/* The kind of group request of an option's name; negative: to leave; 0: not such a request. */
static int request(int level, int name)
{
    if (level == L_IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP))
        return name == IP_ADD_MEMBERSHIP ? 1 : -1;
    if (level == L_IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP))
        return name == IPV6_JOIN_GROUP ? 2 : -2;
    if (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP)
        return name == MCAST_JOIN_GROUP ? 3 : -3;
    return 0;
}

static int64_t set_interface(struct call *c, struct sock *s, int level, uint64_t p, uint64_t len)
{
    struct l_mreqn m = { .ifindex = 0 };
    int32_t n = 0;
    int64_t err;

    if (level == L_IPPROTO_IPV6) {
        err = len < 4 ? -L_EINVAL : copy_in(c, &n, p, 4);
    } else if (len >= 8) {
        err = copy_in(c, &m, p, len < sizeof m ? 8 : sizeof m);
        n = m.ifindex ? m.ifindex : addr_v4_any(m.address) ? 0 : (int32_t)by_address(m.address);
    } else {
        err = len < 4 ? -L_EINVAL : copy_in(c, m.address, p, 4);
        n = addr_v4_any(m.address) ? 0 : (int32_t)by_address(m.address);
        if (!err && !n && !addr_v4_any(m.address))
            return -L_EADDRNOTAVAIL;
    }
    if (err)
        return err;
    if (n && n != 1 && !netif_get((unsigned)n))
        return -L_ENODEV;
    struct ip_opts *o = level == L_IPPROTO_IPV6 ? &s->ip6 : &s->ip4;
    o->mcast_if = n == 1 ? 0 : (uint32_t)n;
    far_udp_options(s);
    return 0;
}

int64_t group_option(struct call *c, struct sock *s, int level, int name, uint64_t p, uint64_t len)
{
    int r = request(level, name);
    struct udp_group g;
    int64_t err;

    if ((level != L_IPPROTO_IP && level != L_IPPROTO_IPV6) || s->type != L_SOCK_DGRAM ||
        (s->domain != L_AF_INET && s->domain != L_AF_INET6))
        return 1;
    if (name == (level == L_IPPROTO_IP ? L_IP_MULTICAST_IF : L_IPV6_MULTICAST_IF))
        return set_interface(c, s, level, p, len);
    switch (r < 0 ? -r : r) {
    case 0: return 1;
    case 1: err = from_mreqn(c, p, len, &g); break;
    case 2: err = from_mreq6(c, p, len, &g); break;
    default: err = from_group_req(c, s, p, len, &g); break;
    }
    return err ? err : change(s, &g, r > 0);
}

void groups_leave(struct udp_sock *u)
{
    for (unsigned i = 0; i < u->ngroups; i++)
        netctl_join(u->groups[i].ifindex, &u->groups[i].group, false);
}
