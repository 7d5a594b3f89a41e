/* far_tcp.c - TCP with other machines: far.h. */
#include <string.h>
#include "gort/net/tcp.h"
#include "gort/os/mem.h"
#include "gort/sock/far.h"
#include "gort/sock/stream.h"
#include "gort/wire/wire.h"

static struct tcp_conn *conn_of(const struct sock *s)
{
    return __atomic_load_n(&s->conn, __ATOMIC_ACQUIRE);
}

bool far_is_own(const struct net_addr *a)
{
    return net_addr_is_loopback(a) || (wire_present() && netif_has(NULL, a));
}

/* Can packets from outside be addressed to this local address? */
static bool from_outside(const struct net_addr *a)
{
    return wire_present() && !net_addr_is_loopback(a);
}

/* Under the connection's lock, after its state is visible. */
static void woken(void *arg, unsigned events)
{
    struct sock *s = arg;

    if (events & (NET_IN | NET_RDHUP | NET_HUP | NET_ERR))
        queue_wake(&s->rq);
    if (events & (NET_OUT | NET_HUP | NET_ERR))
        queue_wake(&s->wq);
}

/* ---- options -------------------------------------------------------------------------------- */

struct option { int level, name; enum tcp_opt opt; long (*value)(const struct sock *s); };
#define V(field) static long value_##field(const struct sock *s) { return (long)s->field; }
V(nodelay) V(cork) V(keepalive) V(keepidle) V(keepintvl) V(keepcnt) V(user_timeout) V(syncnt)
V(maxseg) V(notsent_lowat) V(rcvlowat) V(linger) V(sndbuf) V(rcvbuf)
#undef V
static long value_ttl(const struct sock *s) { return (uint8_t)s->ip4.ttl; }
static long value_tos(const struct sock *s) { return s->ip4.tos; }
static long value_hops6(const struct sock *s) { return (uint8_t)s->ip6.ttl; }
static long value_tclass6(const struct sock *s) { return s->ip6.tos; }
static long value_one(const struct sock *s) { return s != NULL; }

static const struct option told[] = {
    { L_IPPROTO_TCP, L_TCP_NODELAY, TCP_OPT_NODELAY, value_nodelay },
    { L_IPPROTO_TCP, L_TCP_CORK, TCP_OPT_CORK, value_cork },
    { L_IPPROTO_TCP, L_TCP_KEEPIDLE, TCP_OPT_KEEPIDLE, value_keepidle },
    { L_IPPROTO_TCP, L_TCP_KEEPINTVL, TCP_OPT_KEEPINTVL, value_keepintvl },
    { L_IPPROTO_TCP, L_TCP_KEEPCNT, TCP_OPT_KEEPCNT, value_keepcnt },
    { L_SOL_SOCKET, L_SO_KEEPALIVE, TCP_OPT_KEEPALIVE, value_keepalive },
    { L_IPPROTO_TCP, L_TCP_USER_TIMEOUT, TCP_OPT_USER_TIMEOUT, value_user_timeout },
    { L_IPPROTO_TCP, L_TCP_SYNCNT, TCP_OPT_SYNCNT, value_syncnt },
    { L_IPPROTO_TCP, L_TCP_MAXSEG, TCP_OPT_MAXSEG, value_maxseg },
    { L_IPPROTO_TCP, L_TCP_NOTSENT_LOWAT, TCP_OPT_NOTSENT_LOWAT, value_notsent_lowat },
    { L_SOL_SOCKET, L_SO_RCVLOWAT, TCP_OPT_RCVLOWAT, value_rcvlowat },
    { L_SOL_SOCKET, L_SO_LINGER, TCP_OPT_LINGER, value_linger },
    { L_IPPROTO_IP, L_IP_TTL, TCP_OPT_TTL, value_ttl },
    { L_IPPROTO_IPV6, L_IPV6_UNICAST_HOPS, TCP_OPT_HOPS6, value_hops6 },
    { L_IPPROTO_IP, L_IP_TOS, TCP_OPT_TOS, value_tos },
    { L_IPPROTO_IPV6, L_IPV6_TCLASS, TCP_OPT_TCLASS6, value_tclass6 },
    { L_SOL_SOCKET, L_SO_SNDBUF, TCP_OPT_SNDBUF, value_sndbuf },
    { L_SOL_SOCKET, L_SO_SNDBUFFORCE, TCP_OPT_SNDBUF, value_sndbuf },
    { L_SOL_SOCKET, L_SO_RCVBUF, TCP_OPT_RCVBUF, value_rcvbuf },
    { L_SOL_SOCKET, L_SO_RCVBUFFORCE, TCP_OPT_RCVBUF, value_rcvbuf },
    { L_IPPROTO_TCP, L_TCP_QUICKACK, TCP_OPT_QUICKACK, value_one },
};

