/* proc_net.c - /proc/net: interfaces, routes, addresses and neighbours as text. The columns are
 * those of proc(5), as route(8), arp(8) and packages for Go read them. */
#include <stdio.h>
#include <string.h>
#include "gort/os/fs/nodes.h"
#include "gort/os/mem.h"
#include "gort/sock/interfaces.h"
#include "gort/sock/sock.h"
#include "gort/wire/wire.h"

static void dev_line(struct outbuf *o, const char *name, const struct netdev_stats *s)
{
    out_printf(o, "%6s: %llu %llu 0 %llu 0 0 0 0 %llu %llu 0 %llu 0 0 0 0\n", name,
               (unsigned long long)s->rx_bytes, (unsigned long long)s->rx_packets,
               (unsigned long long)(s->rx_dropped + s->rx_nomem),
               (unsigned long long)s->tx_bytes, (unsigned long long)s->tx_packets,
               (unsigned long long)s->tx_dropped);
}

static void dev_text(struct outbuf *o)
{
    static const struct netdev_stats none;
    const struct netif *ifp;

    out_printf(o, "Inter-|   Receive                                                |  Transmit\n"
               " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets "
               "errs drop fifo colls carrier compressed\n");
    dev_line(o, "lo", &none);
    for (unsigned i = 2; (ifp = netif_get(i)); i++)
        dev_line(o, ifp->dev->name, &ifp->dev->stats);
}

static const char *name_of(unsigned ifindex)
{
    const struct netif *ifp = netif_get(ifindex);

    return ifp ? ifp->dev->name : "lo";
}

/* An IPv4 address as a number in memory order, as /proc/net shows it. */
static unsigned in_memory(const struct net_addr *a)
{
    uint32_t v;

    memcpy(&v, a->b + 12, 4);
    return v;
}

static unsigned mask_in_memory(unsigned prefix)
{
    return __builtin_bswap32((uint32_t)~(0xffffffffull >> prefix));
}

static void routes_each(struct outbuf *o, void (*line)(struct outbuf *, const struct net_route *))
{
    struct net_route *list = os_alloc(NET_ROUTES * sizeof *list);

    for (unsigned n = list ? net_route_list(list, NET_ROUTES) : 0, i = 0; i < n; i++)
        line(o, &list[i]);
    if (list)
        os_free(list, NET_ROUTES * sizeof *list);
}

/* Flags: 1 up, 2 by a gateway. */
static void route_line(struct outbuf *o, const struct net_route *r)
{
    bool gateway = !addr_any(&r->gateway);

    if (!addr_is_v4(&r->dst) || r->prefix < 96)
        return;
    out_printf(o, "%s\t%08X\t%08X\t%04X\t0\t0\t%u\t%08X\t0\t0\t0\n", name_of(r->ifindex),
               in_memory(&r->dst), gateway ? in_memory(&r->gateway) : 0, gateway ? 3u : 1u,
               r->metric, mask_in_memory(r->prefix - 96u));
}

static void route_text(struct outbuf *o)
{
    out_printf(o, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow"
               "\tIRTT\n");
    routes_each(o, route_line);
}

static void hex(struct outbuf *o, const struct net_addr *a)
{
    for (unsigned i = 0; i < 16; i++)
        out_printf(o, "%02x", a->b[i]);
}

static void route6_line(struct outbuf *o, const struct net_route *r)
{
    static const struct net_addr any;
    bool gateway = !addr_any(&r->gateway);

    if (addr_is_v4(&r->dst) && r->prefix >= 96)
        return;
    hex(o, &r->dst);
    out_printf(o, " %02x ", r->prefix);
    hex(o, &any);
    out_printf(o, " 00 ");
    hex(o, gateway ? &r->gateway : &any);
    out_printf(o, " %08x %08x %08x %08x %8s\n", r->metric, 1u, 0u, gateway ? 3u : 1u,
               name_of(r->ifindex));
}

static void ipv6_route_text(struct outbuf *o)
{
    routes_each(o, route6_line);
}

/* Address, interface, prefix length, scope, flags, name. */
static void inet6_line(struct outbuf *o, const struct netif_addr *a, unsigned index,
                       const char *name)
{
    unsigned scope = index == 1 ? 0x10 : addr_link_local(&a->addr) ? 0x20 : 0;

    hex(o, &a->addr);
    out_printf(o, " %02x %02x %02x %02x %8s\n", index, a->prefix, scope,
               a->tentative ? 0x40u : 0x80u, name);
}

static void if_inet6_text(struct outbuf *o)
{
    struct netif_addr list[NETIF_ADDRS], lo = { net_addr_loopback(false), 128, false };
    const struct netif *ifp;

    inet6_line(o, &lo, 1, "lo");
    for (unsigned i = 2; (ifp = netif_get(i)); i++)
        for (unsigned n = netif_addr_list(ifp, list), k = 0; k < n; k++)
            if (!addr_is_v4(&list[k].addr))
                inet6_line(o, &list[k], i, ifp->dev->name);
}

static void arp_text(struct outbuf *o)
{
    enum { MOST = 512 };
    struct net_neighbour *list = os_alloc(MOST * sizeof *list);
    char ip[16];

    out_printf(o, "IP address       HW type     Flags       HW address            "
               "Mask     Device\n");
    for (unsigned n = list ? net_neighbour_list(list, MOST) : 0, i = 0; i < n; i++) {
        const uint8_t *b = list[i].addr.b + 12, *m = list[i].mac;
        if (!addr_is_v4(&list[i].addr))
            continue;
        snprintf(ip, sizeof ip, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
        out_printf(o, "%-16s 0x1         0x2         %02x:%02x:%02x:%02x:%02x:%02x     *        "
                   "%s\n", ip, m[0], m[1], m[2], m[3], m[4], m[5], name_of(list[i].ifindex));
    }
    if (list)
        os_free(list, MOST * sizeof *list);
}

/* Of each CPU: packets, none dropped for want of a queue, turns that ended with packets left. */
static void softnet_stat_text(struct outbuf *o)
{
    for (unsigned i = 0; i < ncpu; i++) {
        struct wire_counts c = wire_counts_of(i);
        out_printf(o, "%08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x\n",
                   (unsigned)c.packets, 0u, (unsigned)c.full_turns, 0u, 0u, 0u, 0u, 0u, 0u, 0u,
                   0u, 0u, i);
    }
}

#define TEXT(n) static const struct node_ops n##_ops = {.text = n##_text}
TEXT(dev); TEXT(route); TEXT(ipv6_route); TEXT(if_inet6); TEXT(arp); TEXT(softnet_stat);

static const struct { const char *name; const struct node_ops *ops; } files[] = {
    {"dev", &dev_ops}, {"route", &route_ops}, {"ipv6_route", &ipv6_route_ops},
    {"if_inet6", &if_inet6_ops}, {"arp", &arp_ops},
    {"softnet_stat", &softnet_stat_ops},
};

static void fill(const char *path)
{
    struct inode *dir = vfs_mkdirs(path, strlen(path));

    if (!dir)
        return;     /* the bundle's wish */
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        vfs_synthetic(dir, files[i].name, L_S_IFREG | 0444, files[i].ops);
    proc_sock_fill(dir);
    dir->mode = L_S_IFDIR | 0555;
    dir->synthetic = true;
}

void interfaces_init(void)
{
    fill("proc/net");
    fill("proc/1/net");
}
