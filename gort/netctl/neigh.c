/* neigh.c - neighbours: lwIP resolves them, gort/net keeps a copy that its paths read.
 *
 * TCP and UDP do not send through lwIP, so it cannot see which neighbours are in use. Once a second
 * each neighbour in use (net_neighbour_used) that has been silent for a while is probed; one that
 * does not answer is removed. Packets that wait for it get "host unreachable", as from a router. */
#include <string.h>
#include "gort/netctl/private.h"

#define SECOND 1000000000ll
enum { FRESH_S = 30, RELEARN_S = 240, IN_USE_S = 5, ASKS = 3, FAIL_S = 3 };
enum { WAITING = 32, HEAD = 60 + 8, ND_SLOTS = LWIP_ND6_NUM_NEIGHBORS };

/* For each entry of lwIP's table, by its index: what was written to gort/net. [netctl_lock] */
static struct slot {
    struct net_addr addr;
    unsigned ifindex;               /* 0: nothing */
    int64_t learned, confirmed;     /* ns: by ARP; also by TCP's progress */
    uint8_t asked;
    bool dead;                      /* did not answer: not in gort/net, though lwIP keeps it */
} arp_slots[ARP_TABLE_SIZE], nd_slots[ND_SLOTS];

/* Packets that wait for a neighbour: the bytes that an ICMP error quotes are kept. [netctl_lock] */
static struct wait {
    struct net_addr next_hop;
    unsigned ifindex;               /* 0: unused */
    int64_t since;
    uint8_t n, head[HEAD];
} waits[WAITING];
static unsigned next_wait;

/* ---- lwIP's tables -------------------------------------------------------------------------- */

/* The link address of lwIP's ARP entry i; NULL: it has none. */
static const uint8_t *arp_entry(unsigned i, struct net_addr *a, unsigned *ifindex)
{
    struct lwip_netif *lw;
    struct eth_addr *mac;
    ip4_addr_t *ip;

    if (!etharp_get_entry(i, &ip, &lw, &mac))
        return NULL;
    *a = publish_addr4(ip);
    *ifindex = ((struct iface *)lw->state)->ifp->index;
    return mac->addr;
}

static const uint8_t *nd_entry(unsigned i, struct net_addr *a, unsigned *ifindex)
{
    const struct nd6_neighbor_cache_entry *e = &neighbor_cache[i];

    if (e->state < ND6_REACHABLE)
        return NULL;
    *a = publish_addr6(&e->next_hop_address);
    *ifindex = ((struct iface *)e->lwip_netif->state)->ifp->index;
    return e->lladdr;
}

typedef const uint8_t *entry_fn(unsigned i, struct net_addr *a, unsigned *ifindex);

static void waits_end(const struct net_addr *a, unsigned ifindex)
{
    for (unsigned i = 0; i < WAITING; i++)
        if (waits[i].ifindex == ifindex && addr_equal(&waits[i].next_hop, a))
            waits[i].ifindex = 0;
}

/* Removals come first, additions afterwards: an address may have moved to another entry. */
static void publish_gone(struct slot *slots, unsigned n, entry_fn *entry)
{
    struct net_addr a;
    unsigned ifindex;

    for (unsigned i = 0; i < n; i++) {
        struct slot *s = &slots[i];
        if (!s->ifindex || (entry(i, &a, &ifindex) && ifindex == s->ifindex &&
                            addr_equal(&a, &s->addr)))
            continue;
        if (!s->dead)
            net_neighbour_set(s->ifindex, &s->addr, NULL);
        s->ifindex = 0;
    }
}

static void publish_there(struct slot *slots, unsigned n, entry_fn *entry)
{
    int64_t now = net_now_ns();
    struct net_addr a;
    unsigned ifindex;

    for (unsigned i = 0; i < n; i++) {
        struct slot *s = &slots[i];
        const uint8_t *mac = entry(i, &a, &ifindex);
        if (!mac)
            continue;
        if (!s->ifindex)
            *s = (struct slot){a, ifindex, now, now, 0, false};
        if (s->dead)
            continue;
        net_neighbour_set(ifindex, &a, mac);
        waits_end(&a, ifindex);
    }
}

