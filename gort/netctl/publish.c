/* publish.c - writes lwIP's addresses and routes to gort/net, where TCP and UDP read them. lwIP
 * reports few of its changes, so after each packet that may cause one, and at each tick, its state
 * is compared with what was written last. */
#include <string.h>
#include "gort/netctl/private.h"

enum { METRIC_RA = 1024 };

struct net_addr publish_addr4(const ip4_addr_t *a)
{
    uint8_t b[4];

    memcpy(b, &a->addr, 4);
    return addr_v4(b);
}

struct net_addr publish_addr6(const ip6_addr_t *a)
{
    struct net_addr r;

    memcpy(r.b, a->addr, 16);
    return r;
}

/* ---- addresses ------------------------------------------------------------------------- */

static unsigned prefix_of(uint32_t mask_be)
{
    return 96 + (unsigned)__builtin_popcount(mask_be);
}

static unsigned prefix6_of(const struct iface *f, const struct net_addr *a)
{
    return f->config.has6 && addr_equal(a, &f->config.addr6) ? f->config.prefix6 : 64;
}

static unsigned wanted_addresses(const struct iface *f, struct netif_addr *out)
{
    unsigned n = 0;
    const ip4_addr_t *a4 = netif_ip4_addr(&f->lw);

    if (!ip4_addr_isany(a4))
        out[n++] = (struct netif_addr){publish_addr4(a4),
            (uint8_t)prefix_of(netif_ip4_netmask(&f->lw)->addr), false};
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        u8_t state = netif_ip6_addr_state(&f->lw, i);
        if (!ip6_addr_isvalid(state) && !ip6_addr_istentative(state))
            continue;
        struct net_addr a = publish_addr6(netif_ip6_addr(&f->lw, i));
        out[n++] = (struct netif_addr){a, (uint8_t)prefix6_of(f, &a), !ip6_addr_isvalid(state)};
    }
    return n;
}

static bool same_address(const struct netif_addr *a, const struct netif_addr *b)
{
    return addr_equal(&a->addr, &b->addr) && a->prefix == b->prefix && a->tentative == b->tentative;
}

static const struct netif_addr *find_address(const struct netif_addr *list, unsigned n,
                                             const struct net_addr *a)
{
    for (unsigned i = 0; i < n; i++)
        if (addr_equal(&list[i].addr, a))
            return &list[i];
    return NULL;
}

static bool write_addresses(struct iface *f)
{
    struct netif_addr now[CTL_ADDRS];
    unsigned n = wanted_addresses(f, now);
    bool changed = false;

    for (unsigned i = 0; i < f->naddrs; i++)
        if (!find_address(now, n, &f->addrs[i].addr)) {
            netif_addr_delete(f->ifp, &f->addrs[i].addr);
            changed = true;
        }
    for (unsigned i = 0; i < n; i++) {
        const struct netif_addr *old = find_address(f->addrs, f->naddrs, &now[i].addr);
        if (old && same_address(old, &now[i]))
            continue;
        netif_addr_set(f->ifp, &now[i].addr, now[i].prefix, now[i].tentative);
        changed = true;
    }
    memcpy(f->addrs, now, n * sizeof now[0]);
    f->naddrs = n;
    return changed;
}

/* ---- routes ---------------------------------------------------------------------------- */

struct route_list { struct net_route r[CTL_ROUTES]; unsigned n; };

static void want(struct route_list *l, struct net_route r, unsigned ifindex)
{
    r.ifindex = ifindex;
    for (unsigned i = r.prefix; i < 128; i++)
        r.dst.b[i / 8] &= (uint8_t)~(0x80u >> i % 8);
    for (unsigned i = 0; i < l->n; i++)
        if (l->r[i].prefix == r.prefix && addr_equal(&l->r[i].dst, &r.dst))
            return;
    if (l->n < CTL_ROUTES)
        l->r[l->n++] = r;
}

static void want_v4(const struct iface *f, struct route_list *l)
{
    struct net_addr a = publish_addr4(netif_ip4_addr(&f->lw));
    struct net_addr gw = publish_addr4(netif_ip4_gw(&f->lw));
    struct net_addr any = publish_addr4(ip_2_ip4(IP4_ADDR_ANY));

    if (addr_any(&a))
        return;
    want(l, (struct net_route){.dst = a, .prefix =
        (uint8_t)prefix_of(netif_ip4_netmask(&f->lw)->addr), .source = a}, f->ifp->index);
    /* RFC 3442: with classless routes in the lease, its router option is ignored. */
    for (unsigned i = 0; i < f->lease.nroutes; i++) {
        struct net_route r = f->lease.routes[i];
        r.source = a;
        want(l, r, f->ifp->index);
    }
    if (!addr_any(&gw) && !f->lease.nroutes)
        want(l, (struct net_route){.dst = any, .prefix = 96, .gateway = gw, .source = a},
             f->ifp->index);
}

