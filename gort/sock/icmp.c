/* icmp.c - ICMP and ICMPv6 for programs: raw sockets, and those of ping; icmp(7), raw(7).
 *
 * A raw socket sees all ICMP packets of its family that come for this host; a datagram socket sends
 * echo requests under an identifier of its own, its port, and gets their answers. lwIP answers
 * requests of other hosts and hands a copy here (netctl_icmp_seen). Addresses of this machine are
 * answered without a packet. */
#include <string.h>
#include "gort/net/ip.h"
#include "gort/netctl/netctl.h"
#include "gort/os/mem.h"
#include "gort/sock/dgram.h"
#include "gort/sock/far.h"
#include "gort/sock/filter.h"
#include "gort/sock/icmp.h"
#include "kernel/clock.h"

enum { ECHO4 = 8, ECHO4_REPLY = 0, ECHO6 = 128, ECHO6_REPLY = 129, ECHO_HDR = 8,
       LONGEST = PKT_LARGE_ROOM - IPV6_HDR };

static struct lock list_lock = LOCK_INIT("icmp sockets", RANK_SOCK_NAMES);
static struct sock *list;           /* [list_lock] by table_next */
static uint32_t fragment_id;        /* [atomic] */

/* One ICMP message, with the fields of its IP header. */
struct seen {
    struct net_addr src, dst;
    uint8_t ttl, tos;
    unsigned ifindex;
    uint8_t *bytes;                 /* room for an IPv4 header, then ICMP */
    size_t n;                       /* of ICMP */
};

static uint8_t *icmp_of(const struct seen *e) { return e->bytes + IPV4_HDR; }

static bool is_v6(const struct sock *s) { return s->domain == L_AF_INET6; }

/* ---- in --------------------------------------------------------------------------------- */

static void write_header(const struct seen *e)
{
    uint8_t *h = e->bytes;

    memset(h, 0, IPV4_HDR);
    h[0] = 0x45;
    h[1] = e->tos;
    put16(h + 2, (uint16_t)(IPV4_HDR + e->n));
    h[8] = e->ttl;
    h[9] = PROTO_ICMP;
    memcpy(h + 12, e->src.b + 12, 4);
    memcpy(h + 16, e->dst.b + 12, 4);
    put16(h + 10, (uint16_t)~ip_header_sum(h, IPV4_HDR));
}

size_t icmp_filter_bytes(const struct sock *s, int level, int name)
{
    if (s->type != L_SOCK_RAW)
        return 0;
    if (s->protocol == L_IPPROTO_ICMP && level == L_SOL_RAW && name == L_ICMP_FILTER)
        return ICMP_FILTER_BYTES;
    if (s->protocol == L_IPPROTO_ICMPV6 && level == L_IPPROTO_ICMPV6 && name == L_ICMPV6_FILTER)
        return ICMP6_FILTER_BYTES;
    return 0;
}

/* Words are written one by one: a packet meanwhile meets a part of the new filter. */
int icmp_filter_set(struct sock *s, const uint8_t *bits, size_t n)
{
    uint32_t *f = __atomic_load_n(&s->icmp_filter, __ATOMIC_ACQUIRE), *none = NULL, word;

    if (!f) {
        f = os_alloc(ICMP6_FILTER_BYTES);
        if (!f)
            return -L_ENOMEM;
        if (!__atomic_compare_exchange_n(&s->icmp_filter, &none, f, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE)) {
            os_free(f, ICMP6_FILTER_BYTES); /* another call was faster */
            f = none;
        }
    }
    for (size_t i = 0; i < n / sizeof word; i++) {
        memcpy(&word, bits + i * sizeof word, sizeof word);
        __atomic_store_n(&f[i], word, __ATOMIC_RELAXED);
    }
    return 0;
}

void icmp_filter_get(const struct sock *s, uint8_t *bits, size_t n)
{
    const uint32_t *f = __atomic_load_n(&s->icmp_filter, __ATOMIC_ACQUIRE);

    memset(bits, 0, n);
    for (size_t i = 0; f && i < n / sizeof *f; i++) {
        uint32_t word = __atomic_load_n(&f[i], __ATOMIC_RELAXED);
        memcpy(bits + i * sizeof word, &word, sizeof word);
    }
}