void neigh_publish(void)
{
    publish_gone(arp_slots, ARP_TABLE_SIZE, arp_entry);
    publish_gone(nd_slots, ND_SLOTS, nd_entry);
    publish_there(arp_slots, ARP_TABLE_SIZE, arp_entry);
    publish_there(nd_slots, ND_SLOTS, nd_entry);
}

/* ---- are they still there? ------------------------------------------------------------------- */

static struct slot *find_slot(struct slot *slots, unsigned n, unsigned ifindex,
                              const struct net_addr *a)
{
    for (unsigned i = 0; i < n; i++)
        if (slots[i].ifindex == ifindex && addr_equal(&slots[i].addr, a))
            return &slots[i];
    return NULL;
}

void neigh_seen(const struct iface *f, const uint8_t *arp)
{
    struct net_addr sender = addr_v4(arp + 14);
    struct slot *s = find_slot(arp_slots, ARP_TABLE_SIZE, f->ifp->index, &sender);

    if (!s)
        return;
    s->learned = s->confirmed = net_now_ns();
    s->asked = 0;
    s->dead = false;
}

void neigh_reachable(struct iface *f, const struct net_addr *a)
{
    struct slot *s = addr_is_v4(a) ? find_slot(arp_slots, ARP_TABLE_SIZE, f->ifp->index, a)
                                   : find_slot(nd_slots, ND_SLOTS, f->ifp->index, a);

    if (!s)
        return;
    s->confirmed = net_now_ns();
    if (addr_is_v4(a))
        return;
    struct nd6_neighbor_cache_entry *e = &neighbor_cache[s - nd_slots];
    if (e->state >= ND6_REACHABLE) {
        e->state = ND6_REACHABLE;
        e->counter.reachable_time = reachable_time;
    }
}

static void ask_arp(struct slot *s, int64_t now)
{
    bool quiet = now - s->confirmed > FRESH_S * SECOND, old = now - s->learned > RELEARN_S * SECOND;
    struct iface *f = iface_of(netif_get(s->ifindex));
    ip4_addr_t a;

    if (s->dead || !(quiet || old) ||
        now - net_neighbour_used(s->ifindex, &s->addr) > IN_USE_S * SECOND)
        return;
    if (s->asked >= ASKS && quiet) {
        s->dead = true;
        net_neighbour_set(s->ifindex, &s->addr, NULL);
        return;
    }
    if (s->asked < ASKS)
        s->asked++;
    lw_addr4(&a, &s->addr);
    etharp_request(&f->lw, &a);
}

/* Makes lwIP probe a stale neighbour that is in use (RFC 4861, 7.3.3). */
static void ask_nd(unsigned i, int64_t now)
{
    struct nd6_neighbor_cache_entry *e = &neighbor_cache[i];

    if (e->state != ND6_STALE || !nd_slots[i].ifindex ||
        now - net_neighbour_used(nd_slots[i].ifindex, &nd_slots[i].addr) > IN_USE_S * SECOND)
        return;
    e->state = ND6_DELAY;
    e->counter.delay_time = LWIP_ND6_DELAY_FIRST_PROBE_TIME / ND6_TMR_INTERVAL;
}

/* ---- who waits ------------------------------------------------------------------------------- */

static void wait_note(unsigned ifindex, const struct net_addr *next_hop, const struct pkt *ip)
{
    struct wait *w = &waits[next_wait++ % WAITING];
    size_t n = pkt_length(ip);

    *w = (struct wait){.next_hop = *next_hop, .ifindex = ifindex, .since = net_now_ns()};
    w->n = (uint8_t)(n < HEAD ? n : HEAD);
    pkt_copy_out(ip, 0, w->head, w->n);
}

