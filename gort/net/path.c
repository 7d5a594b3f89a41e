/* path.c - routes, neighbours, and the path to an address that follows from them (net.h). */
#include "gort/net/errno.h"
#include "kernel/lock.h"
#include "gort/net/ip.h"
#include "gort/net/platform.h"

enum { NEIGHBOURS = 512, PROBE = 8 };

static struct lock path_lock;
static struct net_route routes[NET_ROUTES];     /* [path_lock] */
static unsigned nroutes;                        /* [path_lock] */
static struct neighbour {
    struct net_addr addr;
    unsigned ifindex;                           /* 0: empty */
    uint8_t mac[6];
    int64_t used;                               /* when a path was last made from it */
} neighbours[NEIGHBOURS];                       /* [path_lock] */
uint32_t net_generation = 1;

/* ---- routes ----------------------------------------------------------------------------- */

static struct net_route *find(const struct net_addr *dst, unsigned prefix, unsigned ifindex)
{
    for (unsigned i = 0; i < nroutes; i++)
        if (routes[i].prefix == prefix && routes[i].ifindex == ifindex &&
            addr_match(&routes[i].dst, dst, prefix))
            return &routes[i];
    return NULL;
}

int net_route_add(const struct net_route *r)
{
    int err = 0;

    lock(&path_lock);
    struct net_route *e = find(&r->dst, r->prefix, r->ifindex);
    if (!e && nroutes < NET_ROUTES)
        e = &routes[nroutes++];
    if (e)
        *e = *r;
    else
        err = -ENOSPC;
    unlock(&path_lock);
    __atomic_fetch_add(&net_generation, 1, __ATOMIC_RELEASE);
    return err;
}

int net_route_delete(const struct net_addr *dst, unsigned prefix, unsigned ifindex)
{
    int err = -ESRCH;

    lock(&path_lock);
    struct net_route *e = find(dst, prefix, ifindex);
    if (e) {
        *e = routes[--nroutes];
        err = 0;
    }
    unlock(&path_lock);
    __atomic_fetch_add(&net_generation, 1, __ATOMIC_RELEASE);
    return err;
}

unsigned net_route_list(struct net_route *out, unsigned max)
{
    lock(&path_lock);
    unsigned n = nroutes < max ? nroutes : max;
    __builtin_memcpy(out, routes, n * sizeof *out);
    unlock(&path_lock);
    return n;
}

/* The longest prefix wins, then the smallest metric. The IPv4 default route is ::ffff:0:0/96. */
static const struct net_route *best(const struct net_addr *dst, unsigned ifindex)
{
    const struct net_route *b = NULL;

    for (unsigned i = 0; i < nroutes; i++) {
        const struct net_route *r = &routes[i];
        if ((ifindex && r->ifindex != ifindex) || !addr_match(&r->dst, dst, r->prefix) ||
            (r->prefix < 96 && addr_is_v4(dst)))
            continue;
        if (!b || r->prefix > b->prefix || (r->prefix == b->prefix && r->metric < b->metric))
            b = r;
    }
    return b;
}

/* ---- neighbours ------------------------------------------------------------------------- */

/* Finds the entry of an address. To write a new one: an empty place of its bucket, else any
 * place. */
static struct neighbour *neighbour(unsigned ifindex, const struct net_addr *a, bool make)
{
    uint64_t h = (a->d[0] ^ a->d[1] ^ ifindex) * 0x9e3779b97f4a7c15ull >> 40;
    struct neighbour *free = NULL;

    for (unsigned i = 0; i < PROBE; i++) {
        struct neighbour *n = &neighbours[(h + i) % NEIGHBOURS];
        if (n->ifindex == ifindex && addr_equal(&n->addr, a))
            return n;
        if (!n->ifindex && !free)
            free = n;
    }
    if (!make)
        return NULL;
    return free ? free : &neighbours[(h + (uint64_t)net_now_ns() / 64 % PROBE) % NEIGHBOURS];
}

void net_neighbour_set(unsigned ifindex, const struct net_addr *a, const uint8_t mac[6])
{
    lock(&path_lock);
    struct neighbour *n = neighbour(ifindex, a, mac != NULL);
    bool news = n && (!mac || n->ifindex != ifindex || !addr_equal(&n->addr, a) ||
                      __builtin_memcmp(n->mac, mac, 6));
    if (news && mac) {
        if (n->ifindex != ifindex || !addr_equal(&n->addr, a))
            *n = (struct neighbour){.addr = *a, .ifindex = ifindex};
        __builtin_memcpy(n->mac, mac, 6);
    } else if (news) {
        n->ifindex = 0;
    }
    unlock(&path_lock);
    if (news)
        __atomic_fetch_add(&net_generation, 1, __ATOMIC_RELEASE);
}

unsigned net_neighbour_list(struct net_neighbour *out, unsigned max)
{
    unsigned n = 0;

    lock(&path_lock);
    for (unsigned i = 0; i < NEIGHBOURS && n < max; i++) {
        const struct neighbour *e = &neighbours[i];
        if (!e->ifindex)
            continue;
        out[n] = (struct net_neighbour){.addr = e->addr, .ifindex = e->ifindex};
        __builtin_memcpy(out[n++].mac, e->mac, 6);
    }
    unlock(&path_lock);
    return n;
}

