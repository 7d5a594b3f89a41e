/* tcp_port.c - local ports: bound ones and listeners by port, ephemeral ones per 4-tuple.
 *
 * Only sockets that called bind (or listen) are in this table. A connection that chose its port
 * itself is in the table of 4-tuples alone: the same port may serve any number of peers. */
#include "gort/net/errno.h"
#include "gort/net/private.h"

enum { BUCKETS = 1024, FIRST = 32768, LAST = 60999, N = LAST - FIRST + 1, COUNTERS = 256 };

static struct bucket {
    struct lock lock;
    struct tcp_conn *head;
} buckets[BUCKETS];
static uint32_t counters[COUNTERS];     /* [atomic] RFC 6056, algorithm 4's table, hashed */
static uint32_t any_port;               /* [atomic] where bind to port 0 goes on */

void tcp_port_init(void)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        lock_init(&buckets[i].lock, "TCP ports", RANK_TCP_PORT);
    net_secret(counters, sizeof counters);
    net_secret(&any_port, sizeof any_port);
}

static struct bucket *bucket(uint16_t port) { return &buckets[port % BUCKETS]; }

/* ---- bind -------------------------------------------------------------------------------- */

/* Would a, bound to that address, accept connections that b accepts? A dual stack's :: has IPv4
 * too. */
static bool overlap(const struct tcp_conn *a, const struct net_addr *addr, const struct tcp_conn *b)
{
    const struct net_addr *baddr = &b->ent.key.laddr;
    bool any_a = addr_any(addr), any_b = addr_any(baddr);
    bool v4_a = a->v4 || (!any_a && addr_is_v4(addr));
    bool v4_b = b->v4 || (!any_b && addr_is_v4(baddr));

    if ((v4_a && !v4_b && (b->v6only || !any_b)) || (v4_b && !v4_a && (a->v6only || !any_a)))
        return false;
    if (a->ifindex && b->ifindex && a->ifindex != b->ifindex)
        return false;
    if (any_a && any_b)
        return true;
    if (any_a)
        return v4_b ? v4_a || !a->v6only : !v4_a;
    if (any_b)
        return v4_a ? v4_b || !b->v6only : !v4_b;
    return addr_equal(addr, baddr);
}

/* As on Linux: two sockets with REUSEADDR share a port unless one of them listens. */
static bool shares(const struct tcp_conn *a, const struct tcp_conn *b)
{
    return (a->reuse_addr && b->reuse_addr && tcp_state(b) != TCP_LISTEN) ||
           (a->reuse_port && b->reuse_port);
}

static bool bind_one(struct tcp_conn *c, const struct net_addr *a, uint16_t port, bool alone)
{
    struct bucket *b = bucket(port);
    bool free = true;

    lock(&b->lock);
    for (struct tcp_conn *o = b->head; o && free; o = o->bind_next)
        free = o->ent.key.lport != port || !overlap(c, a, o) || (!alone && shares(c, o));
    if (free) {
        c->ent.key.laddr = *a;
        c->ent.key.lport = port;
        c->bound = true;
        c->bind_next = b->head;
        b->head = c;
    }
    unlock(&b->lock);
    return free;
}

int tcp_port_bind(struct tcp_conn *c, const struct net_addr *a, uint16_t port)
{
    if (port) {
        c->explicit_port = true;
        return bind_one(c, a, port, false) ? 0 : -EADDRINUSE;
    }
    uint32_t start = __atomic_add_fetch(&any_port, 7919, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < N; i++)
        if (bind_one(c, a, (uint16_t)(FIRST + (start + i) % N), true))
            return 0;
    return -EADDRINUSE;
}

void tcp_port_release(struct tcp_conn *c)
{
    if (!c->bound)
        return;
    struct bucket *b = bucket(c->ent.key.lport);
    lock(&b->lock);
    struct tcp_conn **p = &b->head;
    while (*p != c)
        p = &(*p)->bind_next;
    *p = c->bind_next;
    c->bound = false;
    unlock(&b->lock);
}

/* ---- listeners --------------------------------------------------------------------------- */

int tcp_port_listen(struct tcp_conn *c)
{
    struct bucket *b = bucket(c->ent.key.lport);
    bool free = true;

    lock(&b->lock);
    for (struct tcp_conn *o = b->head; o && free; o = o->bind_next)
        free = o == c || tcp_state(o) != TCP_LISTEN || o->ent.key.lport != c->ent.key.lport ||
               !overlap(c, &c->ent.key.laddr, o) || (c->reuse_port && o->reuse_port);
    if (free)
        tcp_set_state(c, TCP_LISTEN);
    unlock(&b->lock);
    return free ? 0 : -EADDRINUSE;
}

