/* static.c - the least of a control plane: the address that QEMU's user network gives its guest,
 * neighbours by ARP. For one interface. */
#include <string.h>
#include "gort/net/ip.h"
#include "gort/wire/private.h"
#include "kernel/lock.h"

enum { ETH_ARP = 0x0806, ARP_LEN = 28, WAITING = 16 };

static struct lock lock_ = LOCK_INIT("arp", RANK_UDP);
static struct waiting { struct pkt *pkt; struct net_addr hop; struct netif *ifp; } waiting[WAITING];

static struct net_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    const uint8_t x[4] = {a, b, c, d};

    return addr_v4(x);
}

static struct net_addr own(void) { return v4(10, 0, 2, 15); }

static void arp_send(struct netif *ifp, unsigned op, const uint8_t *to_mac,
                     const struct net_addr *to)
{
    struct pkt *p = pkt_alloc(PKT_SMALL);
    struct net_addr me = own();

    if (!p)
        return;
    uint8_t *h = p->data;
    memset(h, 0, 60);
    memset(h, 0xff, 6);
    if (to_mac)
        memcpy(h, to_mac, 6);
    memcpy(h + 6, ifp->dev->mac, 6);
    put16(h + 12, ETH_ARP);
    h += LINK_HDR;
    put16(h, 1);
    put16(h + 2, 0x0800);
    h[4] = 6;
    h[5] = 4;
    put16(h + 6, (uint16_t)op);
    memcpy(h + 8, ifp->dev->mac, 6);
    memcpy(h + 14, me.b + 12, 4);
    if (to_mac)
        memcpy(h + 18, to_mac, 6);
    memcpy(h + 24, to->b + 12, 4);
    p->len = 60;
    net_transmit(ifp, p);
}

static void send_to(struct netif *ifp, const uint8_t *mac, struct pkt *p)
{
    p->data -= LINK_HDR;
    p->len += LINK_HDR;
    memcpy(p->data, mac, 6);
    memcpy(p->data + 6, ifp->dev->mac, 6);
    put16(p->data + 12, p->data[14] >> 4 == 4 ? ETH_IPV4 : ETH_IPV6);
    net_transmit(ifp, p);
}

static void known(struct netif *ifp, const struct net_addr *a, const uint8_t *mac)
{
    net_neighbour_set(ifp->index, a, mac);
    lock(&lock_);
    for (unsigned i = 0; i < WAITING; i++)
        if (waiting[i].pkt && addr_equal(&waiting[i].hop, a)) {
            send_to(ifp, mac, waiting[i].pkt);
            waiting[i].pkt = NULL;
        }
    unlock(&lock_);
}

static void input(struct netif *ifp, struct pkt *p)
{
    const uint8_t *h = p->data + LINK_HDR;
    struct net_addr me = own();

    if (get16(p->data + 12) == ETH_ARP && p->len >= LINK_HDR + ARP_LEN &&
        !memcmp(h + 24, me.b + 12, 4)) {
        struct net_addr from = addr_v4(h + 14);
        known(ifp, &from, h + 8);
        if (get16(h + 6) == 1)
            arp_send(ifp, 2, h + 8, &from);
    }
    pkt_free(p);
}

static void resolve(struct netif *ifp, const struct net_addr *hop, struct pkt *p)
{
    static unsigned next;

    lock(&lock_);
    struct waiting *w = &waiting[next++ % WAITING];
    if (w->pkt)
        pkt_free(w->pkt);
    *w = (struct waiting){p, *hop, ifp};
    unlock(&lock_);
    if (addr_is_v4(hop))
        arp_send(ifp, 1, NULL, hop);
}

static void unreachable(struct netif *ifp, struct pkt *p)
{
    (void)ifp;
    pkt_free(p);
}

static void reachable(struct netif *ifp, const struct net_addr *hop) { (void)ifp, (void)hop; }

static void init(void)
{
    static const struct net_control control = {input, resolve, unreachable, reachable};

    net_control_set(&control);
}

static void start(struct netif *ifp)
{
    struct net_addr me = own(), net = v4(10, 0, 2, 0), any = v4(0, 0, 0, 0);

    netif_addr_set(ifp, &me, 120, false);
    net_route_add(&(struct net_route){.dst = net, .prefix = 120, .ifindex = ifp->index});
    net_route_add(&(struct net_route){.dst = any, .prefix = 96, .gateway = v4(10, 0, 2, 2),
                                      .ifindex = ifp->index});
}

static void link(struct netif *ifp, bool up) { (void)ifp, (void)up; }
static bool settled(void) { return true; }

const struct wire_control wire_static = {init, start, link, settled};