void far_option(struct sock *s, int level, int name)
{
    struct tcp_conn *c = conn_of(s);

    for (size_t i = 0; c && i < sizeof told / sizeof told[0]; i++)
        if (told[i].level == level && told[i].name == name)
            tcp_set(c, told[i].opt, told[i].value(s));
}

/* Hands options that were set before the connection existed on to it. */
static void options_hand_on(const struct sock *s, struct tcp_conn *c)
{
    tcp_set(c, TCP_OPT_REUSEADDR, s->reuse_addr);
    tcp_set(c, TCP_OPT_REUSEPORT, s->reuse_port);
    tcp_set(c, TCP_OPT_V6ONLY, s->v6only);
    tcp_set(c, TCP_OPT_FREEBIND, s->freebind);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        long v = told[i].value(s);
        bool buffer = told[i].opt == TCP_OPT_SNDBUF || told[i].opt == TCP_OPT_RCVBUF;
        if (told[i].opt == TCP_OPT_QUICKACK || (buffer && !s->buffers_set) || (!v && !buffer))
            continue;
        tcp_set(c, told[i].opt, v);
    }
}

void far_tcp_info(struct sock *s, uint8_t *info, size_t n)
{
    struct tcp_info i;
    uint32_t w[26] = { 0 };

    tcp_info(conn_of(s), &i);
    uint8_t *b = (uint8_t *)w;
    b[0] = (uint8_t)i.state;
    b[1] = i.ca_state;
    b[2] = i.retransmits;
    b[4] = i.backoff;
    b[5] = (uint8_t)(i.timestamps | i.sack << 1 | i.wscale << 2);
    b[6] = (uint8_t)(i.snd_scale | i.rcv_scale << 4);
    uint32_t mss = i.mss ? i.mss : 536;
    w[2] = i.rto_us;
    w[4] = i.mss;
    w[5] = i.rcv_mss;
    w[6] = i.state == TCP_LISTEN ? i.backlog : i.in_flight / mss;
    w[7] = i.state == TCP_LISTEN ? i.max_backlog : i.sacked / mss;
    w[8] = i.lost / mss;
    w[9] = i.retrans / mss;
    w[15] = i.pmtu;
    w[16] = i.rcv_wnd;
    w[17] = i.rtt_us;
    w[18] = i.rttvar_us;
    w[19] = i.ssthresh == UINT32_MAX ? 0x7fffffff : i.ssthresh / mss;
    w[20] = i.cwnd / mss;
    w[21] = i.mss;
    w[22] = 3;
    w[24] = i.rcv_space;
    w[25] = (uint32_t)i.total_retrans;
    memcpy(info, w, n < sizeof w ? n : sizeof w);
}

/* ---- beginning ------------------------------------------------------------------------------ */

struct far_old { struct far_old *next; struct tcp_conn *conn; };

/* Gives up the failed connection of s, so that a new one can take its place. */
static int retire(struct sock *s)
{
    struct far_old *o = s->conn ? os_alloc(sizeof *o) : NULL;

    if (!s->conn)
        return 0;
    if (!o)
        return -L_ENOBUFS;
    *o = (struct far_old){ s->conn_old, s->conn };
    s->conn_old = o;
    __atomic_store_n(&s->conn, NULL, __ATOMIC_RELEASE);
    return 0;
}

/* A new connection with s's options and, if it has one, its address. NULL: *err. */
static struct tcp_conn *conn_new(struct sock *s, unsigned ifindex, int *err)
{
    struct tcp_conn *c = tcp_new(s->domain == L_AF_INET, woken, s);

    *err = c ? 0 : -L_ENOBUFS;
    if (!c)
        return NULL;
    options_hand_on(s, c);
    if (s->local.family || ifindex)
        *err = tcp_bind(c, &s->local.in.ip, s->local.family ? s->local.in.port : 0, ifindex);
    if (!*err)
        return c;
    tcp_close(c);
    return NULL;
}

