/* icmp.c - raw sockets, and those of ping; raw(7), icmp(7).
 *
 * A raw socket sees all packets of its family and protocol that come for this host; a datagram
 * socket sends echo requests under an identifier of its own, its port, and gets their answers. lwIP
 * answers requests of other hosts and hands a copy here (netctl_icmp_seen); packets of other
 * protocols, also TCP's and UDP's, come from gort/net (net_raw_seen). Echo requests to addresses of
 * this machine are answered without a packet. What TCP and UDP send within the machine are no
 * packets, and not seen. */
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
       LONGEST = PKT_LARGE_ROOM - IPV6_HDR, FRONT = 60 /* the longest header of IPv4 */ };

static struct lock list_lock = LOCK_INIT("icmp sockets", RANK_SOCK_NAMES);
static struct sock *list;           /* [list_lock] by table_next */
static uint32_t fragment_id;        /* [atomic] */

/* What stands behind one IP header, with the fields of that. */
struct seen {
    struct net_addr src, dst;
    uint8_t ttl, tos, proto;
    unsigned ifindex;
    unsigned hdr;                   /* bytes of the header if it stands in front; 0: not yet */
    uint8_t *bytes;                 /* FRONT bytes of room, then the message */
    size_t n;                       /* of the message */
};

static uint8_t *message_of(const struct seen *e) { return e->bytes + FRONT; }

static bool seen_alloc(struct seen *e, size_t n)
{
    e->n = n;
    e->bytes = os_alloc(n + FRONT);
    return e->bytes;
}

static void seen_free(struct seen *e) { os_free(e->bytes, e->n + FRONT); }

static bool is_icmp(const struct seen *e)
{
    return e->proto == (addr_is_v4(&e->dst) ? PROTO_ICMP : PROTO_ICMP6);
}

static bool is_v6(const struct sock *s) { return s->domain == L_AF_INET6; }

/* ---- in --------------------------------------------------------------------------------- */

static uint32_t new_id(void) { return __atomic_add_fetch(&fragment_id, 1, __ATOMIC_RELAXED); }

