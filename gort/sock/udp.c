/* udp.c - UDP sockets: datagrams that stay in this machine (dgram.h), or do not (far.h). */
#include "gort/net/net.h"
#include "gort/os/mem.h"
#include "gort/sock/cork.h"
#include "gort/sock/dgram.h"
#include "gort/sock/far.h"
#include "gort/sock/filter.h"
#include "kernel/clock.h"

enum { UDP_MAX4 = 65507, UDP_MAX6 = 65527 };

static int bind_locked(struct sock *s, const struct sock_addr *a)
{
    if (s->in_table)
        return -L_EINVAL;
    int err = ports_bind(PORTS_UDP, s, a);
    if (!err && (err = far_udp_bind(s)))
        ports_release(PORTS_UDP, s);
    if (!err && s->state == SS_NEW)
        sock_set_state(s, SS_BOUND);
    return err;
}

static int udp_bind(struct sock *s, const struct sock_addr *a)
{
    lock(&s->lock);
    int err = bind_locked(s, a);
    if (!err)
        sock_named_locked(s, a);
    unlock(&s->lock);
    return err;
}

static int autobind_locked(struct sock *s)
{
    struct sock_addr any = { .family = s->domain };

    if (s->in_table)
        return 0;
    any.in.ip = net_addr_any(s->domain == L_AF_INET);
    return bind_locked(s, &any);
}

static int udp_autobind(struct sock *s)
{
    if (sock_state(s) != SS_NEW)
        return 0;
    lock(&s->lock);
    int err = autobind_locked(s);
    unlock(&s->lock);
    return err ? -L_EAGAIN : 0;
}

/* An IPv6 socket that has an address of IPv4, and none of IPv6 from an earlier connect. */
static bool bound_to_v4(const struct sock *s)
{
    return s->domain == L_AF_INET6 && s->local.family && addr_is_v4(&s->local.in.ip) &&
           !s->shown_family;
}

/* "Any" means this machine, by the family that s has an address of. */
static void target(const struct sock *s, struct sock_addr *to)
{
    if (addr_any(&to->in.ip))
        to->in.ip = net_addr_loopback(addr_is_v4(&to->in.ip) || bound_to_v4(s));
}

/* The source address of datagrams to `to`. */
static struct net_addr own_source(const struct sock *s, const struct net_addr *to)
{
    if (!far_is_own(to))
        return far_udp_source(s);
    return net_addr_is_loopback(to) ? net_addr_loopback(addr_is_v4(to)) : *to;
}

/* As on Linux, the first address of IPv6 that a connect has given s stays the one that it has for
 * IPv6, and that getsockname(2) tells, while it is connected by IPv4. */
static void show_v6_locked(struct sock *s, bool v4)
{
    if (!v4) {
        s->shown_family = 0;
    } else if (!addr_is_v4(&s->local.in.ip) && !addr_any(&s->local.in.ip)) {
        s->shown_family = s->domain;
        s->shown = s->local.in;
    }
}

static int connect_locked(struct sock *s, const struct sock_addr *to)
{
    bool v4 = addr_is_v4(&to->in.ip);
    int err = autobind_locked(s);

    if (err)
        return err;
    bool other = addr_is_v4(&s->local.in.ip) != v4; /* than the family that it has an address of */
    if (bound_to_v4(s) && !v4)
        return -L_EAFNOSUPPORT;
    if (s->addr_chosen && other && !addr_any(&s->local.in.ip))
        return -L_ENETUNREACH;
    if ((err = far_udp_connect(s, to)))
        return err;
    struct net_addr own = own_source(s, &to->in.ip);
    show_v6_locked(s, v4);
    ports_change(PORTS_UDP, s, other || addr_any(&s->local.in.ip) ? &own : &s->local.in.ip, to);
    sock_set_state(s, SS_CONNECTED);
    return 0;
}

/* What bind(2) has not named is given up. */
static void disconnect_locked(struct sock *s)
{
    static const struct sock_addr nobody;
    struct net_addr any = net_addr_any(s->domain == L_AF_INET);

    s->shown_family = 0;
    far_udp_connect(s, &nobody);
    ports_change(PORTS_UDP, s, s->addr_chosen ? &s->local.in.ip : &any, &nobody);
    if (!s->port_chosen) {
        ports_release(PORTS_UDP, s);
        far_udp_close(s);
        if (!s->addr_chosen)
            s->local.family = 0;
    }
    sock_set_state(s, s->in_table ? SS_BOUND : SS_NEW);
}