int far_listen(struct sock *s, unsigned backlog)
{
    int err = 0;

    if (!from_outside(&s->local.in.ip))
        return 0;
    if (s->conn && sock_state(s) != SS_LISTEN && (err = retire(s)))
        return err;
    struct tcp_conn *c = s->conn ? s->conn : conn_new(s, s->local.in.scope, &err);
    if (!c)
        return err;
    __atomic_store_n(&s->conn, c, __ATOMIC_RELEASE);
    return tcp_listen(c, backlog);
}

/* The interface of a link-local address: the scope that the program has named. */
static unsigned zone_of(const struct sock_addr *a)
{
    return addr_link_local(&a->in.ip) ? a->in.scope : 0;
}

static void names_take(struct sock *s, struct tcp_conn *c, struct sock_addr *local,
                       struct sock_addr *peer)
{
    struct tcp_name n;

    tcp_name(c, &n);
    *local = (struct sock_addr){ .family = s->domain, .in = { n.laddr, n.lport, 0 } };
    *peer = (struct sock_addr){ .family = s->domain, .in = { n.raddr, n.rport, 0 } };
    if (addr_link_local(&n.laddr))
        local->in.scope = n.ifindex;
    if (addr_link_local(&n.raddr))
        peer->in.scope = n.ifindex;
}

int far_connect(struct sock *s, const struct sock_addr *to)
{
    struct sock_addr local, peer;
    int err = 0;

    if (!wire_present())
        return -L_ENETUNREACH;
    if (s->local.family && net_addr_is_loopback(&s->local.in.ip))
        return -L_EINVAL;
    if ((err = retire(s)))
        return err;
    struct tcp_conn *c = conn_new(s, zone_of(to), &err);
    if (!c)
        return err;
    uint32_t was = s->state;
    __atomic_store_n(&s->conn, c, __ATOMIC_RELEASE);
    sock_set_state(s, SS_CONNECTING);
    err = tcp_connect(c, &to->in.ip, to->in.port);
    if (err != -L_EINPROGRESS) {
        sock_set_state(s, was);
        return err;
    }
    names_take(s, c, &local, &peer);
    if (s->in_table) {
        ports_change(PORTS_TCP, s, &local.in.ip, to);
    } else {
        s->local = local;
        s->peer = *to;
    }
    return err;
}

void far_settle(struct sock *s)
{
    struct tcp_name n;

    if (sock_state(s) != SS_CONNECTING || !conn_of(s))
        return;
    lock(&s->lock);
    if (s->state == SS_CONNECTING && s->conn) {
        tcp_name(s->conn, &n);
        if (n.state == TCP_CLOSED) {
            int e = tcp_take_error(s->conn);
            __atomic_store_n(&s->error, e ? e : L_ECONNABORTED, __ATOMIC_SEQ_CST);
            if (!s->in_table)
                s->local.family = 0;
            __atomic_store_n(&s->shut, 0, __ATOMIC_RELEASE);
            sock_set_state(s, s->in_table ? SS_BOUND : SS_NEW);
        } else if (n.state != TCP_SYN_SENT && n.state != TCP_SYN_RECEIVED) {
            sock_set_state(s, SS_CONNECTED);
        }
    }
    unlock(&s->lock);
}

int far_take_error(struct sock *s)
{
    struct tcp_conn *c = conn_of(s);

    far_settle(s);
    int e = __atomic_exchange_n(&s->error, 0, __ATOMIC_ACQ_REL);
    if (!e && c && sock_state(s) != SS_CONNECTING)
        e = tcp_take_error(c);
    return -e;
}