static bool filtered(const struct sock *s, uint8_t type)
{
    const uint32_t *f = __atomic_load_n(&s->icmp_filter, __ATOMIC_ACQUIRE);

    if (!f || (!is_v6(s) && type >= 32))
        return false;
    return __atomic_load_n(&f[type / 32], __ATOMIC_RELAXED) >> type % 32 & 1;
}

static bool wants(const struct sock *s, const struct seen *e)
{
    const uint8_t *m = icmp_of(e);

    if (is_v6(s) == addr_is_v4(&e->src) || sock_state(s) == SS_CLOSED ||
        (s->peer.family && !addr_equal(&s->peer.in.ip, &e->src)) ||
        (!addr_any(&s->local.in.ip) && s->local.family && !addr_equal(&s->local.in.ip, &e->dst)))
        return false;
    if (s->type == L_SOCK_RAW)
        return !filtered(s, m[0]);
    return (e->n >= ECHO_HDR && m[0] == (is_v6(s) ? ECHO6_REPLY : ECHO4_REPLY) &&
            s->local.family && get16(m + 4) == s->local.in.port);
}

/* A raw socket of IPv4 sees the IP header, all others only the ICMP message. A full queue drops
 * it. */
static void hand_over(struct sock *s, const struct seen *e)
{
    bool whole = s->type == L_SOCK_RAW && !is_v6(s);
    struct sock_addr from = { .family = s->domain, .in = { e->src, 0, 0 } };
    struct sock_addr to = { .family = s->domain, .in = { e->dst, 0, 0 } };
    struct l_iovec room;
    struct msg m = { .v = vec_one(&room, whole ? e->bytes : icmp_of(e),
                                  whole ? e->n + IPV4_HDR : e->n) };

    if (addr_link_local(&e->src))
        from.in.scope = e->ifindex;
    m.ttl = e->ttl;
    m.tos = e->tos;
    m.time = s->stamps ? clock_wall_ns() : 0;
    m.ifindex = e->ifindex;
    if (!inbox_put(s, &m, &from, &to))
        queue_wake(&s->rq);
}

static void deliver(const struct seen *e)
{
    if (addr_is_v4(&e->src))
        write_header(e);
    lock(&list_lock);
    for (struct sock *s = list; s; s = s->table_next)
        if (wants(s, e))
            hand_over(s, e);
    unlock(&list_lock);
}

static bool anybody(void)
{
    return __atomic_load_n(&list, __ATOMIC_RELAXED) != NULL;
}

/* pkt's data is at the IP header, which has been checked. */
static void icmp_seen(struct netif *ifp, bool v6, const struct pkt *pkt)
{
    const uint8_t *h = pkt->data;
    size_t all = pkt_length(pkt), hdr = v6 ? IPV6_HDR : (h[0] & 15u) * 4u;

    if (!anybody() || all <= hdr || pkt->len < hdr || (v6 && h[6] != PROTO_ICMP6))
        return; /* ICMPv6 behind other headers is not shown */
    struct seen e = {
        .src = v6 ? addr_v6(h + 8) : addr_v4(h + 12), .dst = v6 ? addr_v6(h + 24) : addr_v4(h + 16),
        .ttl = v6 ? h[7] : h[8], .tos = v6 ? (uint8_t)(h[0] << 4 | h[1] >> 4) : h[1],
        .ifindex = ifp->index, .n = all - hdr,
    };
    e.bytes = os_alloc(e.n + IPV4_HDR);
    if (!e.bytes)
        return;
    if (pkt_copy_out(pkt, hdr, icmp_of(&e), e.n))
        deliver(&e);
    os_free(e.bytes, e.n + IPV4_HDR);
}

/* ---- out --------------------------------------------------------------------------------- */

