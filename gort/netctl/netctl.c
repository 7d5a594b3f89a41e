/* netctl.c - the lock, lwIP's timers, and the functions that gort/net calls (netctl.h). */
#include <string.h>
#include "kernel/check.h"
#include "kernel/print.h"
#include "gort/netctl/private.h"

struct lock netctl_lock;
struct iface netctl_ifaces[NETIF_MAX];
#ifndef GORT_HOST_TEST
void *netctl_heap;
#endif
void (*netctl_changed)(void);
void (*netctl_icmp_seen)(struct netif *ifp, bool v6, const struct pkt *pkt);
static bool change_noted;               /* [netctl_lock] */
static bool lwip_up;                    /* [netctl_lock] its heap is there */

/* ---- timers ------------------------------------------------------------------------------ */

enum { SLOW_MS = 1000, HALF_MS = 500, FAST_MS = 100 };

static struct timer { void (*fn)(void); uint32_t period, spent; } timers[] = { /* ms */
    {etharp_tmr, ARP_TMR_INTERVAL, 0}, {ip_reass_tmr, IP_TMR_INTERVAL, 0},
    {dhcp_coarse_tmr, DHCP_COARSE_TIMER_MSECS, 0}, {dhcp_fine_tmr, DHCP_FINE_TIMER_MSECS, 0},
    {igmp_tmr, IGMP_TMR_INTERVAL, 0}, {nd6_tmr, ND6_TMR_INTERVAL, 0},
    {ip6_reass_tmr, IP6_REASS_TMR_INTERVAL, 0}, {mld6_tmr, MLD6_TMR_INTERVAL, 0},
    {dhcp6_tmr, DHCP6_TIMER_MSECS, 0},
};
static struct net_timer tick;           /* [netctl_lock] */
static int64_t ticked;                  /* [netctl_lock] ns: timers have run up to here */

static bool dhcp_is(const struct iface *f, dhcp_state_enum_t state)
{
    const struct dhcp *d = f->ifp ? netif_dhcp_data(&f->lw) : NULL;

    return d && d->state == state;
}

static bool groups_wait(const struct iface *f)
{
    for (struct igmp_group *g = netif_igmp_data(&f->lw); g; g = g->next)
        if (g->timer)
            return true;
    for (struct mld_group *g = netif_mld6_data(&f->lw); g; g = g->next)
        if (g->timer)
            return true;
    return false;
}

/* The tick's period in ms: short while group reports or answers of a server are due. */
static uint32_t period(void)
{
    uint32_t ms = SLOW_MS;

    for (unsigned i = 0; i < NETIF_MAX; i++) {
        const struct iface *f = &netctl_ifaces[i];
        if (!f->ifp)
            continue;
        const struct dhcp *d = netif_dhcp_data(&f->lw);
        if (groups_wait(f) || dhcp_is(f, DHCP_STATE_CHECKING))
            return FAST_MS;
        if (d && d->request_timeout)
            ms = HALF_MS;
    }
    return ms;
}

/* lwIP probes an address from DHCP with two ARP requests and waits 0.5 s for each. An answer takes
 * a millisecond on a link, and the program waits for the address, so both waits are shortened. */
static void hurry(uint32_t ms)
{
    for (unsigned i = 0; i < NETIF_MAX; i++)
        if (dhcp_is(&netctl_ifaces[i], DHCP_STATE_CHECKING)) {
            timers[3].spent = ms >= FAST_MS ? timers[3].period : 0;
            return;
        }
}

static void run_timers(int64_t now)
{
    uint64_t ms = (uint64_t)(now - ticked) / 1000000;

    ticked += (int64_t)ms * 1000000;
    if (ms > 60000)
        ms = 60000;     /* the machine stood still: lwIP's clocks may be late */
    hurry((uint32_t)ms);
    for (unsigned i = 0; i < sizeof timers / sizeof timers[0]; i++) {
        struct timer *t = &timers[i];
        for (t->spent += (uint32_t)ms; t->spent >= t->period; t->spent -= t->period)
            t->fn();
    }
}

/* ---- brackets ------------------------------------------------------------------------------- */

/* Everything that touches lwIP runs between enter and leave; leave arms the timer. */
static void enter(void)
{
    lock(&netctl_lock);
}

