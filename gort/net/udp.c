/* udp.c - UDP sockets: ports, sending, closing. What comes in is udp_in.c's. */
#include "gort/net/errno.h"
#include "gort/net/platform.h"
#include "gort/net/udp_private.h"

enum { PORT_FIRST = 32768, PORT_LAST = 60999, UDP_MAX = 65535, DEFAULT_BUF = 212992 };

struct udp_bucket udp_buckets[UDP_BUCKETS];
static uint64_t port_seed;
static uint32_t fragment_id;

struct udp_sock *udp_new(bool v4, void (*wake)(void *, unsigned), void *arg)
{
    struct udp_sock *s = net_alloc(sizeof *s);

    if (!s)
        return NULL;
    lock_init(&s->lock, "UDP socket", RANK_UDP);
    s->refs = 1;
    s->v4 = v4;
    s->wake = wake;
    s->wake_arg = arg;
    s->ip4 = s->ip6 = (struct udp_ip){.ttl = 64, .mcast_ttl = 1};
    s->rcv_buf = s->snd_buf = DEFAULT_BUF;
    s->tail = &s->head;
    return s;
}

void udp_put(struct udp_sock *s)
{
    if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
        return;
    pkt_free_list(s->head);
    net_free(s, sizeof *s);
}

/* ---- ports ------------------------------------------------------------------------------ */

/* Would both sockets accept the same datagrams? :: of a dual-stack socket takes IPv4 as well. */
static bool overlap(const struct udp_sock *a, const struct net_addr *addr, const struct udp_sock *b)
{
    bool any_a = addr_any(addr), any_b = addr_any(&b->local);
    bool only4_a = a->v4 || (!any_a && addr_is_v4(addr));
    bool only4_b = b->v4 || (!any_b && addr_is_v4(&b->local));

    if ((only4_a && b->v6only) || (only4_b && a->v6only))
        return false;
    if (a->ifindex && b->ifindex && a->ifindex != b->ifindex)
        return false;
    if (any_a || any_b)
        return !(any_a ? only4_a && !only4_b && !any_b : only4_b && !only4_a && !any_a);
    return addr_equal(addr, &b->local);
}

static bool taken(const struct udp_bucket *b, const struct udp_sock *s, const struct net_addr *a,
                  uint16_t port)
{
    for (const struct udp_sock *o = b->head; o; o = o->next)
        if (o->lport == port && o != s && overlap(s, a, o) &&
            !(s->reuse_addr && o->reuse_addr) && !(s->reuse_port && o->reuse_port))
            return true;
    return false;
}

static bool bind_port(struct udp_sock *s, const struct net_addr *a, uint16_t port)
{
    struct udp_bucket *b = udp_bucket(port);

    lock(&b->lock);
    bool free = !taken(b, s, a, port);
    if (free) {
        lock(&s->lock);
        s->local = *a;
        s->lport = port;
        s->bound = true;
        s->next = b->head;
        b->head = s;
        unlock(&s->lock);
        udp_get(s);
    }
    unlock(&b->lock);
    return free;
}

static int bind_any_port(struct udp_sock *s, const struct net_addr *a)
{
    enum { N = PORT_LAST - PORT_FIRST + 1 };
    uint64_t x = __atomic_add_fetch(&port_seed, 0x9e3779b97f4a7c15ull, __ATOMIC_RELAXED);
    bool reuse_addr = s->reuse_addr, reuse_port = s->reuse_port, ok = false;

    x = (x ^ x >> 31) * 0xbf58476d1ce4e5b9ull;
    s->reuse_addr = s->reuse_port = false;  /* a port that the stack chose is not shared */
    for (unsigned i = 0; i < N && !ok; i++)
        ok = bind_port(s, a, (uint16_t)(PORT_FIRST + (x + i) % N));
    s->reuse_addr = reuse_addr;
    s->reuse_port = reuse_port;
    return ok ? 0 : -EADDRINUSE;
}

int udp_bind(struct udp_sock *s, const struct net_addr *a, uint16_t port, unsigned ifindex)
{
    if (s->bound)
        return -EINVAL;
    if (!addr_any(a) && !addr_multicast(a) && !s->freebind && !netif_has(NULL, a))
        return -EADDRNOTAVAIL;
    s->ifindex = ifindex;
    if (!port)
        return bind_any_port(s, a);
    return bind_port(s, a, port) ? 0 : -EADDRINUSE;
}