static void write_sum(const struct seen *e)
{
    uint8_t *m = icmp_of(e);
    struct pkt whole = { .data = m, .len = (uint32_t)e->n };
    uint32_t sum = 0;

    put16(m + 2, 0);
    if (!addr_is_v4(&e->dst))
        sum = ip_pseudo_sum(&e->src, &e->dst, PROTO_ICMP6, (uint32_t)e->n);
    sum += pkt_sum(&whole, 0, e->n);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(m + 2, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
}

/* Sends a message to an address of this machine: raw sockets see it, and an echo is answered. */
static void to_ourselves(struct sock *s, struct seen *e)
{
    uint8_t *m = icmp_of(e);

    e->src = e->dst;
    if (s->type == L_SOCK_DGRAM || is_v6(s))
        write_sum(e);
    deliver(e);
    if (e->n < ECHO_HDR || m[0] != (is_v6(s) ? ECHO6 : ECHO4))
        return;
    m[0] = is_v6(s) ? ECHO6_REPLY : ECHO4_REPLY;
    write_sum(e);
    deliver(e);
}

static int to_others(struct sock *s, struct seen *e, const struct sock_addr *to)
{
    struct net_addr src = s->local.family ? s->local.in.ip : net_addr_any(!is_v6(s));
    struct net_path path;
    int err = net_path_find(&path, &e->dst, &src, to->in.scope);

    if (err)
        return err;
    if (path.resolved && !is_v6(s) && path.link[0] == 0xff && !s->broadcast)
        return -L_EACCES;
    e->src = path.source;
    if (s->type == L_SOCK_DGRAM || is_v6(s))
        write_sum(e);
    struct pkt *p = pkt_alloc(e->n <= PKT_SMALL_ROOM ? PKT_SMALL : PKT_LARGE);
    if (!p)
        return -L_ENOBUFS;
    memcpy(p->data, icmp_of(e), e->n);
    p->len = (uint32_t)e->n;
    bool group = addr_multicast(&e->dst);
    struct ip_tx t = { .path = &path, .src = &e->src, .dst = &e->dst, .tos = e->tos,
                       .ttl = group ? (uint8_t)by_family(s, &e->dst)->mcast_ttl : e->ttl,
                       .proto = is_v6(s) ? PROTO_ICMP6 : PROTO_ICMP, .may_fragment = true,
                       .id = __atomic_add_fetch(&fragment_id, 1, __ATOMIC_RELAXED) };
    if (p->len + (is_v6(s) ? IPV6_HDR : IPV4_HDR) > path.mtu)
        ip_output_fragments(&t, p, p->len);
    else
        ip_output(&t, p, p->len);
    return 0;
}

/* Gives a datagram socket its identifier. list_lock is held. */
static int identify(struct sock *s, uint16_t want)
{
    static uint16_t next;
    unsigned tries = want ? 1 : 65535;

    for (uint16_t id = want; tries--;) {
        if (!want && !(id = ++next))
            continue;
        struct sock *o = list;
        while (o && (o == s || o->domain != s->domain || o->type != L_SOCK_DGRAM ||
                     !o->local.family || o->local.in.port != id))
            o = o->table_next;
        if (o)
            continue;
        s->local.in.port = id;
        return 0;
    }
    return -L_EADDRINUSE;
}

static int bind_to(struct sock *s, const struct net_addr *ip, uint16_t id)
{
    struct sock_addr was = s->local;
    int err = 0;

    lock(&list_lock);
    s->local = (struct sock_addr){ .family = s->domain, .in = { *ip, 0, 0 } };
    if (s->type == L_SOCK_DGRAM)
        err = identify(s, id);
    if (err)
        s->local = was;
    unlock(&list_lock);
    if (!err && s->state == SS_NEW)
        sock_set_state(s, SS_BOUND);
    return err;
}

static int bind_if_needed(struct sock *s)
{
    struct net_addr any = net_addr_any(!is_v6(s));

    return s->local.family ? 0 : bind_to(s, &any, 0);
}

/* Copies and checks the program's message; *e owns its bytes. */
static int take_message(struct sock *s, struct msg *m, struct seen *e)
{
    size_t n = m->v.left;
    bool ping = s->type == L_SOCK_DGRAM;

    if (n > LONGEST)
        return -L_EMSGSIZE;
    if (n < (ping || is_v6(s) ? ECHO_HDR : 1))
        return -L_EINVAL;
    e->n = n;
    e->bytes = os_alloc(n + IPV4_HDR);
    if (!e->bytes)
        return -L_ENOBUFS;
    uint8_t *b = icmp_of(e);
    int err = vec_from(&m->v, b, n);
    if (!err && ping && (b[0] != (is_v6(s) ? ECHO6 : ECHO4) || b[1]))
        err = -L_EINVAL;
    if (!err && ping)
        put16(b + 4, s->local.in.port);
    if (err)
        os_free(e->bytes, n + IPV4_HDR);
    return err;
}

static int64_t icmp_send(struct sock *s, struct msg *m)
{
    const struct ip_opts *o = is_v6(s) ? &s->ip6 : &s->ip4;
    struct seen e = { .ttl = m->hop >= 0 ? (uint8_t)m->hop : (uint8_t)o->ttl,
                      .tos = (uint8_t)(m->service >= 0 ? m->service : o->tos) };
    struct sock_addr to;
    int64_t n = (int64_t)m->v.left;

    lock(&s->lock);
    int err = bind_if_needed(s);
    to = m->has_addr ? m->addr : s->peer;
    unlock(&s->lock);
    if (!err && !to.family)
        err = -L_EDESTADDRREQ;
    if (!err && addr_is_v4(&to.in.ip) == is_v6(s))
        err = -L_ENETUNREACH;
    if (!err)
        err = take_message(s, m, &e);
    if (err)
        return err;
    e.dst = to.in.ip;
    if (addr_any(&e.dst))
        e.dst = net_addr_loopback(!is_v6(s));
    if (far_is_own(&e.dst))
        to_ourselves(s, &e);
    else
        err = to_others(s, &e, &to);
    os_free(e.bytes, e.n + IPV4_HDR);
    return err ? err : n;
}

/* ---- the rest ------------------------------------------------------------------------------ */

static int icmp_bind(struct sock *s, const struct sock_addr *a)
{
    int err = 0;

    if (addr_is_v4(&a->in.ip) == is_v6(s) ||
        (!addr_any(&a->in.ip) && !addr_multicast(&a->in.ip) && !far_is_own(&a->in.ip)))
        return -L_EADDRNOTAVAIL;
    lock(&s->lock);
    if (s->type == L_SOCK_DGRAM && s->local.family)
        err = -L_EINVAL;
    if (!err)
        err = bind_to(s, &a->in.ip, a->in.port);
    unlock(&s->lock);
    return err;
}

static int icmp_connect(struct sock *s, const struct sock_addr *a)
{
    lock(&s->lock);
    int err = a->family ? bind_if_needed(s) : 0;
    if (!err) {
        lock(&list_lock);
        s->peer = *a;
        s->peer.in.port = 0;
        unlock(&list_lock);
        sock_set_state(s, a->family ? SS_CONNECTED : SS_BOUND);
    }
    unlock(&s->lock);
    return err;
}

static int64_t icmp_recv(struct sock *s, struct msg *m)
{
    int err = sock_take_error(s);

    return err ? err : dgramq_take(s->inbox, m);
}

static unsigned icmp_poll(struct sock *s)
{
    return L_POLLOUT | (dgramq_empty(s->inbox) ? 0 : L_POLLIN);
}

static int icmp_shutdown(struct sock *s, unsigned how)
{
    (void)how;
    return sock_state(s) == SS_CONNECTED ? 0 : -L_ENOTCONN;
}

static int icmp_name(struct sock *s, bool peer, struct sock_addr *a)
{
    lock(&s->lock);
    *a = peer ? s->peer : s->local;
    if (!peer && !a->family)
        *a = (struct sock_addr){ .family = s->domain, .in = { net_addr_any(!is_v6(s)), 0, 0 } };
    int err = peer && !s->peer.family ? -L_ENOTCONN : 0;
    unlock(&s->lock);
    return err;
}

static void icmp_close(struct sock *s)
{
    lock(&list_lock);
    struct sock **p = &list;
    while (*p != s)
        p = &(*p)->table_next;
    *p = s->table_next;
    unlock(&list_lock);
    sock_set_state(s, SS_CLOSED);
}

static void icmp_free(struct sock *s)
{
    dgramq_free(s->inbox);
    if (s->icmp_filter)
        os_free(s->icmp_filter, ICMP6_FILTER_BYTES);
}

static size_t icmp_unread(struct sock *s) { return dgramq_first_length(s->inbox); }

static const struct sock_ops icmp_ops = {
    .bind = icmp_bind, .connect = icmp_connect, .send = icmp_send, .recv = icmp_recv,
    .poll = icmp_poll, .shutdown = icmp_shutdown, .close = icmp_close, .free = icmp_free,
    .name = icmp_name, .unread = icmp_unread,
};

struct sock *icmp_sock_new(unsigned domain, unsigned type, unsigned protocol)
{
    struct dgramq *q = dgramq_new();
    struct sock *s = q ? sock_new(domain, type, protocol, &icmp_ops) : NULL;

    if (!s) {
        if (q)
            dgramq_free(q);
        return NULL;
    }
    s->inbox = q;
    netctl_icmp_seen = icmp_seen;
    lock(&list_lock);
    s->table_next = list;
    list = s;
    unlock(&list_lock);
    return s;
}