static void leave(void)
{
    int64_t due = ticked + (int64_t)period() * 1000000;

    if (lwip_up && (!tick.armed || due / 1000000 < tick.due))
        wheel_start(&tick, due);
    unlock(&netctl_lock);
}

void netctl_note_change(void)
{
    change_noted = true;
}

static void deliver(struct pkt *p)
{
    struct netif *ifp = (struct netif *)(uintptr_t)p->user[0];

    switch ((enum put_off)p->user[1]) {
    case WHOLE:
        net_input_ip(ifp, p);
        return;
    case ERROR4: case ERROR6:
        net_icmp_error(p->user[1] == ERROR6, p);
        break;
    case SEEN4: case SEEN6:
        netctl_icmp_seen(ifp, p->user[1] == SEEN6, p);
        break;
    }
    pkt_free(p);
}

/* Does what was put off while the lock was held. Called without locks. */
static void deliver_put_off(void)
{
    lock(&netctl_lock);
    struct pkt *list = frames_put_off_take();
    bool change = change_noted | dns_take_change();
    change_noted = false;
    unlock(&netctl_lock);

    while (list) {
        struct pkt *p = list;
        list = p->link;
        p->link = NULL;
        deliver(p);
    }
    if (change && netctl_changed)
        netctl_changed();
}

/* ---- the tick ------------------------------------------------------------------------------ */

static void fire(struct net_timer *t)
{
    int64_t now = net_now_ns();

    (void)t;
    enter();
    run_timers(now);
    neigh_tick(now);
    for (unsigned i = 0; i < NETIF_MAX; i++)
        if (netctl_ifaces[i].ifp) {
            publish_addresses(&netctl_ifaces[i]);
            address_tick(&netctl_ifaces[i], now);
        }
    neigh_publish();
    leave();
    deliver_put_off();
}

/* ---- what gort/net calls -------------------------------------------------------------------- */

static void input(struct netif *ifp, struct pkt *pkt)
{
    enum frame_kind kind = check_frame(pkt->data, pkt->len);
    struct iface *f = iface_of(ifp);

    if (kind == FRAME_DROP || pkt->gso_type ||
        (pkt->flags & PKT_CSUM_PARTIAL && !pkt_csum_complete(pkt))) {
        pkt_free(pkt);
        return;
    }
    enter();
    if (!f->ifp) {
        pkt_free(pkt);
        unlock(&netctl_lock);
        return;
    }
    netctl_frame = (struct frame_context){f, kind};
    if (kind == FRAME_ARP) {
        address_conflict(f, pkt->data + LINK_HDR);
        neigh_seen(f, pkt->data + LINK_HDR);
    }
    frames_input(f, pkt);
    if (kind == FRAME_ND || kind == FRAME_DHCP)
        publish_addresses(f);
    if (kind == FRAME_ND || kind == FRAME_ARP)
        neigh_publish();
    netctl_frame.in = NULL;
    leave();
    deliver_put_off();
}

static void resolve(struct netif *ifp, const struct net_addr *next_hop, struct pkt *pkt)
{
    struct iface *f = iface_of(ifp);

    enter();
    if (f->ifp)
        neigh_resolve(f, next_hop, pkt);
    else
        pkt_free(pkt);
    leave();
}

/* When the address is configured already, DHCP's answers reach UDP, which has no socket for
 * them. */
static bool is_dhcp(const struct pkt *pkt)
{
    const uint8_t *h = pkt->data;
    bool v6 = h[0] >> 4 == 6;
    size_t hdr = v6 ? IPV6_HDR : (h[0] & 15u) * 4u;

    return pkt->len >= hdr + 8 && get16(h + hdr + 2) == (v6 ? DHCP6_PORT : DHCP_PORT);
}

static void unreachable(struct netif *ifp, struct pkt *pkt)
{
    struct iface *f = iface_of(ifp);

    if (!is_dhcp(pkt)) {
        net_send_unreachable(ifp, pkt);
        return;
    }
    enter();
    netctl_frame = (struct frame_context){f, FRAME_DHCP};
    if (f->ifp) {
        frames_input_ip(f, pkt);
        publish_addresses(f);
    } else {
        pkt_free(pkt);
    }
    netctl_frame.in = NULL;
    leave();
    deliver_put_off();
}

