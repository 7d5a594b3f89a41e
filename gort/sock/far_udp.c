/* far_udp.c - UDP with other machines: far.h. */
#include <string.h>
#include "gort/net/ip.h"
#include "gort/net/platform.h"
#include "gort/net/udp.h"
#include "gort/os/mem.h"
#include "gort/sock/far.h"
#include "gort/sock/filter.h"
#include "gort/sock/groups.h"
#include "gort/wire/wire.h"
#include "kernel/clock.h"

/* Under the socket's lock (RANK_UDP). */
static void woken(void *arg, unsigned events)
{
    struct sock *s = arg;

    if (events & (NET_IN | NET_ERR))
        queue_wake(&s->rq);
    if (events & NET_OUT)
        queue_wake(&s->wq);
}

static struct udp_sock *wired(const struct sock *s)
{
    return __atomic_load_n(&s->wired, __ATOMIC_ACQUIRE);
}

/* Under the socket's lock (RANK_UDP), by which the socket lives. */
static void *filter_now(void *arg) { return filter_hold(arg); }

static uint32_t filtered(void *prog, const struct ip_rx *ip, const struct pkt *p)
{
    return filter_packet(prog, p, addr_is_v4(&ip->dst), ip->ifp->index);
}

static void use_filter(const struct sock *s, struct udp_sock *u)
{
    static const struct udp_filter f = { filter_now, filtered };
    bool has = __atomic_load_n(&s->filter, __ATOMIC_ACQUIRE);

    __atomic_store_n(&u->filter, has ? &f : NULL, __ATOMIC_RELEASE);
}

static struct udp_ip options_of(const struct ip_opts *o)
{
    enum { PMTUDISC_DO = 2 };

    return (struct udp_ip){ .ttl = (uint8_t)o->ttl, .tos = (uint8_t)o->tos,
                            .mcast_ttl = (uint8_t)o->mcast_ttl, .mcast_ifindex = o->mcast_if,
                            .dont_fragment = o->mtu_discover == PMTUDISC_DO };
}

void far_udp_options(struct sock *s)
{
    struct udp_sock *u = wired(s);

    if (!u)
        return;
    lock(&u->lock);
    u->broadcast = s->broadcast;
    u->ip4 = options_of(&s->ip4);
    u->ip6 = options_of(&s->ip6);
    u->stamped = s->stamps != STAMPS_NONE;
    u->rcv_buf = s->rcvbuf;
    use_filter(s, u);
    unlock(&u->lock);
}

int far_udp_bind(struct sock *s)
{
    if (!wire_present() || net_addr_is_loopback(&s->local.in.ip))
        return 0;
    struct udp_sock *u = s->unbound ? s->unbound : udp_new(s->domain == L_AF_INET, woken, s);
    if (!u)
        return -L_ENOBUFS;
    u->v6only = s->v6only;
    u->reuse_addr = s->reuse_addr;
    u->reuse_port = s->reuse_port;
    u->freebind = s->freebind;
    use_filter(s, u); /* from the first datagram on */
    int err = udp_bind(u, &s->local.in.ip, s->local.in.port, s->local.in.scope);
    if (err) {
        if (u != s->unbound)
            udp_close(u);
        return err;
    }
    s->unbound = NULL;
    __atomic_store_n(&s->wired, u, __ATOMIC_RELEASE);
    far_udp_options(s);
    return 0;
}

struct udp_sock *far_udp_member(struct sock *s)
{
    struct udp_sock *u;

    lock(&s->lock);
    if (!s->wired && !s->unbound && !s->local.family && sock_is_udp(s) && wire_present())
        s->unbound = udp_new(s->domain == L_AF_INET, woken, s);
    u = s->wired ? s->wired : s->unbound;
    unlock(&s->lock);
    return u;
}

int far_udp_connect(struct sock *s, const struct sock_addr *to)
{
    struct udp_sock *u = s->wired;

    if (!u)
        return to->family && !far_is_own(&to->in.ip) ? wire_present() ? -L_EINVAL : -L_ENETUNREACH
                                                     : 0;
    if (to->family && far_is_own(&to->in.ip)) {
        udp_mute(u);
        return 0;
    }
    return udp_connect(u, &to->in.ip, to->family ? to->in.port : 0);
}

struct net_addr far_udp_source(const struct sock *s)
{
    const struct udp_sock *u = wired(s);

    return u ? u->local : s->local.in.ip;
}

/* The program's bytes in one piece: in place if they are, else a copy. NULL: *err. */
static void *one_piece(struct msg *m, size_t n, bool in, int *err)
{
    *err = 0;
    if (m->v.iov->len - m->v.at >= n)
        return (char *)m->v.iov->base + m->v.at;
    char *copy = os_alloc(n);
    *err = !copy ? -L_ENOBUFS : in ? vec_from(&m->v, copy, n) : 0;
    if (*err && copy)
        os_free(copy, n);
    return *err ? NULL : copy;
}

static bool is_copy(const struct msg *m, const void *p)
{
    return p != (const char *)m->v.iov->base + m->v.at;
}

