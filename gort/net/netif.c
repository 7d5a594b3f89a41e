/* netif.c - interfaces and their addresses, statistics, and the rounds in which packets are
 * sent. */
#include "gort/net/errno.h"
#include "kernel/check.h"
#include "kernel/lock.h"
#include "gort/net/ip.h"
#include "gort/net/net.h"
#include "gort/net/platform.h"
#include "gort/net/wheel.h"

enum { TX_WAITING_MAX = 1024 };

static struct netif netifs[NETIF_MAX];
static unsigned nnetifs;                /* [atomic] grows after the entry is written */
static struct lock netif_lock;
const struct net_control *net_control;
struct net_stats_slot net_stats_cpu[NET_CPUS];

/* The packets that a CPU gathers in a round, all of one interface. */
static struct round {
    unsigned depth;
    struct netif *ifp;
    struct pkt *head, **tail;
} __attribute__((aligned(64))) rounds[NET_CPUS];

/* Packets for which a device queue had no room. */
static struct waiting {
    struct lock lock;
    struct pkt *head, **tail;           /* [lock] */
    unsigned n;                         /* [lock] */
} waiting[NETIF_MAX][NET_CPUS];

void net_stats_read(struct net_stats *sum)
{
    uint64_t *out = (uint64_t *)sum;

    __builtin_memset(sum, 0, sizeof *sum);
    for (unsigned c = 0; c < NET_CPUS; c++)
        for (size_t i = 0; i < sizeof *sum / 8; i++)
            out[i] += ((uint64_t *)&net_stats_cpu[c].s)[i];
}

/* ---- interfaces ------------------------------------------------------------------------- */

struct netif *netif_add(struct netdev *dev)
{
    struct netif *ifp = NULL;

    lock(&netif_lock);
    if (nnetifs < NETIF_MAX) {
        ifp = &netifs[nnetifs];
        *ifp = (struct netif){.dev = dev, .index = nnetifs + 2, .mtu = dev->mtu};
        __atomic_store_n(&nnetifs, nnetifs + 1, __ATOMIC_RELEASE);
    }
    unlock(&netif_lock);
    return ifp;
}

struct netif *netif_get(unsigned index)
{
    return index >= 2 && index - 2 < __atomic_load_n(&nnetifs, __ATOMIC_ACQUIRE) ?
        &netifs[index - 2] : NULL;
}

struct netif *netif_of(const struct netdev *dev)
{
    for (unsigned i = 0; i < __atomic_load_n(&nnetifs, __ATOMIC_ACQUIRE); i++)
        if (netifs[i].dev == dev)
            return &netifs[i];
    return NULL;
}

static void entry_write(struct netif_addr *e, const struct netif_addr *v)
{
    __atomic_store_n(&e->addr.d[0], v->addr.d[0], __ATOMIC_RELEASE);
    __atomic_store_n(&e->addr.d[1], v->addr.d[1], __ATOMIC_RELEASE);
    __atomic_store_n(&e->tentative, v->tentative, __ATOMIC_RELEASE);
    __atomic_store_n(&e->prefix, v->prefix, __ATOMIC_RELEASE);
}

/* Copies an entry. The copy is valid if addrs_seq, read again after this, has not changed. */
static struct netif_addr entry_read(const struct netif_addr *e)
{
    struct netif_addr v;

    v.addr.d[0] = __atomic_load_n(&e->addr.d[0], __ATOMIC_ACQUIRE);
    v.addr.d[1] = __atomic_load_n(&e->addr.d[1], __ATOMIC_ACQUIRE);
    v.tentative = __atomic_load_n(&e->tentative, __ATOMIC_ACQUIRE);
    v.prefix = __atomic_load_n(&e->prefix, __ATOMIC_ACQUIRE);
    return v;
}

static struct netif_addr *find(struct netif *ifp, const struct net_addr *a)
{
    for (unsigned i = 0; i < ifp->naddrs; i++)
        if (addr_equal(&ifp->addrs[i].addr, a))
            return &ifp->addrs[i];
    return NULL;
}

/* Called before and after a change of the addresses: readers retry while the number is odd. */
static void addrs_change(struct netif *ifp)
{
    __atomic_fetch_add(&ifp->addrs_seq, 1, __ATOMIC_SEQ_CST);
}

int netif_addr_set(struct netif *ifp, const struct net_addr *a, unsigned prefix, bool tentative)
{
    int err = 0;

    lock(&netif_lock);
    struct netif_addr *e = find(ifp, a);
    if (e || ifp->naddrs < NETIF_ADDRS) {
        addrs_change(ifp);
        bool more = !e;
        if (more)
            e = &ifp->addrs[ifp->naddrs];
        entry_write(e, &(struct netif_addr){*a, (uint8_t)prefix, tentative});
        if (more)
            __atomic_store_n(&ifp->naddrs, ifp->naddrs + 1, __ATOMIC_RELEASE);
        addrs_change(ifp);
    } else {
        err = -ENOSPC;
    }
    unlock(&netif_lock);
    __atomic_fetch_add(&net_generation, 1, __ATOMIC_RELEASE);
    return err;
}

int netif_addr_delete(struct netif *ifp, const struct net_addr *a)
{
    int err = -EADDRNOTAVAIL;

    lock(&netif_lock);
    struct netif_addr *e = find(ifp, a);
    if (e) {
        addrs_change(ifp);
        __atomic_store_n(&ifp->naddrs, ifp->naddrs - 1, __ATOMIC_RELEASE);
        entry_write(e, &ifp->addrs[ifp->naddrs]);
        addrs_change(ifp);
        err = 0;
    }
    unlock(&netif_lock);
    __atomic_fetch_add(&net_generation, 1, __ATOMIC_RELEASE);
    return err;
}