static int udp_connect(struct sock *s, const struct sock_addr *a)
{
    struct sock_addr to = *a;
    int err = 0;

    if (a->family)
        target(s, &to);
    lock(&s->lock);
    if (a->family)
        err = connect_locked(s, &to);
    else
        disconnect_locked(s);
    unlock(&s->lock);
    return err;
}

/* The source that a control message names must be ours; with IPV6_FREEBIND, not that of IPv6. */
static int source_named(const struct sock *s, const struct msg *m, const struct sock_addr *to,
                        struct sock_addr *from)
{
    if (m->from_if > 1 && !netif_get(m->from_if))
        return -L_ENODEV;
    if (addr_any(&m->from_ip))
        return 0;
    if (addr_is_v4(&m->from_ip) != addr_is_v4(&to->in.ip))
        return -L_EINVAL;
    bool v4 = addr_is_v4(&m->from_ip);
    if (!far_is_own(&m->from_ip) && (v4 || !s->freebind))
        return v4 ? -L_ENETUNREACH : -L_EINVAL;
    from->in.ip = m->from_ip;
    return 0;
}

/* Destination and the source that the receiver sees. */
static int addresses(struct sock *s, const struct msg *m, struct sock_addr *to,
                     struct sock_addr *from)
{
    lock(&s->lock);
    int err = autobind_locked(s);
    *to = m->has_addr ? m->addr : s->peer;
    *from = s->local;
    if (s->shown_family && to->family && !addr_is_v4(&to->in.ip))
        from->in.ip = s->shown.ip;
    unlock(&s->lock);
    if (err)
        return err;
    if (!to->family)
        return -L_EDESTADDRREQ;
    if (!to->in.port && (m->has_addr || (s->domain == L_AF_INET6 && addr_is_v4(&to->in.ip))))
        return -L_EINVAL;
    target(s, to);
    if (bound_to_v4(s) && !addr_is_v4(&to->in.ip))
        return -L_EAFNOSUPPORT;
    if (addr_any(&from->in.ip))
        from->in.ip = own_source(s, &to->in.ip);
    return source_named(s, m, to, from);
}

/* What the receiver is told of the packet. */
static void describe(const struct sock *s, const struct sock *r, struct msg *m,
                     const struct net_addr *to)
{
    const struct ip_opts *o = by_family(s, to);

    m->ttl = m->hop >= 0 ? (uint8_t)m->hop : addr_multicast(to) ? (uint8_t)o->mcast_ttl
                                                               : (uint8_t)o->ttl;
    m->tos = (uint8_t)(m->service >= 0 ? m->service : o->tos);
    m->time = r->stamps ? clock_wall_ns() : 0;
}

/* Nobody has that port: the answer is "port unreachable", which a connected socket gets as an
 * error, and with IP_RECVERR any socket, with the datagram. */
static int64_t refused(struct sock *s, struct msg *m, const struct sock_addr *to)
{
    int64_t n = (int64_t)m->v.left;
    bool kept = by_family(s, &to->in.ip)->errors_kept && s->errors;

    if (kept) {
        m->error = L_ECONNREFUSED;
        dgramq_put(s->errors, m, to, &s->local, s->rcvbuf);
        m->error = 0;
    }
    lock(&s->lock);
    bool peers = s->peer.family && s->peer.in.port == to->in.port &&
                 addr_equal(&s->peer.in.ip, &to->in.ip);
    unlock(&s->lock);
    if (kept || peers)
        sock_fail(s, L_ECONNREFUSED);
    return n;
}

/* A full queue, or a filter, loses the datagram silently. */
static int64_t deliver(struct sock *s, struct msg *m, const struct sock_addr *to,
                       const struct sock_addr *from)
{
    int64_t n = (int64_t)m->v.left;
    struct sock *r = ports_find(PORTS_UDP, to, from);

    if (!r)
        return refused(s, m, to);
    describe(s, r, m, &to->in.ip);
    int err = inbox_put(r, m, from, to);
    if (!err)
        queue_wake(&r->rq);
    sock_put(r);
    return err < 0 && err != -L_EAGAIN ? err : n;
}