int far_accept(struct sock *l, struct sock **out)
{
    struct tcp_conn *lc = conn_of(l);
    int err = -L_EAGAIN;
    struct tcp_conn *c = lc ? tcp_accept(lc, &err) : NULL;

    if (!c)
        return err;
    struct sock *p = sock_new(l->domain, l->type, l->protocol, l->ops);
    if (!p) {
        tcp_abort(c);
        return -L_ENOBUFS;
    }
    stream_inherit(p, l);
    names_take(l, c, &p->local, &p->peer);
    p->conn = c;
    sock_set_state(p, SS_CONNECTED);
    tcp_attach(c, woken, p);
    if (p->shut & SHUT_OUT) /* it was the listener's */
        tcp_shutdown(c, TCP_SHUT_WR);
    *out = p;
    return 0;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

/* Checks before an operation on the connection: a pending error, or a connect that is not over. */
static int may_move(struct sock *s)
{
    if (__atomic_load_n(&s->error, __ATOMIC_RELAXED))
        return far_take_error(s);
    if (sock_state(s) == SS_CONNECTING)
        far_settle(s);
    return 0;
}

/* Sends the buffers one after the other; all but the last are sent with TCP_MORE. */
int64_t far_send(struct sock *s, struct msg *m)
{
    struct tcp_conn *c = conn_of(s);
    int64_t done = 0, r = may_move(s);

    if (r < 0)
        return r;
    if (sock_shut(s) & SHUT_OUT) /* before it was connected */
        return -L_EPIPE;
    do {
        const struct l_iovec *iov = m->v.iov;
        size_t part = m->v.left ? iov->len - m->v.at : 0;
        bool more = m->flags & L_MSG_MORE || m->v.left > part;
        r = tcp_send(c, part ? (const char *)iov->base + m->v.at : NULL, part, more ? TCP_MORE : 0);
        if (r < 0)
            return done ? done : r;
        vec_skip(&m->v, (size_t)r);
        done += r;
        if ((size_t)r < part)
            break;
    } while (m->v.left);
    return done;
}

int64_t far_recv(struct sock *s, struct msg *m)
{
    struct tcp_conn *c = conn_of(s);
    unsigned flags = (m->flags & L_MSG_PEEK ? TCP_PEEK : 0) | (m->flags & L_MSG_TRUNC ? TCP_DISCARD
                                                                                      : 0);
    int64_t done = 0, r = may_move(s);

    if (r < 0)
        return r;
    while (m->v.left) {
        const struct l_iovec *iov = m->v.iov;
        size_t part = iov->len - m->v.at;
        r = tcp_recv(c, (char *)iov->base + m->v.at, part, flags);
        if (r == -L_EAGAIN && sock_shut(s) & SHUT_IN)
            return done;
        if (r < 0)
            return done ? done : r;
        vec_skip(&m->v, (size_t)r);
        done += r;
        if ((size_t)r < part || flags & TCP_PEEK)
            break;
    }
    return done;
}

int64_t far_room(struct sock *s)
{
    int64_t r = may_move(s);

    if (!r && sock_shut(s) & SHUT_OUT) /* before it was connected */
        r = -L_EPIPE;
    return r < 0 ? r : tcp_room(conn_of(s));
}

/* What room has found may be over by now: then this says so. */
int64_t far_give(struct sock *s, struct pkt *pieces, bool more)
{
    int64_t r = may_move(s);

    return r < 0 ? r : tcp_send_pieces(conn_of(s), pieces, more ? TCP_MORE : 0);
}

struct pkt *far_take(struct sock *s, size_t most, int64_t *err)
{
    int e = may_move(s);
    struct pkt *list = e ? NULL : tcp_recv_pieces(conn_of(s), most, &e);

    *err = e;
    return list;
}

unsigned far_poll(struct sock *s)
{
    unsigned r = tcp_poll(conn_of(s)) | sock_shut_poll(s);

    if (sock_shut(s) & SHUT_OUT)
        r |= L_POLLOUT | (r & L_POLLRDHUP ? L_POLLHUP : 0);
    return __atomic_load_n(&s->error, __ATOMIC_ACQUIRE) ? r | L_POLLERR | L_POLLIN | L_POLLOUT : r;
}

int far_shutdown(struct sock *s, unsigned how)
{
    far_settle(s);
    return tcp_shutdown(conn_of(s), how == L_SHUT_RD   ? TCP_SHUT_RD
                                    : how == L_SHUT_WR ? TCP_SHUT_WR
                                                       : TCP_SHUT_RD | TCP_SHUT_WR);
}

size_t far_unread(struct sock *s) { return tcp_unread(conn_of(s)); }
size_t far_unacked(struct sock *s) { return tcp_unacked(conn_of(s)); }

void far_deafen(struct sock *s)
{
    if (s->conn)
        tcp_stop(s->conn);
    retire(s);
}

void far_close(struct sock *s)
{
    struct tcp_conn *c = s->conn;

    __atomic_store_n(&s->conn, NULL, __ATOMIC_RELEASE);
    if (c)
        tcp_close(c);
    while (s->conn_old) {
        struct far_old *o = s->conn_old;
        s->conn_old = o->next;
        tcp_close(o->conn);
        os_free(o, sizeof *o);
    }
}