static unsigned score(const struct tcp_conn *l, const struct ip_rx *ip, uint16_t port)
{
    const struct tcp_key *k = &l->ent.key;
    bool v4 = addr_is_v4(&ip->dst), any = addr_any(&k->laddr);

    if (tcp_state(l) != TCP_LISTEN || k->lport != port || (v4 ? l->v6only : l->v4))
        return 0;
    if ((!any && !addr_equal(&k->laddr, &ip->dst)) ||
        (l->ifindex && l->ifindex != ip->ifp->index))
        return 0;
    return 1 + (any ? 0 : 4) + (l->ifindex ? 2 : 0) + (l->v4 == v4);
}

struct tcp_conn *tcp_port_listener(const struct ip_rx *ip, uint16_t port, uint16_t sport)
{
    struct bucket *b = bucket(port);
    struct tcp_conn *best = NULL;
    unsigned best_score = 0, same = 0;
    uint32_t flow = (uint32_t)(ip->src.d[1] >> 32) * 0x9e3779b1u ^ sport * 0x85ebca6bu;

    if (!__atomic_load_n(&b->head, __ATOMIC_RELAXED))
        return NULL;
    lock(&b->lock);
    for (struct tcp_conn *l = b->head; l; l = l->bind_next) {
        unsigned n = score(l, ip, port);
        if (n > best_score) {
            best = l;
            best_score = n;
            same = 1;
        } else if (n && n == best_score && l->reuse_port) {
            flow = flow * 1664525u + 1013904223u;
            if ((flow >> 16) % ++same == 0)
                best = l;
        }
    }
    if (best)
        tcp_get_ref(best);
    unlock(&b->lock);
    return best;
}

/* ---- connect ----------------------------------------------------------------------------- */

/* Puts a connection into the table of 4-tuples, if need be in the place of a TIME-WAIT record. */
static bool enter(struct tcp_conn *c)
{
    struct tcp_ent *old = NULL;
    uint32_t isn = 0;

    if (tcp_hash_insert(&c->ent, &old)) {
        c->iss = tcp_isn(&c->ent.key);
        return true;
    }
    bool ok = old->kind == TCP_KIND_TW && tcp_tw_reusable((struct tcp_tw *)old, &isn) &&
              tcp_hash_replace(old, &c->ent);
    tcp_ent_put(old);
    c->iss = isn;
    return ok;
}

static bool bound_here(uint16_t port)
{
    struct bucket *b = bucket(port);
    bool found = false;

    if (!__atomic_load_n(&b->head, __ATOMIC_RELAXED))
        return false;
    lock(&b->lock);
    for (struct tcp_conn *o = b->head; o && !found; o = o->bind_next)
        found = o->ent.key.lport == port;
    unlock(&b->lock);
    return found;
}

int tcp_port_connect(struct tcp_conn *c)
{
    if (c->ent.key.lport)
        return enter(c) ? 0 : c->explicit_port ? -EADDRNOTAVAIL : -EADDRINUSE;
    uint32_t offset = tcp_port_offset(&c->ent.key);
    uint32_t *counter = &counters[offset % COUNTERS];
    uint32_t at = offset / COUNTERS + __atomic_load_n(counter, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < N; i++) {
        uint16_t port = (uint16_t)(FIRST + (at + i) % N);
        if (bound_here(port))
            continue;
        c->ent.key.lport = port;
        if (enter(c)) {
            __atomic_fetch_add(counter, i + 1, __ATOMIC_RELAXED);
            return 0;
        }
    }
    c->ent.key.lport = 0;
    return -EADDRNOTAVAIL;
}

/* Calls fn for each listener (for /proc), holding a reference and no lock. If a bucket changes
 * during the walk, a listener may be visited twice or not at all. */
void tcp_port_walk(void (*fn)(void *arg, struct tcp_ent *e), void *arg)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        for (unsigned skip = 0;; skip++) {
            unsigned n = 0;
            lock(&buckets[i].lock);
            struct tcp_conn *l = buckets[i].head;
            while (l && (tcp_state(l) != TCP_LISTEN || n++ < skip))
                l = l->bind_next;
            if (l)
                tcp_get_ref(l);
            unlock(&buckets[i].lock);
            if (!l)
                break;
            fn(arg, &l->ent);
            tcp_put(l);
        }
}