/* The interface that the message, or its destination, names; 0: none. */
static unsigned far_zone(const struct msg *m, const struct sock_addr *to)
{
    bool zone = addr_link_local(&to->in.ip) || addr_multicast(&to->in.ip);

    return m->from_if > 1 ? m->from_if : zone ? to->in.scope : 0;
}

unsigned far_udp_group_interface(const struct sock *s, const struct msg *m,
                                 const struct sock_addr *to)
{
    unsigned named = far_zone(m, to);
    struct net_path p;
    struct net_addr any = { 0 };

    if (!named)
        named = by_family(s, &to->in.ip)->mcast_if;
    return named || net_path_find(&p, &to->in.ip, &any, 0) ? named : p.ifp->index;
}

struct net_addr far_udp_group_source(const struct sock *s, const struct msg *m,
                                     const struct sock_addr *to)
{
    struct net_path p;

    if (!addr_any(&m->from_ip))
        return m->from_ip;
    if (!addr_any(&s->local.in.ip) && !addr_multicast(&s->local.in.ip))
        return s->local.in.ip;
    struct net_addr any = { 0 };
    return net_path_find(&p, &to->in.ip, &any, far_udp_group_interface(s, m, to)) ? any : p.source;
}

bool far_udp_is_member(const struct sock *s, const struct net_addr *group, unsigned ifindex)
{
    struct udp_sock *u = wired(s);
    bool is = false;

    if (!u)
        return false;
    lock(&u->lock);
    for (unsigned i = 0; i < u->ngroups; i++)
        is |= addr_equal(&u->groups[i].group, group) &&
              (!u->groups[i].ifindex || u->groups[i].ifindex == ifindex);
    unlock(&u->lock);
    return is;
}

int64_t far_udp_send(struct sock *s, struct msg *m, const struct sock_addr *to)
{
    struct udp_sock *u = wired(s);
    size_t n = m->v.left;
    struct msg was = *m; /* one_piece moves its cursor on */
    int err = 0;
    struct udp_from from = { m->from_ip, far_zone(m, to), m->hop, m->service };
    bool named = !addr_any(&from.source) || from.ifindex || from.hop >= 0 || from.service >= 0;

    if (!u)
        return wire_present() ? -L_EINVAL : -L_ENETUNREACH;
    void *buf = n ? one_piece(m, n, true, &err) : NULL;
    if (err)
        return err;
    int64_t r = udp_send(u, &to->in.ip, to->in.port, n ? buf : "", n, named ? &from : NULL);
    if (n && is_copy(&was, buf))
        os_free(buf, n);
    return r;
}

static int64_t taken(struct sock *s, struct msg *m, const struct udp_meta *meta, int64_t n)
{
    m->full_length = meta->length;
    if ((size_t)n < meta->length)
        m->out_flags |= L_MSG_TRUNC;
    m->addr = (struct sock_addr){ .family = s->domain, .in = { meta->src, meta->sport, 0 } };
    m->to = (struct sock_addr){ .family = s->domain, .in = { meta->dst, s->local.in.port, 0 } };
    if (addr_link_local(&meta->src))
        m->addr.in.scope = meta->ifindex;
    m->ifindex = meta->ifindex;
    m->ttl = meta->ttl;
    m->tos = meta->tos;
    m->time = s->stamps ? clock_wall_ns() - (meta->came ? net_now_ns() - meta->came : 0) : 0;
    return n;
}

int64_t far_udp_recv(struct sock *s, struct msg *m)
{
    enum { LONGEST = 65535 };
    struct udp_sock *u = wired(s);
    struct udp_meta meta;
    struct msg was = *m;
    size_t n = m->v.left < LONGEST ? m->v.left : LONGEST;
    int err = 0;
    char none;

    if (!u)
        return -L_EAGAIN;
    void *buf = n ? one_piece(m, n, false, &err) : &none;
    if (err)
        return err;
    int64_t r = udp_recv(u, buf, n, &meta, m->flags & L_MSG_PEEK ? UDP_PEEK : 0);
    if (n && is_copy(&was, buf)) {
        err = r > 0 ? vec_to(&m->v, buf, (size_t)r) : 0;
        os_free(buf, n);
        r = err ? err : r;
    }
    return r < 0 ? r : taken(s, m, &meta, r);
}

unsigned far_udp_poll(struct sock *s)
{
    struct udp_sock *u = wired(s);

    return u ? udp_poll(u) : 0;
}

size_t far_udp_unread(struct sock *s)
{
    struct udp_sock *u = wired(s);

    return u ? udp_first_length(u) : 0;
}

static uint32_t far_drops(struct udp_sock *u)
{
    lock(&u->lock);
    uint32_t n = (uint32_t)u->drops;
    unlock(&u->lock);
    return n;
}

uint32_t far_udp_drops(struct sock *s)
{
    struct udp_sock *u = wired(s);

    return u ? far_drops(u) : 0;
}

void far_udp_close(struct sock *s)
{
    struct udp_sock *u = s->wired ? s->wired : s->unbound;

    __atomic_store_n(&s->wired, NULL, __ATOMIC_RELEASE);
    s->unbound = NULL;
    if (u) {
        groups_leave(u);
        __atomic_add_fetch(&s->drops, far_drops(u), __ATOMIC_RELAXED);
        udp_close(u);
    }
}
