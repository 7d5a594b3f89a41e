/* tcp.c - TCP sockets: both ends in this machine (stream.h), or not (far.h). */
#include "gort/sock/far.h"
#include "gort/sock/stream.h"

static const struct sock_ops tcp_ops;

static int tcp_bind(struct sock *s, const struct sock_addr *a)
{
    lock(&s->lock);
    int err = s->state != SS_NEW ? -L_EINVAL : ports_bind(PORTS_TCP, s, a);
    if (!err) {
        sock_named_locked(s, a);
        sock_set_state(s, SS_BOUND);
    }
    unlock(&s->lock);
    return err;
}

static int tcp_listen(struct sock *s, unsigned backlog)
{
    struct sock_addr own = { .family = s->domain };

    own.in.ip = s->addr_chosen ? s->shown.ip : net_addr_any(s->domain == L_AF_INET);
    int err = sock_state(s) != SS_NEW ? 0 : tcp_bind(s, &own);
    if (!err && sock_state(s) == SS_BOUND)
        err = ports_may_listen(s);
    if (err)
        return err;
    lock(&s->lock);
    err = s->state == SS_BOUND || s->state == SS_LISTEN ? far_listen(s, backlog) : -L_EINVAL;
    unlock(&s->lock);
    return err ? err : backlog_listen(s, backlog);
}

/* The address to connect to: "any" means this machine, by the family that s is bound to. */
static int target(const struct sock *s, struct sock_addr *to)
{
    if (addr_any(&to->in.ip))
        to->in.ip = net_addr_loopback(addr_is_v4(&to->in.ip) ||
                                      (s->addr_chosen && addr_is_v4(&s->local.in.ip)));
    return addr_multicast(&to->in.ip) ? -L_ENETUNREACH : 0;
}

static bool is_far(const struct sock *s)
{
    return __atomic_load_n(&s->conn, __ATOMIC_ACQUIRE) && sock_state(s) != SS_LISTEN;
}

/* The source address of a connection to an own address: the loopback's, or the own address. */
static struct net_addr own_source(const struct net_addr *to)
{
    return net_addr_is_loopback(to) ? net_addr_loopback(addr_is_v4(to)) : *to;
}

static int may_connect(struct sock *s)
{
    switch (sock_state(s)) {
    case SS_CONNECTED: case SS_LISTEN: return -L_EISCONN;
    case SS_CONNECTING: return -L_EALREADY;
    default: return 0;
    }
}

/* Gives s its local address and makes its state SS_CONNECTING. */
static int start(struct sock *s, const struct sock_addr *to)
{
    bool v4 = addr_is_v4(&to->in.ip);
    struct net_addr src = own_source(&to->in.ip);
    const struct net_addr *named = s->in_table ? &s->local.in.ip : &s->shown.ip;
    bool other = s->addr_chosen && addr_is_v4(named) != v4;
    int err = 0;

    far_deafen(s); /* removes the state of an earlier connect */
    if (!s->addr_chosen || addr_any(named))
        named = &src;
    if (other)
        err = v4 ? -L_ENETUNREACH : -L_EAFNOSUPPORT;
    else if (!s->in_table)
        err = ports_connect(PORTS_TCP, s, named, to);
    else
        ports_change(PORTS_TCP, s, named, to);
    if (err)
        return err;
    sock_set_state(s, SS_CONNECTING);
    return 0;
}

/* What bind(2) has not named is given up with the connection. */
static void names_forget(struct sock *s)
{
    static const struct sock_addr nobody;
    struct net_addr any = net_addr_any(s->domain == L_AF_INET);

    if (!s->port_chosen)
        ports_release(PORTS_TCP, s);
    lock(&s->lock);
    s->shown_family = s->local.family;
    s->shown = s->local.in;
    if (!s->addr_chosen)
        s->shown.ip = any;
    if (s->in_table) {
        ports_change(PORTS_TCP, s, s->addr_chosen ? &s->local.in.ip : &any, &nobody);
        sock_set_state(s, SS_BOUND);
    } else {
        s->local.family = s->peer.family = 0;
        sock_set_state(s, SS_NEW);
    }
    unlock(&s->lock);
}

/* connect(2) to nobody: as if there had been no listen, and no connect. */
static int dissolve(struct sock *s)
{
    lock(&s->lock);
    uint32_t was = s->state;
    far_deafen(s);
    unlock(&s->lock);
    __atomic_store_n(&s->shut, 0, __ATOMIC_RELEASE);
    if (was == SS_LISTEN)
        backlog_close(s);
    if (was == SS_CONNECTING)
        backlog_forget(s);
    stream_dissolve(s);
    if (was != SS_NEW && was != SS_BOUND) /* a port that was only bound stays */
        names_forget(s);
    queue_wake(&s->rq);
    queue_wake(&s->wq);
    return 0;
}

static void connect_failed(struct sock *s)
{
    if (sock_state(s) == SS_CLOSED)
        return;
    __atomic_store_n(&s->shut, 0, __ATOMIC_RELEASE);
    names_forget(s);
}

static int tcp_connect(struct sock *s, const struct sock_addr *a)
{
    struct sock_addr to = *a;
    int err;

    if (!a->family)
        return dissolve(s);
    far_settle(s);
    if ((err = may_connect(s)) || (err = target(s, &to)))
        return err;
    lock(&s->lock);
    err = may_connect(s);
    bool far = !far_is_own(&to.in.ip);
    if (!err)
        err = far ? far_connect(s, &to) : start(s, &to);
    unlock(&s->lock);
    if (err || far)
        return err;
    struct sock *l = ports_find(PORTS_TCP, &to, &s->local);
    err = l ? stream_connect(l, s, &to, DUPLEX_TCP) : -L_ECONNREFUSED;
    if (l)
        sock_put(l);
    if (err && err != -L_EINPROGRESS)
        connect_failed(s);
    return err;
}