static int bind_if_needed(struct udp_sock *s)
{
    struct net_addr any = s->local;

    return s->bound ? 0 : bind_any_port(s, &any);
}

int udp_connect(struct udp_sock *s, const struct net_addr *a, uint16_t port)
{
    struct net_path p;
    int err = bind_if_needed(s);

    if (err)
        return err;
    if (port) {
        err = net_path_find(&p, a, &s->local, s->ifindex);
        if (err)
            return err;
    }
    struct udp_bucket *b = udp_bucket(s->lport);
    lock(&b->lock);
    lock(&s->lock);
    s->rport = port;
    s->remote = port ? *a : (struct net_addr){0};
    if (port) {
        s->path = p;
        s->path_dst = *a;
        if (addr_any(&s->local))
            s->local = p.source;
    }
    unlock(&s->lock);
    unlock(&b->lock);
    return 0;
}

void udp_mute(struct udp_sock *s)
{
    static const uint8_t local[4] = {127, 0, 0, 1};
    struct udp_bucket *b = udp_bucket(s->lport);

    lock(&b->lock);
    lock(&s->lock);
    s->rport = 1;
    s->remote = addr_v4(local);
    unlock(&s->lock);
    unlock(&b->lock);
}

/* ---- out -------------------------------------------------------------------------------- */

/* Copies a datagram to packet memory, with room for its headers. NULL: *err is -ENOBUFS or
 * -EFAULT. */
static struct pkt *gather(const uint8_t *buf, size_t n, int *err)
{
    struct pkt *first = NULL, **end = &first;

    *err = -ENOBUFS;
    do {
        struct pkt *p = pkt_alloc(n <= PKT_SMALL_ROOM ? PKT_SMALL : PKT_LARGE);
        if (!p) {
            if (first)
                pkt_free(first);
            return NULL;
        }
        p->len = (uint32_t)(n < PKT_LARGE_ROOM ? n : PKT_LARGE_ROOM);
        *end = p;
        end = &p->next;
        if (net_copy(p->data, buf, p->len)) {
            *err = -EFAULT;
            pkt_free(first);
            return NULL;
        }
        buf += p->len;
        n -= p->len;
    } while (n);
    return first;
}

static void write_header(struct pkt *pkt, const struct ip_tx *t, uint16_t sport, uint16_t dport,
                         uint32_t len)
{
    pkt->data -= UDP_HDR;
    pkt->len += UDP_HDR;
    put16(pkt->data, sport);
    put16(pkt->data + 2, dport);
    put16(pkt->data + 4, (uint16_t)len);
    put16(pkt->data + 6, ip_pseudo_sum(t->src, t->dst, PROTO_UDP, len));
    pkt->flags |= PKT_CSUM_PARTIAL;
    pkt->csum_start = 0;
    pkt->csum_offset = 6;
}

/* Fills *t and *p for dst; s is locked. */
static int prepare(struct udp_sock *s, const struct net_addr *dst, const struct udp_from *from,
                   struct net_path *p)
{
    bool group = addr_multicast(dst);
    unsigned ifindex = from && from->ifindex ? from->ifindex : s->ifindex ? s->ifindex :
        group ? udp_ip(s, dst)->mcast_ifindex : 0;
    const struct net_addr *src = from && !addr_any(&from->source) ? &from->source : &s->local;

    if (!from && addr_equal(&s->path_dst, dst) && net_path_fresh(&s->path, net_now_ns())) {
        *p = s->path;
        return 0;
    }
    int err = net_path_find(p, dst, addr_multicast(src) ? &(struct net_addr){0} : src, ifindex);
    if (!err && !from) {
        s->path = *p;
        s->path_dst = *dst;
    }
    return err;
}

static int may_send(const struct udp_sock *s, const struct net_path *p, const struct net_addr *dst,
                    size_t len)
{
    uint32_t hdr = addr_is_v4(dst) ? IPV4_HDR : IPV6_HDR;

    if (p->resolved && addr_is_v4(dst) && p->link[0] == 0xff && !s->broadcast)
        return -EACCES;
    if (len + (addr_is_v4(dst) ? hdr : 0) > UDP_MAX)
        return -EMSGSIZE;
    return len + hdr > p->mtu && udp_ip(s, dst)->dont_fragment ? -EMSGSIZE : 0;
}

