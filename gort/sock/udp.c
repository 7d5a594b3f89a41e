/* udp.c - UDP sockets: datagrams that stay in this machine (dgram.h), or do not (far.h). */
#include "gort/sock/dgram.h"
#include "gort/sock/far.h"

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

/* "Any" means this machine. */
static void target(struct sock_addr *to)
{
    if (addr_any(&to->in.ip))
        to->in.ip = net_addr_loopback(addr_is_v4(&to->in.ip));
}

/* The source address of datagrams to `to`. */
static struct net_addr own_source(const struct sock *s, const struct net_addr *to)
{
    if (!far_is_own(to))
        return far_udp_source(s);
    return net_addr_is_loopback(to) ? net_addr_loopback(addr_is_v4(to)) : *to;
}

static int connect_locked(struct sock *s, const struct sock_addr *to)
{
    bool v4 = addr_is_v4(&to->in.ip);
    int err = autobind_locked(s);

    if (err)
        return err;
    if (!addr_any(&s->local.in.ip) && addr_is_v4(&s->local.in.ip) != v4)
        return -L_ENETUNREACH;
    if ((err = far_udp_connect(s, to)))
        return err;
    struct net_addr own = own_source(s, &to->in.ip);
    ports_change(PORTS_UDP, s, addr_any(&s->local.in.ip) ? &own : &s->local.in.ip, to);
    sock_set_state(s, SS_CONNECTED);
    return 0;
}

static int udp_connect(struct sock *s, const struct sock_addr *a)
{
    struct sock_addr to = *a;
    int err = 0;

    if (a->family)
        target(&to);
    lock(&s->lock);
    if (a->family) {
        err = connect_locked(s, &to);
    } else {
        struct sock_addr nobody = { 0 };
        far_udp_connect(s, &nobody);
        ports_change(PORTS_UDP, s, &s->local.in.ip, &nobody);
        sock_set_state(s, s->in_table ? SS_BOUND : SS_NEW);
    }
    unlock(&s->lock);
    return err;
}

/* Destination and the source that the receiver sees. */
static int addresses(struct sock *s, const struct msg *m, struct sock_addr *to,
                     struct sock_addr *from)
{
    lock(&s->lock);
    int err = autobind_locked(s);
    *to = m->has_addr ? m->addr : s->peer;
    *from = s->local;
    unlock(&s->lock);
    if (err)
        return err;
    if (!to->family)
        return -L_EDESTADDRREQ;
    if (!to->in.port)
        return -L_EINVAL;
    target(to);
    if (addr_any(&from->in.ip))
        from->in.ip = own_source(s, &to->in.ip);
    return 0;
}

/* An unbound port answers "port unreachable", which a connected socket gets as an error. A
 * full queue loses the datagram silently. */
static int64_t udp_send(struct sock *s, struct msg *m)
{
    struct sock_addr to, from;
    int64_t n = (int64_t)m->v.left;
    int err = sock_take_error(s);

    if (!err && n > 0xffff)
        err = -L_EMSGSIZE;
    if (!err)
        err = addresses(s, m, &to, &from);
    if (!err && n > (addr_is_v4(&to.in.ip) ? UDP_MAX4 : UDP_MAX6))
        err = -L_EMSGSIZE;
    if (err)
        return err;
    if (!far_is_own(&to.in.ip))
        return far_udp_send(s, m, &to);
    struct sock *r = ports_find(PORTS_UDP, &to, &from);
    if (!r) {
        if (sock_state(s) == SS_CONNECTED && !m->has_addr)
            sock_fail(s, L_ECONNREFUSED);
        return n;
    }
    err = dgramq_put(r->inbox, m, &from, &to, r->rcvbuf);
    if (!err)
        queue_wake(&r->rq);
    sock_put(r);
    return err && err != -L_EAGAIN ? err : n;
}

static int64_t udp_recv(struct sock *s, struct msg *m)
{
    int err = sock_take_error(s);

    if (err)
        return err;
    int64_t r = dgramq_take(s->inbox, m);
    if (r == -L_EAGAIN)
        r = far_udp_recv(s, m);
    return r == -L_EAGAIN && sock_state(s) == SS_CLOSED ? 0 : r;
}

static unsigned udp_poll(struct sock *s)
{
    unsigned r = L_POLLOUT;

    if (__atomic_load_n(&s->error, __ATOMIC_ACQUIRE))
        r |= L_POLLERR | L_POLLIN;
    if (!dgramq_empty(s->inbox))
        r |= L_POLLIN;
    return r | far_udp_poll(s);
}

static int udp_shutdown(struct sock *s, unsigned how)
{
    if (sock_state(s) != SS_CONNECTED)
        return -L_ENOTCONN;
    if (how != L_SHUT_WR)
        sock_set_state(s, SS_CLOSED);
    queue_wake(&s->rq);
    return 0;
}

static int udp_name(struct sock *s, bool peer, struct sock_addr *a)
{
    lock(&s->lock);
    *a = peer ? s->peer : s->local;
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
static void udp_free(struct sock *s) { dgramq_free(s->inbox); }

static const struct sock_ops udp_ops = {
    .bind = udp_bind, .connect = udp_connect, .send = udp_send, .recv = udp_recv, .poll = udp_poll,
    .shutdown = udp_shutdown, .close = udp_close, .free = udp_free, .name = udp_name,
    .unread = udp_unread,
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