/* Sends the error that a router would: ICMP 3/1 (host) or ICMPv6 1/3 (address unreachable). */
static void wait_fail(struct wait *w)
{
    bool v6 = w->head[0] >> 4 == 6;
    struct pkt *p = pkt_alloc(PKT_SMALL);

    if (p) {
        memset(p->data, 0, 8);
        p->data[0] = v6 ? 1 : 3;
        p->data[1] = v6 ? 3 : 1;
        memcpy(p->data + 8, w->head, w->n);
        p->len = 8u + w->n;
        frames_put_off(v6 ? ERROR6 : ERROR4, netif_get(w->ifindex), p);
    }
    w->ifindex = 0;
}

void neigh_tick(int64_t now)
{
    for (unsigned i = 0; i < ARP_TABLE_SIZE; i++)
        if (arp_slots[i].ifindex)
            ask_arp(&arp_slots[i], now);
    for (unsigned i = 0; i < ND_SLOTS; i++)
        ask_nd(i, now);
    for (unsigned i = 0; i < WAITING; i++)
        if (waits[i].ifindex && now - waits[i].since >= FAIL_S * SECOND)
            wait_fail(&waits[i]);
}

/* p has its payload at the IP header. */
static void send_v6(struct iface *f, const struct net_addr *next_hop, struct pbuf *p)
{
    const u8_t *mac = NULL;
    ip6_addr_t a;

    lw_addr6(&a, next_hop, f);
    if (nd6_get_next_hop_addr_or_queue(&f->lw, p, &a, &mac) == ERR_OK && mac)
        ethernet_output(&f->lw, p, (const struct eth_addr *)f->lw.hwaddr,
                        (const struct eth_addr *)mac, ETHTYPE_IPV6);
}

static void send_v4(struct iface *f, const struct net_addr *next_hop, struct pbuf *p)
{
    const struct slot *s = find_slot(arp_slots, ARP_TABLE_SIZE, f->ifp->index, next_hop);
    ip4_addr_t a;

    lw_addr4(&a, next_hop);
    if (s && s->dead)   /* lwIP would send it to the neighbour that is gone */
        etharp_request(&f->lw, &a);
    else
        etharp_query(&f->lw, &a, p);
}

/* A packet that the device would split into segments is not queued: TCP retransmits it. */
void neigh_resolve(struct iface *f, const struct net_addr *next_hop, struct pkt *pkt)
{
    struct pbuf *p = NULL;

    wait_note(f->ifp->index, next_hop, pkt);
    pkt->data -= LINK_HDR;      /* offsets of sums count from there; lwIP writes the header */
    pkt->len += LINK_HDR;
    memset(pkt->data, 0, LINK_HDR);
    if (!pkt->gso_type && (!(pkt->flags & PKT_CSUM_PARTIAL) || pkt_csum_complete(pkt)))
        p = frames_pbuf(pkt, ETH_PAD_SIZE);
    pkt_free(pkt);
    if (!p)
        p = pbuf_alloc(PBUF_RAW, SIZEOF_ETH_HDR, PBUF_RAM); /* so that the question goes out */
    if (!p)
        return;
    bool whole = p->tot_len > SIZEOF_ETH_HDR;
    pbuf_remove_header(p, SIZEOF_ETH_HDR);
    if (addr_is_v4(next_hop) && whole) {
        send_v4(f, next_hop, p);
    } else if (addr_is_v4(next_hop)) {
        ip4_addr_t a;
        lw_addr4(&a, next_hop);
        etharp_query(&f->lw, &a, NULL);
    } else if (whole) {
        send_v6(f, next_hop, p);
    }
    pbuf_free(p);
}

void neigh_init(void)
{
    memset(arp_slots, 0, sizeof arp_slots);
    memset(nd_slots, 0, sizeof nd_slots);
    memset(waits, 0, sizeof waits);
}