struct to_group {
    struct sock *s;
    struct msg *m;
    const struct sock_addr *from, *to;
    unsigned ifindex;
};

/* A member of the group in this machine. */
static void deliver_member(struct sock *r, void *arg)
{
    const struct to_group *g = arg;
    struct msg copy = *g->m;

    copy.ifindex = g->ifindex;
    describe(g->s, r, &copy, &g->to->in.ip);
    if (!inbox_put(r, &copy, g->from, g->to))
        queue_wake(&r->rq);
}

static int64_t send_one(struct sock *s, struct msg *m, const struct sock_addr *to,
                        struct sock_addr *from)
{
    if (far_is_own(&to->in.ip))
        return deliver(s, m, to, from);
    struct msg again = *m;
    int64_t r = far_udp_send(s, m, to);
    if (r >= 0 && addr_multicast(&to->in.ip) && by_family(s, &to->in.ip)->mcast_loop) {
        struct to_group g = { s, &again, from, to, far_udp_group_interface(s, m, to) };
        from->in.ip = far_udp_group_source(s, m, to);
        ports_members(to, g.ifindex, deliver_member, &g);
    }
    return r;
}

/* UDP_SEGMENT: one call, many datagrams. */
static int64_t send_segments(struct sock *s, struct msg *m, const struct sock_addr *to,
                             struct sock_addr *from, uint32_t each)
{
    enum { SEGMENTS = 128 };
    int64_t done = 0, r = 0;

    if (m->v.left > (size_t)each * SEGMENTS)
        return -L_EINVAL;
    while (m->v.left && r >= 0) {
        struct msg part = *m;
        if (part.v.left > each)
            part.v.left = each;
        size_t n = part.v.left;
        r = send_one(s, &part, to, from);
        if (r >= 0) {
            vec_skip(&m->v, n);
            done += r;
        }
    }
    return done ? done : r;
}

static int64_t send_to(struct sock *s, struct msg *m, const struct sock_addr *to,
                       struct sock_addr *from)
{
    uint32_t each = m->segment ? m->segment : (uint32_t)s->segment;

    return each && m->v.left > each ? send_segments(s, m, to, from, each)
                                    : send_one(s, m, to, from);
}

static size_t longest(const struct sock_addr *to)
{
    return addr_is_v4(&to->in.ip) ? UDP_MAX4 : UDP_MAX6;
}

/* May m be sent, and where to? */
static int send_begin(struct sock *s, const struct msg *m, struct sock_addr *to,
                      struct sock_addr *from)
{
    int err = m->v.left > 0xffff ? -L_EMSGSIZE : addresses(s, m, to, from);

    if (!err && m->v.left > longest(to))
        err = -L_EMSGSIZE;
    if (!err)
        err = sock_take_error(s);
    return !err && sock_shut(s) & SHUT_OUT ? -L_EPIPE : err;
}

/* Sends the datagram k, and frees it. k may be NULL. */
static int64_t cork_send(struct sock *s, struct cork *k)
{
    struct l_iovec room;

    if (!k)
        return 0;
    k->m.v = vec_one(&room, k->bytes, k->n);
    int64_t r = send_to(s, &k->m, &k->to, &k->from);
    cork_free(k);
    return r;
}

void udp_uncork(struct sock *s) { cork_send(s, cork_take(s)); }

/* `piece`, a copy of m's n bytes, goes to the unfinished datagram, or begins one. */
static int part_add(struct sock *s, const struct msg *m, const char *piece, size_t n)
{
    struct sock_addr to, from;
    struct cork *fresh = NULL;
    int err;

    do {
        if (!fresh && !cork_waits(s)) {
            if ((err = send_begin(s, m, &to, &from)))
                return err;
            if (!(fresh = cork_new(m, &to, &from, longest(&to))))
                return -L_ENOBUFS;
        }
        err = cork_add(s, &fresh, piece, n);
    } while (err == -L_EAGAIN); /* another thread has finished it meanwhile */
    cork_free(fresh);
    return err;
}

