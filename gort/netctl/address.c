/* address.c - which addresses an interface gets, and the messages about them. */
#include "kernel/print.h"
#include "gort/netctl/private.h"

enum { CONFLICT_S = 60 };

/* RFC 5227: sends an ARP request without a sender's address. A host that uses the address
 * answers. */
static void arp_probe(struct iface *f, const struct net_addr *a)
{
    static const uint8_t start[8] = {0, 1, 8, 0, 6, 4, 0, 1};
    struct pkt *p = pkt_alloc(PKT_SMALL);

    if (!p)
        return;
    uint8_t *h = p->data, *arp = h + LINK_HDR;
    p->len = LINK_HDR + ARP_BYTES;
    __builtin_memset(h, 0, p->len);
    __builtin_memset(h, 0xff, 6);
    __builtin_memcpy(h + 6, f->lw.hwaddr, 6);
    put16(h + 12, ETH_ARP);
    __builtin_memcpy(arp, start, sizeof start);
    __builtin_memcpy(arp + 8, f->lw.hwaddr, 6);
    __builtin_memcpy(arp + 24, a->b + 12, 4);
    net_transmit(f->ifp, p);
}

static void start_v4(struct iface *f)
{
    const struct netctl_config *c = &f->config;
    ip4_addr_t a, mask, gw;

    lw_addr4(&a, &c->addr4);
    lw_addr4(&gw, &c->gw4);
    mask.addr = c->prefix4 == 96 ? 0 : __builtin_bswap32(0xffffffffu << (128 - c->prefix4));
    netif_set_addr(&f->lw, &a, &mask, &gw);
    arp_probe(f, &c->addr4);
}

void address_start(struct iface *f)
{
    const struct netctl_config *c = &f->config;
    ip6_addr_t a6;

    dns_add_static(c->dns, c->ndns);
    if (!c->dhcp && !c->has4 && !c->has6)
        return; /* ip=none */
    netif_create_ip6_linklocal_address(&f->lw, 1);
    netif_set_ip6_autoconfig_enabled(&f->lw, 1);
    dhcp6_enable_stateless(&f->lw);
    if (c->has6) {
        lw_addr6(&a6, &c->addr6, f);
        netif_add_ip6_address(&f->lw, &a6, NULL);
    }
    if (c->has4)
        start_v4(f);
    else if (c->dhcp && dhcp_start(&f->lw) != ERR_OK)
        kprintf("gort: %s: its MTU of %u is too small for DHCP\n", f->ifp->dev->name, f->lw.mtu);
}

const struct ip6_addr *netctl_gateway6(const struct lwip_netif *lw)
{
    static ip6_addr_t gw;       /* [netctl_lock] */
    const struct iface *f = lw->state;

    if (!f->config.has6 || addr_any(&f->config.gw6))
        return NULL;
    lw_addr6(&gw, &f->config.gw6, f);
    return &gw;
}

/* ---- what the user is told ------------------------------------------------------------------ */

/* Another host claims an address of this one. */
void address_conflict(struct iface *f, const uint8_t *arp)
{
    struct net_addr sender = addr_v4(arp + 14);
    int64_t now = net_now_ns();
    char text[48];

    if (!__builtin_memcmp(arp + 8, f->lw.hwaddr, 6) || ip4_addr_isany(netif_ip4_addr(&f->lw)) ||
        __builtin_memcmp(arp + 14, &netif_ip4_addr(&f->lw)->addr, 4))
        return;
    if (f->last_conflict && now - f->last_conflict < CONFLICT_S * 1000000000ll)
        return;
    f->last_conflict = now;
    kprintf("gort: %s: %s is already used by %02x:%02x:%02x:%02x:%02x:%02x: give this machine "
            "another address (-ip)\n", f->ifp->dev->name, netctl_addr_print(&sender, text),
            arp[8], arp[9], arp[10], arp[11], arp[12], arp[13]);
}

static void duplicate6(struct iface *f, int i)
{
    struct net_addr a = publish_addr6(netif_ip6_addr(&f->lw, i));
    char text[48];

    netif_ip6_addr_set_state(&f->lw, i, IP6_ADDR_INVALID);
    kprintf("gort: %s: %s is already used by another machine: this machine does not use it%s\n",
            f->ifp->dev->name, netctl_addr_print(&a, text),
            f->config.has6 && addr_equal(&a, &f->config.addr6) ? " (-ip gives another)" : "");
}

void address_tick(struct iface *f, int64_t now)
{
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (ip6_addr_isduplicated(netif_ip6_addr_state(&f->lw, i)))
            duplicate6(f, i);
    if (!f->config.dhcp || f->said_silent || now - f->started < NETCTL_PATIENCE ||
        !ip4_addr_isany(netif_ip4_addr(&f->lw)))
        return;
    f->said_silent = true;
    if (!netif_is_link_up(&f->lw))
        kprintf("gort: %s: no link: is its cable plugged in?\n", f->ifp->dev->name);
    else
        kprintf("gort: %s: no DHCP server has answered for %d s; requests go on. -ip "
                "ADDR/LEN,gw=ADDR sets an address without one\n", f->ifp->dev->name,
                (int)(NETCTL_PATIENCE / 1000000000ll));
}

void address_news(struct iface *f)
{
    char text[48];

    for (unsigned i = 0; i < f->naddrs; i++) {
        const struct netif_addr *a = &f->addrs[i];
        unsigned prefix = addr_is_v4(&a->addr) ? a->prefix - 96u : a->prefix;
        if (f->said_silent && addr_is_v4(&a->addr)) {
            kprintf("gort: %s: its address is %s/%u\n", f->ifp->dev->name,
                    netctl_addr_print(&a->addr, text), prefix);
            f->said_silent = false;
        } else if (!a->tentative) {
            boot_log("%s: %s/%u", f->ifp->dev->name, netctl_addr_print(&a->addr, text), prefix);
        }
    }
}
