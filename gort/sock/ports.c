/* ports.c - which sockets have which local ports.
 *
 * One table per protocol, hashed by port: bound sockets, listeners, and connections whose port
 * was chosen for them. A packet or connection is for the socket whose address fits best.
 *
 * Two sockets may share a port if their addresses do not overlap, if both have SO_REUSEPORT,
 * or if both have SO_REUSEADDR and neither listens (TCP). A wildcard overlaps with everything
 * of its family, that of IPv6 with IPv4 too unless IPV6_V6ONLY is set. ip(7), socket(7). */
#include "gort/os/mem.h"
#include "gort/sock/far.h"
#include "kernel/random.h"

enum { BUCKETS = 1024, PORT_LO = 32768, PORT_HI = 60999 };

static struct table {
    struct lock lock;             /* RANK_SOCK_NAMES */
    struct sock *bucket[BUCKETS]; /* [lock] by table_next; not referenced: sockets leave */
} tables[PORT_KINDS] = {
    { .lock = LOCK_INIT("TCP ports", RANK_SOCK_NAMES) },
    { .lock = LOCK_INIT("UDP ports", RANK_SOCK_NAMES) },
};

static struct sock **bucket_of(struct table *t, uint16_t port)
{
    return &t->bucket[port % BUCKETS];
}

static bool local_address(const struct net_addr *a)
{
    return addr_any(a) || far_is_own(a) || addr_multicast(a);
}

/* Could one packet reach both sockets? */
static bool overlap(const struct sock *s, const struct sock_addr *a, const struct sock *o)
{
    bool any = addr_any(&a->in.ip), oany = addr_any(&o->local.in.ip);
    bool v4 = addr_is_v4(&a->in.ip), ov4 = addr_is_v4(&o->local.in.ip);

    if (v4 == ov4)
        return any || oany || addr_equal(&a->in.ip, &o->local.in.ip);
    return v4 ? oany && !o->v6only : any && !s->v6only;
}

static bool may_share(enum port_kind k, const struct sock *s, const struct sock *o)
{
    if (s->reuse_port && o->reuse_port)
        return true;
    if (!s->reuse_addr || !o->reuse_addr)
        return false;
    return k == PORTS_UDP || (sock_state(o) != SS_LISTEN && sock_state(s) != SS_LISTEN);
}

static bool conflict_locked(enum port_kind k, const struct sock *s, const struct sock_addr *a)
{
    for (struct sock *o = *bucket_of(&tables[k], a->in.port); o; o = o->table_next)
        if (o != s && o->local.in.port == a->in.port && overlap(s, a, o) && !may_share(k, s, o))
            return true;
    return false;
}

static void insert_locked(struct table *t, struct sock *s)
{
    struct sock **b = bucket_of(t, s->local.in.port);

    s->table_next = *b;
    *b = s;
    s->in_table = true;
}

/* The i-th port to try, in an order that others cannot guess. */
static uint16_t port_after(uint32_t start, uint32_t i)
{
    return (uint16_t)(PORT_LO + (start + i) % (PORT_HI - PORT_LO + 1));
}

static uint32_t port_start(void)
{
    uint32_t r;

    return random_word(&r) ? (uint32_t)random_fast() : r;
}

int ports_bind(enum port_kind k, struct sock *s, const struct sock_addr *a)
{
    struct table *t = &tables[k];
    struct sock_addr at = *a;
    uint32_t start = at.in.port ? 0 : port_start();
    bool free = false;

    if (!local_address(&at.in.ip) && !s->freebind)
        return -L_EADDRNOTAVAIL;
    lock(&t->lock);
    if (at.in.port) {
        free = !conflict_locked(k, s, &at);
    } else {
        for (uint32_t i = 0; i <= PORT_HI - PORT_LO && !free; i++) {
            at.in.port = port_after(start, i);
            free = !conflict_locked(k, s, &at);
        }
    }
    if (free) {
        s->local = at;
        insert_locked(t, s);
    }
    unlock(&t->lock);
    return free ? 0 : -L_EADDRINUSE;
}

/* Is there a connection with this 4-tuple, or a socket that owns the port exclusively? */
static bool taken_locked(enum port_kind k, const struct net_addr *src, uint16_t port,
                         const struct sock_addr *dst)
{
    for (struct sock *o = *bucket_of(&tables[k], port); o; o = o->table_next) {
        if (o->local.in.port != port)
            continue;
        if (o->peer.family == 0 || sock_state(o) == SS_LISTEN)
            return true;
        if (addr_equal(&o->local.in.ip, src) && o->peer.in.port == dst->in.port &&
            addr_equal(&o->peer.in.ip, &dst->in.ip))
            return true;
    }
    return false;
}