static long transmit(struct udp_sock *s, const struct net_addr *dst, uint16_t port, struct pkt *pkt,
                     size_t n, const struct net_path *p, const struct udp_from *from)
{
    uint32_t len = (uint32_t)n + UDP_HDR;
    bool hop = from && from->hop >= 0, service = from && from->service >= 0;
    const struct udp_ip *o = udp_ip(s, dst);
    uint8_t ttl = addr_multicast(dst) ? o->mcast_ttl : o->ttl;
    struct ip_tx t = {.path = p, .src = &p->source, .dst = dst, .proto = PROTO_UDP,
                      .tos = service ? (uint8_t)from->service : o->tos,
                      .ttl = hop ? (uint8_t)from->hop : ttl,
                      .id = __atomic_add_fetch(&fragment_id, 1, __ATOMIC_RELAXED)};

    write_header(pkt, &t, s->lport, port, len);
    NET_COUNT(udp_out);
    t.may_fragment = !o->dont_fragment;
    if (len + (addr_is_v4(dst) ? IPV4_HDR : IPV6_HDR) > p->mtu)
        ip_output_fragments(&t, pkt, len);
    else
        ip_output(&t, pkt, len);
    return (long)n;
}

long udp_send(struct udp_sock *s, const struct net_addr *dst, uint16_t port, const void *buf,
              size_t n, const struct udp_from *from)
{
    struct net_path p;
    int err = bind_if_needed(s);

    if (err || n > UDP_MAX - UDP_HDR)
        return err ? err : -EMSGSIZE;
    lock(&s->lock);
    err = -s->error;
    s->error = 0;
    struct net_addr to = dst ? *dst : s->remote;
    if (!dst)
        port = s->rport;
    if (!err && !port)
        err = dst ? -EINVAL : -EDESTADDRREQ;
    if (!err)
        err = prepare(s, &to, from, &p);
    if (!err)
        err = may_send(s, &p, &to, n + UDP_HDR);
    unlock(&s->lock);
    if (err) {
        if (err == -ENETUNREACH)
            NET_COUNT(out_no_route);
        return err;
    }
    struct pkt *pkt = gather(buf, n, &err);
    if (!pkt) {
        if (err == -ENOBUFS)
            NET_COUNT(out_no_memory);
        return err;
    }
    return transmit(s, &to, port, pkt, n, &p, from);
}

/* ---- groups, end ------------------------------------------------------------------------ */

int udp_join(struct udp_sock *s, const struct udp_group *g, bool join)
{
    int err = join ? 0 : -EADDRNOTAVAIL;

    lock(&s->lock);
    unsigned i = 0;
    while (i < s->ngroups && !(addr_equal(&s->groups[i].group, &g->group) &&
                               s->groups[i].ifindex == g->ifindex))
        i++;
    if (i < s->ngroups && join)
        err = -EADDRINUSE;
    else if (i < s->ngroups) {
        s->groups[i] = s->groups[--s->ngroups];
        err = 0;
    } else if (join && s->ngroups == UDP_GROUPS)
        err = -ENOBUFS;
    else if (join)
        s->groups[s->ngroups++] = *g;
    unlock(&s->lock);
    return err;
}

void udp_close(struct udp_sock *s)
{
    if (s->bound) {
        struct udp_bucket *b = udp_bucket(s->lport);
        lock(&b->lock);
        struct udp_sock **p = &b->head;
        while (*p != s)
            p = &(*p)->next;
        *p = s->next;
        unlock(&b->lock);
        udp_put(s);
    }
    lock(&s->lock);
    s->wake = NULL;
    unlock(&s->lock);
    udp_put(s);
}

void udp_init(void)
{
    for (unsigned i = 0; i < UDP_BUCKETS; i++) {
        lock_init(&udp_buckets[i].lock, "UDP ports", RANK_UDP_PORT);
        udp_buckets[i].head = NULL;
    }
    net_secret(&port_seed, sizeof port_seed);
    net_secret(&fragment_id, sizeof fragment_id);
}