/* Compares field by field, in order: a change may be under way, which the seqlock finds out. */
static bool entry_is(const struct netif_addr *e, const struct net_addr *a)
{
    return __atomic_load_n(&e->addr.d[1], __ATOMIC_ACQUIRE) == a->d[1] &&
           __atomic_load_n(&e->addr.d[0], __ATOMIC_ACQUIRE) == a->d[0] &&
           !__atomic_load_n(&e->tentative, __ATOMIC_ACQUIRE);
}

static bool has_one(const struct netif *ifp, const struct net_addr *a)
{
    for (;;) {
        uint32_t seq = __atomic_load_n(&ifp->addrs_seq, __ATOMIC_ACQUIRE);
        unsigned n = __atomic_load_n(&ifp->naddrs, __ATOMIC_ACQUIRE);
        bool found = false;
        for (unsigned i = 0; i < n && i < NETIF_ADDRS && !found; i++)
            found = entry_is(&ifp->addrs[i], a);
        if (!(seq & 1) && __atomic_load_n(&ifp->addrs_seq, __ATOMIC_ACQUIRE) == seq)
            return found;
    }
}

unsigned netif_addr_list(const struct netif *ifp, struct netif_addr out[NETIF_ADDRS])
{
    for (;;) {
        uint32_t seq = __atomic_load_n(&ifp->addrs_seq, __ATOMIC_ACQUIRE);
        unsigned n = __atomic_load_n(&ifp->naddrs, __ATOMIC_ACQUIRE);
        if (n > NETIF_ADDRS)
            n = NETIF_ADDRS;
        for (unsigned i = 0; i < n; i++)
            out[i] = entry_read(&ifp->addrs[i]);
        if (!(seq & 1) && __atomic_load_n(&ifp->addrs_seq, __ATOMIC_RELAXED) == seq)
            return n;
    }
}

bool netif_has(const struct netif *ifp, const struct net_addr *a)
{
    if (ifp)
        return has_one(ifp, a);
    for (unsigned i = 0; i < __atomic_load_n(&nnetifs, __ATOMIC_ACQUIRE); i++)
        if (has_one(&netifs[i], a))
            return true;
    return false;
}

/* ---- packets out ------------------------------------------------------------------------ */

/* Keeps packets that the device's queue did not take, up to a bound; the rest is dropped. */
static void keep_waiting(struct waiting *w, struct pkt *list)
{
    lock(&w->lock);
    while (list && w->n < TX_WAITING_MAX) {
        struct pkt *p = list;
        list = p->link;
        p->link = NULL;
        *w->tail = p;
        w->tail = &p->link;
        w->n++;
    }
    unlock(&w->lock);
    for (struct pkt *p = list; p; p = p->link)
        NET_COUNT(out_no_room);
    pkt_free_list(list);
}

static void send_list(struct netif *ifp, struct pkt *list)
{
    unsigned queue = net_cpu() % ifp->dev->nqueues;
    struct waiting *w = &waiting[ifp->index - 2][queue];

    if (!__atomic_load_n(&w->n, __ATOMIC_RELAXED))
        list = ifp->dev->ops->transmit(ifp->dev, queue, list);
    if (list)
        keep_waiting(w, list);
}

static void has_room(void *arg, struct netdev *d, unsigned queue)
{
    struct netif *ifp = netif_of(d);

    (void)arg;
    if (!ifp)
        return;
    struct waiting *w = &waiting[ifp->index - 2][queue];
    lock(&w->lock);
    struct pkt *list = w->head;
    w->head = NULL;
    w->tail = &w->head;
    w->n = 0;
    unlock(&w->lock);
    if (list)
        list = d->ops->transmit(d, queue, list);
    if (list)
        keep_waiting(w, list);
}

static void flush(struct round *r)
{
    struct pkt *list = r->head;

    r->head = NULL;
    r->tail = &r->head;
    if (list)
        send_list(r->ifp, list);
}

void net_transmit(struct netif *ifp, struct pkt *pkt)
{
    struct round *r = &rounds[net_cpu()];

    NET_COUNT(out_packets);
    if (pkt->len >= LINK_HDR + IPV4_HDR && get16(pkt->data + 12) == ETH_IPV4)
        NET_ADD(out_octets, get16(pkt->data + LINK_HDR + 2));
    pkt->link = NULL;
    if (!r->depth) {
        send_list(ifp, pkt);
        return;
    }
    if (r->ifp != ifp)
        flush(r);
    r->ifp = ifp;
    *r->tail = pkt;
    r->tail = &pkt->link;
}

void net_round_begin(void)
{
    struct round *r = &rounds[net_cpu()];

    if (!r->depth++)
        r->tail = &r->head;
}

void net_round_end(void)
{
    struct round *r = &rounds[net_cpu()];

    if (r->depth == 1)
        flush(r);
    r->depth--;
}

const struct netdev_user *net_driver_user(void (*wake)(void *, struct netdev *, unsigned),
                                          void (*link)(void *, struct netdev *, bool))
{
    static struct netdev_user user;

    user = (struct netdev_user){net_input, wake, has_room, link};
    return &user;
}

/* ---- start ------------------------------------------------------------------------------ */

void net_control_set(const struct net_control *c)
{
    net_control = c;
}

void net_init(void)
{
    lock_init(&netif_lock, "interfaces", RANK_NET);
    for (unsigned i = 0; i < NETIF_MAX; i++)
        for (unsigned q = 0; q < NET_CPUS; q++) {
            lock_init(&waiting[i][q].lock, "packets that wait", RANK_NET_TX);
            waiting[i][q].tail = &waiting[i][q].head;
        }
    wheel_init();
    path_init();
    pmtu_init();
    udp_init();
    tcp_init();
}
