/* tcp.c - TCP sockets whose other end is in this machine. */
#include "gort/sock/stream.h"

static const struct sock_ops tcp_ops;

static int tcp_bind(struct sock *s, const struct sock_addr *a)
{
    lock(&s->lock);
    int err = s->state != SS_NEW ? -L_EINVAL : ports_bind(PORTS_TCP, s, a);
    if (!err)
        sock_set_state(s, SS_BOUND);
    unlock(&s->lock);
    return err;
}

static int tcp_listen(struct sock *s, unsigned backlog)
{
    struct sock_addr any = { .family = s->domain };

    any.in.ip = net_addr_any(s->domain == L_AF_INET);
    int err = sock_state(s) == SS_NEW ? tcp_bind(s, &any) : 0;
    if (!err && sock_state(s) == SS_BOUND)
        err = ports_may_listen(s);
    return err ? err : backlog_listen(s, backlog);
}

/* The address to connect to: "any" means this machine. */
static int target(struct sock_addr *to)
{
    if (addr_any(&to->in.ip))
        to->in.ip = net_addr_loopback(addr_is_v4(&to->in.ip));
    return net_addr_is_loopback(&to->in.ip) && to->in.port ? 0 : !to->in.port ? -L_ECONNREFUSED
                                                                              : -L_ENETUNREACH;
}

/* s gets its own address, and counts as connecting. */
static int start(struct sock *s, const struct sock_addr *to)
{
    bool v4 = addr_is_v4(&to->in.ip);
    struct net_addr src = net_addr_loopback(v4);
    int err = 0;

    switch (s->state) {
    case SS_CONNECTED: case SS_LISTEN: return -L_EISCONN;
    case SS_CONNECTING: return -L_EALREADY;
    default: break;
    }
    if (!s->in_table)
        err = ports_connect(PORTS_TCP, s, &src, to);
    else if (!addr_any(&s->local.in.ip) && addr_is_v4(&s->local.in.ip) != v4)
        err = -L_ENETUNREACH;
    else
        ports_change(PORTS_TCP, s, addr_any(&s->local.in.ip) ? &src : &s->local.in.ip, to);
    if (err)
        return err;
    sock_set_state(s, SS_CONNECTING);
    return 0;
}

static int tcp_connect(struct sock *s, const struct sock_addr *a)
{
    struct sock_addr to = *a;
    int err = target(&to);

    if (err)
        return err;
    lock(&s->lock);
    err = start(s, &to);
    unlock(&s->lock);
    if (err)
        return err;
    struct sock *l = ports_find(PORTS_TCP, &to, &s->local);
    err = l ? stream_connect(l, s, &to, DUPLEX_TCP) : -L_ECONNREFUSED;
    if (!l) {
        lock(&s->lock);
        if (s->state == SS_CONNECTING)
            sock_set_state(s, SS_BOUND);
        unlock(&s->lock);
    }
    if (l)
        sock_put(l);
    return err;
}

static int tcp_accept(struct sock *s, struct sock **out)
{
    return stream_accept(s, out, DUPLEX_TCP);
}

static int tcp_name(struct sock *s, bool peer, struct sock_addr *a)
{
    lock(&s->lock);
    *a = peer ? s->peer : s->local;
    int err = peer && s->state != SS_CONNECTED ? -L_ENOTCONN : 0;
    unlock(&s->lock);
    return err;
}

/* The port is free at once: nothing of the connection is on any wire. */
static void tcp_close(struct sock *s)
{
    ports_release(PORTS_TCP, s);
    stream_close(s);
}

static const struct sock_ops tcp_ops = {
    .bind = tcp_bind, .listen = tcp_listen, .connect = tcp_connect, .accept = tcp_accept,
    .send = stream_send, .recv = stream_recv, .poll = stream_poll, .shutdown = stream_shutdown,
    .close = tcp_close, .name = tcp_name, .unread = stream_unread,
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