/* Accepts from the queues for local and for outside connections in turn. */
static int tcp_accept(struct sock *s, struct sock **out)
{
    bool far = __atomic_load_n(&s->conn, __ATOMIC_ACQUIRE) && sock_state(s) == SS_LISTEN;

    if (!far)
        return stream_accept(s, out, DUPLEX_TCP);
    bool first = __atomic_load_n(&s->far_turn, __ATOMIC_RELAXED);
    int err = first ? far_accept(s, out) : stream_accept(s, out, DUPLEX_TCP);
    if (err == -L_EAGAIN)
        err = first ? stream_accept(s, out, DUPLEX_TCP) : far_accept(s, out);
    __atomic_store_n(&s->far_turn, !first, __ATOMIC_RELAXED);
    return err;
}

static int64_t tcp_send(struct sock *s, struct msg *m)
{
    return is_far(s) ? far_send(s, m) : stream_send(s, m);
}

static int64_t tcp_recv(struct sock *s, struct msg *m)
{
    return is_far(s) ? far_recv(s, m) : stream_recv(s, m);
}

static int64_t tcp_room(struct sock *s)
{
    return is_far(s) ? far_room(s) : -L_EOPNOTSUPP;
}

static struct pkt *tcp_take(struct sock *s, size_t most, int64_t *err)
{
    *err = -L_EOPNOTSUPP;
    return is_far(s) ? far_take(s, most, err) : NULL;
}

static unsigned tcp_poll(struct sock *s)
{
    if (!__atomic_load_n(&s->conn, __ATOMIC_ACQUIRE))
        return stream_poll(s);
    return sock_state(s) == SS_LISTEN ? stream_poll(s) | far_poll(s) : far_poll(s);
}

/* Both ends of s's connection have sent their last byte, or one has reset it. */
static bool is_over(struct sock *s)
{
    enum { CLOSED = 7 };

    return sock_state(s) == SS_CONNECTED && tcp_sock_state(s) == CLOSED;
}

static int tcp_shutdown(struct sock *s, unsigned how)
{
    if (is_far(s))
        return far_shutdown(s, how);
    bool listened = sock_state(s) == SS_LISTEN, over = is_over(s);
    int err = stream_shutdown(s, how);
    if (listened && how != L_SHUT_WR) { /* Linux takes that for a connect to nobody */
        __atomic_store_n(&s->shut, 0, __ATOMIC_RELEASE);
        names_forget(s);
        queue_wake(&s->wq); /* a socket without a connection is writable, unlike a listener */
    }
    if (!err && s->conn && sock_state(s) != SS_CONNECTED) {
        lock(&s->lock);
        far_deafen(s);
        unlock(&s->lock);
    }
    return over ? -L_ENOTCONN : err;
}

unsigned tcp_sock_state(struct sock *s)
{
    enum { SYN_SENT = 2, CLOSED = 7, LISTEN = 10 };
    struct duplex *d = __atomic_load_n(&s->pipe, __ATOMIC_ACQUIRE);
    uint8_t info[1];

    if (is_far(s)) {
        far_tcp_info(s, info, sizeof info);
        return info[0];
    }
    switch (sock_state(s)) {
    case SS_CONNECTED: return d ? duplex_tcp_state(d, s->side) : CLOSED;
    case SS_CONNECTING: return SYN_SENT;
    case SS_LISTEN: return LISTEN;
    default: return CLOSED;
    }
}

static size_t tcp_unread(struct sock *s)
{
    return is_far(s) ? far_unread(s) : stream_unread(s);
}

static int tcp_name(struct sock *s, bool peer, struct sock_addr *a)
{
    far_settle(s);
    bool over = peer && is_over(s);
    lock(&s->lock);
    *a = peer ? s->peer : s->local;
    if (!peer && !a->family && s->shown_family)
        *a = (struct sock_addr){ .family = s->shown_family, .in = s->shown };
    int err = peer && (s->state != SS_CONNECTED || over) ? -L_ENOTCONN : 0;
    unlock(&s->lock);
    return err;
}

/* The port is free at once if the connection was inside this machine; else gort/net keeps it. */
static void tcp_close(struct sock *s)
{
    ports_release(PORTS_TCP, s);
    stream_close(s);
    far_close(s);
}

static const struct sock_ops tcp_ops = {
    .bind = tcp_bind, .listen = tcp_listen, .connect = tcp_connect, .accept = tcp_accept,
    .may_connect = may_connect, .send = tcp_send, .recv = tcp_recv, .room = tcp_room,
    .give = far_give, .take = tcp_take, .poll = tcp_poll, .shutdown = tcp_shutdown,
    .close = tcp_close, .name = tcp_name, .unread = tcp_unread,
};

struct sock *tcp_sock_new(unsigned domain)
{
    struct sock *s = sock_new(domain, L_SOCK_STREAM, L_IPPROTO_TCP, &tcp_ops);

    if (s) {
        s->rcvbuf = 131072;
        s->sndbuf = 16384; /* as net.ipv4.tcp_rmem and tcp_wmem begin */
    }
    return s;
}