int64_t net_neighbour_used(unsigned ifindex, const struct net_addr *a)
{
    lock(&path_lock);
    const struct neighbour *n = neighbour(ifindex, a, false);
    int64_t used = n ? n->used : 0;
    unlock(&path_lock);
    return used;
}

/* ---- paths ------------------------------------------------------------------------------ */

/* RFC 6724 in short: the source address of the destination's scope that shares the longest
 * prefix. */
static int choose_source(struct net_path *p, const struct net_addr *dst)
{
    const struct netif_addr *best_addr = NULL;
    unsigned best_bits = 0;

    for (unsigned i = 0; i < p->ifp->naddrs && i < NETIF_ADDRS; i++) {
        const struct netif_addr *e = &p->ifp->addrs[i];
        if (e->tentative || addr_is_v4(&e->addr) != addr_is_v4(dst))
            continue;
        unsigned bits = 1;
        while (bits < 128 && addr_match(&e->addr, dst, bits))
            bits++;
        if (addr_link_local(&e->addr) == addr_link_local(dst))
            bits += 128;
        if (bits > best_bits) {
            best_bits = bits;
            best_addr = e;
        }
    }
    if (!best_addr)
        return -EADDRNOTAVAIL;
    p->source = best_addr->addr;
    return 0;
}

/* Makes the link address of a group (01:00:5e and 23 bits, 33:33 and 32 bits) or of a broadcast.
 * False: a unicast address, whose link address must be resolved. */
static bool group_mac(const struct net_path *p, const struct net_addr *dst, uint8_t mac[6])
{
    if (!addr_is_v4(dst)) {
        if (dst->b[0] != 0xff)
            return false;
        mac[0] = mac[1] = 0x33;
        __builtin_memcpy(mac + 2, dst->b + 12, 4);
        return true;
    }
    uint32_t n = addr_v4_number(dst);
    bool broadcast = n == 0xffffffffu;
    for (unsigned i = 0; i < p->ifp->naddrs && i < NETIF_ADDRS; i++) {
        const struct netif_addr *e = &p->ifp->addrs[i];
        uint32_t host = e->prefix < 128 && e->prefix >= 96 ? 0xffffffffu >> (e->prefix - 96) : 0;
        if (host > 1 && addr_match(&e->addr, dst, e->prefix) && (n & host) == host)
            broadcast = true;
    }
    if (broadcast) {
        __builtin_memset(mac, 0xff, 6);
        return true;
    }
    if (n >> 28 != 14)
        return false;
    const uint8_t m[6] = {0x01, 0, 0x5e, dst->b[13] & 0x7f, dst->b[14], dst->b[15]};
    __builtin_memcpy(mac, m, 6);
    return true;
}

static void find_link(struct net_path *p, const struct net_addr *dst)
{
    uint8_t *l = p->link;

    p->resolved = group_mac(p, dst, l);
    if (!p->resolved) {
        struct neighbour *n = neighbour(p->ifp->index, &p->next_hop, false);
        p->resolved = n != NULL;
        if (n) {
            __builtin_memcpy(l, n->mac, 6);
            n->used = p->asked;
        }
    }
    __builtin_memcpy(l + 6, p->ifp->dev->mac, 6);
    put16(l + 12, addr_is_v4(dst) ? ETH_IPV4 : ETH_IPV6);
}

/* The interface for multicast and link-local destinations without a route: the one the socket
 * names, else the first. */
static struct netif *default_interface(const struct net_addr *dst, unsigned ifindex)
{
    if (!addr_multicast(dst) && !addr_link_local(dst))
        return NULL;
    return netif_get(ifindex ? ifindex : 2);
}

int net_path_find(struct net_path *p, const struct net_addr *dst, const struct net_addr *src,
                  unsigned ifindex)
{
    int err = 0;

    p->generation = __atomic_load_n(&net_generation, __ATOMIC_ACQUIRE);
    p->asked = net_now_ns();
    p->ifp = NULL;
    lock(&path_lock);
    const struct net_route *r = best(dst, ifindex);
    struct netif *ifp = r ? netif_get(r->ifindex) : default_interface(dst, ifindex);
    if (!ifp) {
        unlock(&path_lock);
        return -ENETUNREACH;
    }
    p->ifp = ifp;
    p->next_hop = !r || addr_any(&r->gateway) ? *dst : r->gateway;
    p->source = *src;
    if (addr_any(src)) {
        p->source = r ? r->source : *src;
        if (!r || addr_any(&r->source))
            err = choose_source(p, dst);
    }
    find_link(p, dst);
    unlock(&path_lock);
    if (err)
        p->ifp = NULL;
    p->mtu = pmtu_get(dst, __atomic_load_n(&ifp->mtu, __ATOMIC_RELAXED));
    return err;
}

void path_init(void)
{
    lock_init(&path_lock, "routes", RANK_NET);
    __builtin_memset(neighbours, 0, sizeof neighbours);
    nroutes = 0;
}