/* One of several writes that make a datagram; the last one if not `more`. */
static int64_t send_part(struct sock *s, struct msg *m, bool more)
{
    size_t n = m->v.left;
    struct msg first = *m;

    if (n > 0xffff) { /* as on Linux, where only IPv6 begins to add before it looks */
        cork_free(s->domain == L_AF_INET6 ? cork_take(s) : NULL);
        return -L_EMSGSIZE;
    }
    char *piece = os_alloc_last(n + 1);
    if (!piece)
        return -L_ENOBUFS;
    int err = n ? vec_from(&m->v, piece, n) : 0;
    if (err)
        cork_free(cork_take(s));
    else
        err = part_add(s, &first, piece, n);
    os_free(piece, n + 1);
    int64_t r = err || more ? err : cork_send(s, cork_take(s));
    return r < 0 ? r : (int64_t)n;
}

static int64_t udp_send(struct sock *s, struct msg *m)
{
    struct sock_addr to, from;
    bool more = s->cork || m->flags & L_MSG_MORE;

    if (more || cork_waits(s))
        return send_part(s, m, more);
    int err = send_begin(s, m, &to, &from);
    return err ? err : send_to(s, m, &to, &from);
}

/* What became of datagrams sent. The error of the socket goes with the last of them. */
static int64_t recv_error(struct sock *s, struct msg *m)
{
    int64_t r = s->errors ? dgramq_take(s->errors, m) : -L_EAGAIN;

    if (r < 0)
        return r;
    m->out_flags |= L_MSG_ERRQUEUE;
    __atomic_store_n(&s->error, dgramq_empty(s->errors) ? 0 : L_ECONNREFUSED, __ATOMIC_RELEASE);
    return r;
}

static int64_t udp_recv(struct sock *s, struct msg *m)
{
    if (m->flags & L_MSG_ERRQUEUE)
        return recv_error(s, m);
    int err = sock_take_error(s);
    if (err)
        return err;
    int64_t r = dgramq_take(s->inbox, m);
    if (r == -L_EAGAIN)
        r = far_udp_recv(s, m);
    return r == -L_EAGAIN && m->waits && sock_shut(s) & SHUT_IN ? 0 : r;
}

static unsigned udp_poll(struct sock *s)
{
    unsigned r = L_POLLOUT;

    if (__atomic_load_n(&s->error, __ATOMIC_ACQUIRE) || (s->errors && !dgramq_empty(s->errors)))
        r |= L_POLLERR;
    if (!dgramq_empty(s->inbox))
        r |= L_POLLIN;
    return r | sock_shut_poll(s) | far_udp_poll(s);
}

static int udp_shutdown(struct sock *s, unsigned how)
{
    sock_shut_down(s, how);
    return sock_state(s) == SS_CONNECTED ? 0 : -L_ENOTCONN;
}

static int udp_name(struct sock *s, bool peer, struct sock_addr *a)
{
    lock(&s->lock);
    *a = peer ? s->peer : s->local;
    if (!peer && s->shown_family)
        a->in.ip = s->shown.ip;
    int err = peer && !s->peer.family ? -L_ENOTCONN : 0;
    unlock(&s->lock);
    return err;
}

static void udp_close(struct sock *s)
{
    ports_release(PORTS_UDP, s);
    sock_set_state(s, SS_CLOSED);
    far_udp_close(s);
}

static size_t udp_unread(struct sock *s)
{
    return dgramq_empty(s->inbox) ? far_udp_unread(s) : dgramq_first_length(s->inbox);
}

static void udp_free(struct sock *s)
{
    cork_free(s->corked);
    dgramq_free(s->inbox);
}

static const struct sock_ops udp_ops = {
    .bind = udp_bind, .autobind = udp_autobind, .connect = udp_connect, .send = udp_send,
    .recv = udp_recv, .poll = udp_poll, .shutdown = udp_shutdown, .close = udp_close,
    .free = udp_free, .name = udp_name, .unread = udp_unread,
};

struct sock *udp_sock_new(unsigned domain)
{
    struct dgramq *q = dgramq_new();
    struct sock *s = q ? sock_new(domain, L_SOCK_DGRAM, L_IPPROTO_UDP, &udp_ops) : NULL;

    if (s)
        s->inbox = q;
    else if (q)
        dgramq_free(q);
    return s;
}