int ports_connect(enum port_kind k, struct sock *s, const struct net_addr *src,
                  const struct sock_addr *dst)
{
    struct table *t = &tables[k];
    uint32_t start = port_start();
    int err = -L_EADDRNOTAVAIL;

    lock(&t->lock);
    for (uint32_t i = 0; i <= PORT_HI - PORT_LO && err; i++) {
        uint16_t port = port_after(start, i);
        if (taken_locked(k, src, port, dst))
            continue;
        s->local = (struct sock_addr){ .family = s->domain, .in = { .ip = *src, .port = port } };
        s->peer = *dst;
        insert_locked(t, s);
        err = 0;
    }
    unlock(&t->lock);
    return err;
}

/* How well the address of o matches a packet from `from` to dst; 0: not at all. */
static unsigned score(enum port_kind k, const struct sock *o, const struct sock_addr *dst,
                      const struct sock_addr *from)
{
    bool v4 = addr_is_v4(&dst->in.ip), ov4 = addr_is_v4(&o->local.in.ip);
    unsigned points = 1;

    if (o->local.in.port != dst->in.port || (k == PORTS_TCP && sock_state(o) != SS_LISTEN))
        return 0;
    if (addr_equal(&o->local.in.ip, &dst->in.ip))
        points += 4;
    else if (!addr_any(&o->local.in.ip) || (v4 != ov4 && (ov4 || o->v6only)))
        return 0;
    else
        points += v4 == ov4;
    if (k == PORTS_UDP && o->peer.family) {
        if (!from || o->peer.in.port != from->in.port || !addr_equal(&o->peer.in.ip, &from->in.ip))
            return 0;
        points += 8;
    }
    return points;
}

/* Among sockets that share an address by SO_REUSEPORT the sender's port chooses. */
struct sock *ports_find(enum port_kind k, const struct sock_addr *dst, const struct sock_addr *from)
{
    struct table *t = &tables[k];
    struct sock *best = NULL;
    unsigned most = 0, same = 0, pick = from ? (from->in.port * 2654435761u) >> 16 : 0;

    lock(&t->lock);
    for (struct sock *o = *bucket_of(t, dst->in.port); o; o = o->table_next) {
        unsigned points = score(k, o, dst, from);
        if (points > most)
            same = 0;
        if (points && points >= most) {
            most = points;
            if (same++ == 0 || (o->reuse_port && pick % same == 0))
                best = o;
        }
    }
    if (best)
        sock_get(best);
    unlock(&t->lock);
    return best;
}

static bool is_member(const struct sock *o, const struct sock_addr *dst, unsigned ifindex)
{
    return o->local.in.port == dst->in.port && !(o->v6only && addr_is_v4(&dst->in.ip)) &&
           far_udp_is_member(o, &dst->in.ip, ifindex);
}

/* They get references first, as a filter may take long. Without memory for many, some of them. */
void ports_members(const struct sock_addr *dst, unsigned ifindex,
                   void (*give)(struct sock *s, void *arg), void *arg)
{
    enum { FEW = 8 };
    struct table *t = &tables[PORTS_UDP];
    struct sock *few[FEW], **s = few;
    unsigned n = 0, room = 0;

    lock(&t->lock);
    for (struct sock *o = *bucket_of(t, dst->in.port); o; o = o->table_next)
        room++;
    if (room > FEW && !(s = os_alloc(room * sizeof *s)))
        s = few;
    if (s == few)
        room = FEW;
    for (struct sock *o = *bucket_of(t, dst->in.port); o && n < room; o = o->table_next)
        if (is_member(o, dst, ifindex)) {
            sock_get(o);
            s[n++] = o;
        }
    unlock(&t->lock);
    for (unsigned i = 0; i < n; i++) {
        give(s[i], arg);
        sock_put(s[i]);
    }
    if (s != few)
        os_free(s, room * sizeof *s);
}

void ports_change(enum port_kind k, struct sock *s, const struct net_addr *local,
                  const struct sock_addr *peer)
{
    lock(&tables[k].lock);
    s->local.in.ip = *local;
    s->peer = *peer;
    unlock(&tables[k].lock);
}

int ports_may_listen(struct sock *s)
{
    struct table *t = &tables[PORTS_TCP];
    int err = 0;

    lock(&t->lock);
    for (struct sock *o = *bucket_of(t, s->local.in.port); o; o = o->table_next)
        if (o != s && o->local.in.port == s->local.in.port && sock_state(o) == SS_LISTEN &&
            overlap(s, &s->local, o) && !(s->reuse_port && o->reuse_port))
            err = -L_EADDRINUSE;
    unlock(&t->lock);
    return err;
}

void ports_release(enum port_kind k, struct sock *s)
{
    struct table *t = &tables[k];

    lock(&t->lock);
    if (s->in_table) {
        struct sock **b = bucket_of(t, s->local.in.port);
        while (*b != s)
            b = &(*b)->table_next;
        *b = s->table_next;
        s->in_table = false;
    }
    unlock(&t->lock);
}