/* Adds lwIP's default routers, first the one whose link address is known. */
static void want_routers(const struct iface *f, struct route_list *l)
{
    const struct nd6_router_list_entry *best = NULL;

    for (int i = 0; i < LWIP_ND6_NUM_ROUTERS; i++) {
        const struct nd6_router_list_entry *r = &default_router_list[i];
        if (!r->neighbor_entry || !r->invalidation_timer || r->neighbor_entry->lwip_netif != &f->lw)
            continue;
        if (!best || (best->neighbor_entry->state < ND6_REACHABLE &&
                      r->neighbor_entry->state >= ND6_REACHABLE))
            best = r;
    }
    if (best)
        want(l, (struct net_route){.prefix = 0, .metric = METRIC_RA,
             .gateway = publish_addr6(&best->neighbor_entry->next_hop_address)}, f->ifp->index);
}

static void want_v6(const struct iface *f, struct route_list *l)
{
    for (unsigned i = 0; i < f->naddrs; i++)
        if (addr_link_local(&f->addrs[i].addr))
            want(l, (struct net_route){.dst = f->addrs[i].addr, .prefix = 64}, f->ifp->index);
    if (f->config.has6)
        want(l, (struct net_route){.dst = f->config.addr6, .prefix = f->config.prefix6},
             f->ifp->index);
    if (f->config.has6 && !addr_any(&f->config.gw6))
        want(l, (struct net_route){.prefix = 0, .gateway = f->config.gw6}, f->ifp->index);
    for (int i = 0; i < LWIP_ND6_NUM_PREFIXES; i++)
        if (prefix_list[i].lwip_netif == &f->lw && prefix_list[i].invalidation_timer)
            want(l, (struct net_route){.dst = publish_addr6(&prefix_list[i].prefix), .prefix = 64,
                 .metric = METRIC_RA}, f->ifp->index);
    want_routers(f, l);
}

static bool route_in(const struct net_route *r, const struct net_route *list, unsigned n,
                     bool whole)
{
    for (unsigned i = 0; i < n; i++)
        if (addr_equal(&list[i].dst, &r->dst) && list[i].prefix == r->prefix &&
            (!whole || (addr_equal(&list[i].gateway, &r->gateway) &&
                        addr_equal(&list[i].source, &r->source) && list[i].metric == r->metric)))
            return true;
    return false;
}

static bool write_routes(struct iface *f)
{
    struct route_list l = {.n = 0};
    bool changed = false;

    want_v4(f, &l);
    want_v6(f, &l);
    for (unsigned i = 0; i < f->nroutes; i++)
        if (!route_in(&f->routes[i], l.r, l.n, false)) {
            net_route_delete(&f->routes[i].dst, f->routes[i].prefix, f->ifp->index);
            changed = true;
        }
    for (unsigned i = 0; i < l.n; i++)
        if (!route_in(&l.r[i], f->routes, f->nroutes, true)) {
            net_route_add(&l.r[i]);
            changed = true;
        }
    memcpy(f->routes, l.r, l.n * sizeof l.r[0]);
    f->nroutes = l.n;
    return changed;
}

/* A router may advertise a smaller MTU than the device's. */
static void write_mtu(struct iface *f)
{
    uint32_t mtu = f->lw.mtu6 && f->lw.mtu6 < f->lw.mtu ? f->lw.mtu6 : f->lw.mtu;

    if (__atomic_load_n(&f->ifp->mtu, __ATOMIC_RELAXED) == mtu)
        return;
    __atomic_store_n(&f->ifp->mtu, mtu, __ATOMIC_RELAXED);
    __atomic_fetch_add(&net_generation, 1, __ATOMIC_RELEASE);
}

void publish_addresses(struct iface *f)
{
    bool changed = write_addresses(f);

    changed |= write_routes(f);
    write_mtu(f);
    if (changed) {
        address_news(f);
        netctl_note_change();
    }
}