/* The header that a raw socket of IPv4 reads. */
static void write_header(struct seen *e)
{
    uint8_t *h = message_of(e) - IPV4_HDR;

    e->hdr = IPV4_HDR;
    memset(h, 0, IPV4_HDR);
    h[0] = 0x45;
    h[1] = e->tos;
    put16(h + 2, (uint16_t)(IPV4_HDR + e->n));
    put16(h + 4, (uint16_t)new_id());
    h[8] = e->ttl;
    h[9] = e->proto;
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

/* Of all that the message has, with the pseudo header of IPv6. 0xffff: its own sum is right. */
static uint16_t sum_of(const struct seen *e)
{
    struct pkt whole = { .data = message_of(e), .len = (uint32_t)e->n };
    uint32_t sum = 0;

    if (!addr_is_v4(&e->dst))
        sum = ip_pseudo_sum(&e->src, &e->dst, e->proto, (uint32_t)e->n);
    sum += pkt_sum(&whole, 0, e->n);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* With IPV6_CHECKSUM, what has a wrong one is not received. */
static bool raw_sum_good(const struct sock *s, const struct seen *e)
{
    return !is_v6(s) || s->sum_at < 0 || sum_of(e) == 0xffff;
}

static bool wants(const struct sock *s, const struct seen *e)
{
    const uint8_t *m = message_of(e);

    if (is_v6(s) == addr_is_v4(&e->src) || sock_state(s) == SS_CLOSED ||
        (s->peer.family && !addr_equal(&s->peer.in.ip, &e->src)) ||
        (!addr_any(&s->local.in.ip) && s->local.family && !addr_equal(&s->local.in.ip, &e->dst)))
        return false;
    if (s->protocol != e->proto)
        return false;
    if (s->type == L_SOCK_RAW)
        return !is_icmp(e) ? raw_sum_good(s, e) : !e->n || !filtered(s, m[0]);
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
    size_t hdr = whole ? e->hdr : 0;
    struct msg m = { .v = vec_one(&room, message_of(e) - hdr, e->n + hdr) };

    if (addr_link_local(&e->src))
        from.in.scope = e->ifindex;
    m.ttl = e->ttl;
    m.tos = e->tos;
    m.time = s->stamps ? clock_wall_ns() : 0;
    m.ifindex = e->ifindex;
    if (!inbox_put(s, &m, &from, &to))
        queue_wake(&s->rq);
}

static void deliver(struct seen *e)
{
    if (addr_is_v4(&e->src) && !e->hdr)
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

/* p's data is at an IP header, which has been checked. */
static void seen_packet(struct seen *e, size_t hdr, const struct pkt *p)
{
    size_t all = pkt_length(p);
    bool v4 = addr_is_v4(&e->src);

    if (!seen_alloc(e, all - hdr))
        return;
    if (pkt_copy_out(p, hdr, message_of(e), e->n)) {
        if (v4)
            memcpy(message_of(e) - hdr, p->data, hdr);
        e->hdr = v4 ? (unsigned)hdr : 0;
        deliver(e);
    }
    seen_free(e);
}

static void icmp_seen(struct netif *ifp, bool v6, const struct pkt *pkt)
{
    const uint8_t *h = pkt->data;
    size_t all = pkt_length(pkt), hdr = v6 ? IPV6_HDR : (h[0] & 15u) * 4u;

    if (!anybody() || all <= hdr || pkt->len < hdr || (v6 && h[6] != PROTO_ICMP6))
        return; /* ICMPv6 behind other headers is not shown */
    struct seen e = {
        .src = v6 ? addr_v6(h + 8) : addr_v4(h + 12), .dst = v6 ? addr_v6(h + 24) : addr_v4(h + 16),
        .ttl = v6 ? h[7] : h[8], .tos = v6 ? (uint8_t)(h[0] << 4 | h[1] >> 4) : h[1],
        .proto = v6 ? PROTO_ICMP6 : PROTO_ICMP, .ifindex = ifp->index,
    };
    seen_packet(&e, hdr, pkt);
}

static bool is_wanted(uint8_t proto, bool v6)
{
    lock(&list_lock);
    const struct sock *s = list;
    while (s && (s->type != L_SOCK_RAW || s->protocol != proto || is_v6(s) != v6))
        s = s->table_next;
    unlock(&list_lock);
    return s;
}

static void raw_seen(const struct ip_rx *ip, uint8_t proto, const struct pkt *pkt)
{
    struct seen e = { .src = ip->src, .dst = ip->dst, .ttl = ip->ttl, .tos = ip->tos,
                      .proto = proto, .ifindex = ip->ifp->index };

    if (anybody() && is_wanted(proto, !addr_is_v4(&ip->src)))
        seen_packet(&e, ip->hdr, pkt);
}

/* ---- headers that a program has written: IP_HDRINCL ------------------------------------------ */

static void header_sum(uint8_t *h, unsigned hdr)
{
    put16(h + 10, 0);
    put16(h + 10, (uint16_t)~ip_header_sum(h, hdr));
}

static void header_source(struct seen *e, const struct net_addr *src)
{
    uint8_t *h = message_of(e) - e->hdr;

    e->src = *src;
    memcpy(h + 12, src->b + 12, 4);
    header_sum(h, e->hdr);
}

/* The n bytes of m begin with the header. raw(7): the kernel writes the length, the checksum, and
 * an identification that is 0. */
static int header_take(struct seen *e, struct msg *m, size_t n)
{
    uint8_t first[IPV4_HDR];
    struct vec v = m->v;

    if (n < sizeof first)
        return -L_EINVAL;
    int err = vec_from(&v, first, sizeof first);
    unsigned hdr = (first[0] & 15u) * 4u;
    if (err || hdr > n || hdr < IPV4_HDR)
        return err ? err : -L_EINVAL;
    if (!seen_alloc(e, n - hdr))
        return -L_ENOBUFS;
    uint8_t *h = message_of(e) - hdr;
    err = vec_from(&m->v, h, n);
    if (err) {
        seen_free(e);
        return err;
    }
    e->hdr = hdr;
    e->src = addr_v4(h + 12);
    e->dst = addr_v4(h + 16);
    e->tos = h[1];
    e->ttl = h[8];
    e->proto = h[9];
    put16(h + 2, (uint16_t)n);
    if (!get16(h + 4))
        put16(h + 4, (uint16_t)new_id());
    header_sum(h, hdr);
    return 0;
}

/* ---- out --------------------------------------------------------------------------------- */

/* Writes the checksum at byte `at` of the message. */
static void write_sum(const struct seen *e, size_t at)
{
    put16(message_of(e) + at, 0);
    put16(message_of(e) + at, (uint16_t)~sum_of(e));
}

/* The sums that the kernel writes for s: ICMP's, or the one that IPV6_CHECKSUM has named. */
static void write_sums(const struct sock *s, const struct seen *e)
{
    if (is_icmp(e) && (s->type == L_SOCK_DGRAM || is_v6(s)))
        write_sum(e, 2);
    else if (is_v6(s) && s->sum_at >= 0)
        write_sum(e, (size_t)s->sum_at);
}

/* Of packets to an address of this machine. */
static struct net_addr own_source(const struct sock *s, const struct net_addr *dst)
{
    if (s->local.family && !addr_any(&s->local.in.ip) && !addr_multicast(&s->local.in.ip))
        return s->local.in.ip;
    return net_addr_is_loopback(dst) ? net_addr_loopback(addr_is_v4(dst)) : *dst;
}

/* Sends a message to an address of this machine: raw sockets see it, and an echo is answered. */
static void to_ourselves(struct sock *s, struct seen *e)
{
    uint8_t *m = message_of(e);

    if (!e->hdr)
        e->src = own_source(s, &e->dst);
    write_sums(s, e);
    deliver(e);
    if (!is_icmp(e) || e->n < ECHO_HDR || m[0] != (is_v6(s) ? ECHO6 : ECHO4))
        return;
    m[0] = is_v6(s) ? ECHO6_REPLY : ECHO4_REPLY;
    struct net_addr to = e->src;
    e->src = e->dst;
    e->dst = to;
    e->hdr = 0;
    write_sum(e, 2);
    deliver(e);
}

/* A packet with the message, and with the header in front if that is the program's. NULL: no
 * memory. */
static struct pkt *packet_of(const struct seen *e)
{
    size_t n = e->n + e->hdr;
    struct pkt *p = pkt_alloc(n <= PKT_SMALL_ROOM ? PKT_SMALL : PKT_LARGE);

    if (p) {
        memcpy(p->data, message_of(e) - e->hdr, n);
        p->len = (uint32_t)n;
    }
    return p;
}

static int to_others(struct sock *s, struct seen *e, const struct sock_addr *to)
{
    struct net_addr src = s->local.family ? s->local.in.ip : net_addr_any(!is_v6(s));
    struct net_path path;
    int err = net_path_find(&path, &to->in.ip, &src, to->in.scope);

    if (err)
        return err;
    if (path.resolved && !is_v6(s) && path.link[0] == 0xff && !s->broadcast)
        return -L_EACCES;
    if (e->hdr && e->n + e->hdr > path.mtu)
        return -L_EMSGSIZE; /* a header of the program's is of one packet */
    if (e->hdr && addr_any(&e->src))
        header_source(e, &path.source);
    if (!e->hdr) {
        e->src = path.source;
        write_sums(s, e);
    }
    struct pkt *p = packet_of(e);
    if (!p)
        return -L_ENOBUFS;
    bool group = addr_multicast(&e->dst);
    struct ip_tx t = { .path = &path, .src = &e->src, .dst = &e->dst, .tos = e->tos,
                       .ttl = group ? (uint8_t)by_family(s, &e->dst)->mcast_ttl : e->ttl,
                       .proto = e->proto, .may_fragment = true, .id = new_id() };
    if (e->hdr)
        ip_output_whole(&path, p);
    else if (p->len + (is_v6(s) ? IPV6_HDR : IPV4_HDR) > path.mtu)
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

/* Bytes that a message has at least: those up to where its sum goes. */
static size_t least(const struct sock *s)
{
    if (s->type == L_SOCK_DGRAM)
        return ECHO_HDR;
    if (!is_v6(s))
        return 0;
    return s->protocol == L_IPPROTO_ICMPV6 ? 4 : s->sum_at >= 0 ? (size_t)s->sum_at + 2 : 0;
}

/* Copies and checks the program's message; *e owns its bytes. */
static int take_message(struct sock *s, struct msg *m, struct seen *e)
{
    size_t n = m->v.left;
    bool ping = s->type == L_SOCK_DGRAM;

    if (n > LONGEST)
        return -L_EMSGSIZE;
    if (s->hdrincl)
        return header_take(e, m, n);
    e->proto = (uint8_t)s->protocol;
    if (n < least(s))
        return -L_EINVAL;
    if (!seen_alloc(e, n))
        return -L_ENOBUFS;
    uint8_t *b = message_of(e);
    int err = vec_from(&m->v, b, n);
    if (!err && ping && (b[0] != (is_v6(s) ? ECHO6 : ECHO4) || b[1]))
        err = -L_EINVAL;
    if (!err && ping)
        put16(b + 4, s->local.in.port);
    if (err)
        seen_free(e);
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
    if (!err && s->type == L_SOCK_RAW && is_v6(s) && m->has_addr && to.in.port &&
        to.in.port != s->protocol)
        err = -L_EINVAL; /* a port is a protocol here */
    if (!err)
        err = take_message(s, m, &e);
    if (err)
        return err;
    if (addr_any(&to.in.ip))
        to.in.ip = net_addr_loopback(!is_v6(s));
    if (!e.hdr)
        e.dst = to.in.ip;
    if (!far_is_own(&to.in.ip)) {
        err = to_others(s, &e, &to);
    } else {
        if (e.hdr && addr_any(&e.src)) {
            struct net_addr src = own_source(s, &to.in.ip);
            header_source(&e, &src);
        }
        to_ourselves(s, &e);
    }
    seen_free(&e);
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
    if (!peer && s->type == L_SOCK_RAW)
        a->in.port = s->protocol;
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
    s->sum_at = -1;
    s->hdrincl = type == L_SOCK_RAW && domain == L_AF_INET && protocol == L_IPPROTO_RAW;
    netctl_icmp_seen = icmp_seen;
    if (protocol != (domain == L_AF_INET ? L_IPPROTO_ICMP : L_IPPROTO_ICMPV6))
        __atomic_store_n(&net_raw_seen, raw_seen, __ATOMIC_RELEASE);
    lock(&list_lock);
    s->table_next = list;
    list = s;
    unlock(&list_lock);
    return s;
}