static void reachable(struct netif *ifp, const struct net_addr *next_hop)
{
    enter();
    if (iface_of(ifp)->ifp)
        neigh_reachable(iface_of(ifp), next_hop);
    leave();
}

/* ---- start, link, groups --------------------------------------------------------------------- */

static err_t lw_init(struct lwip_netif *lw)
{
    struct iface *f = lw->state;

    lw->name[0] = 'e';
    lw->name[1] = 't';
    lw->hostname = "gort";
    lw->output = etharp_output;
    lw->output_ip6 = ethip6_output;
    lw->linkoutput = frames_output;
    lw->mtu = (u16_t)(f->ifp->mtu < 65535 ? f->ifp->mtu : 65535);
    lw->hwaddr_len = 6;
    memcpy(lw->hwaddr, f->ifp->dev->mac, 6);
    lw->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP |
                NETIF_FLAG_MLD6;
    return ERR_OK;
}

/* Starts lwIP once. False: there is no memory for its heap. */
static bool lwip_start(void)
{
    if (lwip_up)
        return true;
#ifndef GORT_HOST_TEST
    netctl_heap = netctl_memory(NETCTL_HEAP + 64);
    if (!netctl_heap)
        return false;
#endif
    lwip_init();
    frames_listen();
    tick.fire = fire;
    ticked = net_now_ns();
    lwip_up = true;
    return true;
}

void netctl_start(struct netif *ifp, const char *text)
{
    struct iface *f = iface_of(ifp);
    struct netctl_config config;
    const char *bad = netctl_config_parse(text, &config);

    if (bad) {
        kprintf("gort: ip=%s: %s; the address comes by DHCP\n", text, bad);
        netctl_config_parse("dhcp", &config);
    }
    enter();
    if (!lwip_start()) {
        leave();
        kprintf("gort: %s: no memory for its addresses; give the machine more (-m)\n",
                ifp->dev->name);
        return;
    }
    f->ifp = ifp;
    f->config = config;
    f->started = net_now_ns();
    lwip_netif_add(&f->lw, NULL, NULL, NULL, f, lw_init, ethernet_input);
    if (__atomic_load_n(&ifp->dev->up, __ATOMIC_RELAXED))
        netif_set_link_up(&f->lw);
    netif_set_up(&f->lw);
    address_start(f);
    publish_addresses(f);
    leave();
    deliver_put_off();
}

void netctl_link(struct netif *ifp, bool up)
{
    struct iface *f = iface_of(ifp);

    enter();
    if (f->ifp) {
        if (up)
            netif_set_link_up(&f->lw);
        else
            netif_set_link_down(&f->lw);
        publish_addresses(f);
    }
    leave();
    deliver_put_off();
}

static bool settled(const struct iface *f, int64_t now)
{
    if (!f->ifp || !f->config.dhcp || now - f->started >= NETCTL_PATIENCE)
        return true;
    return !ip4_addr_isany_val(*netif_ip4_addr(&f->lw));
}

bool netctl_settled(void)
{
    int64_t now = net_now_ns();
    bool all = true;

    enter();
    for (unsigned i = 0; i < NETIF_MAX; i++)
        all &= settled(&netctl_ifaces[i], now);
    leave();
    return all;
}

void netctl_join(unsigned ifindex, const struct net_addr *group, bool join)
{
    struct netif *ifp = netif_get(ifindex);
    struct iface *f = ifp ? iface_of(ifp) : NULL;
    ip4_addr_t a4;
    ip6_addr_t a6;

    if (!f)
        return;
    enter();
    if (f->ifp && addr_is_v4(group)) {
        lw_addr4(&a4, group);
        (join ? igmp_joingroup_netif : igmp_leavegroup_netif)(&f->lw, &a4);
    } else if (f->ifp) {
        lw_addr6(&a6, group, f);
        (join ? mld6_joingroup_netif : mld6_leavegroup_netif)(&f->lw, &a6);
    }
    leave();
}

uint32_t netctl_random(void)
{
    uint32_t x;

    net_secret(&x, sizeof x);
    return x;
}

void netctl_init(void)
{
    static const struct net_control control = {input, resolve, unreachable, reachable};

    lock_init(&netctl_lock, "control plane", RANK_NETCTL);
    neigh_init();
    net_control_set(&control);
}
