/* netlink.c - NETLINK_ROUTE: what interfaces, addresses and routes there are, to be read.
 *
 * A request for a dump is answered at once: the answers stand in the socket's inbox, a datagram per
 * kind and one with NLMSG_DONE. rtnetlink(7), netlink(7). */
#include <string.h>
#include "gort/os/mem.h"
#include "gort/sock/dgram.h"

enum { NLMSG_ERROR = 2, NLMSG_DONE = 3 };
enum { NLM_F_REQUEST = 1, NLM_F_MULTI = 2, NLM_F_ACK = 4, NLM_F_DUMP = 0x300 };
enum { RTM_NEWLINK = 16, RTM_GETLINK = 18, RTM_NEWADDR = 20, RTM_GETADDR = 22, RTM_NEWROUTE = 24,
       RTM_GETROUTE = 26, RTM_GETNEIGH = 30 };
enum { IFLA_ADDRESS = 1, IFLA_BROADCAST = 2, IFLA_IFNAME = 3, IFLA_MTU = 4, IFLA_OPERSTATE = 16 };
enum { IFA_ADDRESS = 1, IFA_LOCAL = 2, IFA_LABEL = 3 };
enum { RTA_DST = 1, RTA_OIF = 4, RTA_TABLE = 15 };
enum { LOOPBACK = 1, ARPHRD_LOOPBACK = 772, IFF_UP_LOOPBACK_RUNNING = 0x49, LO_MTU = 65536 };

struct nlmsghdr { uint32_t len; uint16_t type, flags; uint32_t seq, pid; };
struct ifinfomsg { uint8_t family, pad; uint16_t type; int32_t index; uint32_t flags, change; };
struct ifaddrmsg { uint8_t family, prefix, flags, scope; uint32_t index; };
struct rtmsg {
    uint8_t family, dst_len, src_len, tos, table, protocol, scope, type;
    uint32_t flags;
};

/* An answer that grows; what does not fit is left out and noticed. */
struct reply { uint8_t b[1024]; size_t n; const struct nlmsghdr *to; uint32_t pid; };

static void *append(struct reply *r, const void *p, size_t n)
{
    size_t space = (n + 3) & ~(size_t)3;
    void *at = r->b + r->n;

    if (r->n + space > sizeof r->b)
        return NULL;
    memset(at, 0, space);
    if (p)
        memcpy(at, p, n);
    r->n += space;
    return at;
}

static size_t begin(struct reply *r, uint16_t type, const void *body, size_t n)
{
    struct nlmsghdr h = { 0, type, NLM_F_MULTI, r->to->seq, r->pid };
    size_t at = r->n;

    append(r, &h, sizeof h);
    append(r, body, n);
    return at;
}

static void attr(struct reply *r, uint16_t type, const void *p, uint16_t n)
{
    uint16_t h[2] = { (uint16_t)(4 + n), type };
    size_t at = r->n;

    append(r, NULL, 4u + n);
    memcpy(r->b + at, h, sizeof h);
    memcpy(r->b + at + 4, p, n);
}

static void end(struct reply *r, size_t at)
{
    uint32_t len = (uint32_t)(r->n - at);

    memcpy(r->b + at, &len, sizeof len);
}

static void links(struct reply *r)
{
    struct ifinfomsg m = { .type = ARPHRD_LOOPBACK, .index = LOOPBACK,
                           .flags = IFF_UP_LOOPBACK_RUNNING };
    uint32_t mtu = LO_MTU;
    uint8_t zero[6] = { 0 }, unknown = 0;
    size_t at = begin(r, RTM_NEWLINK, &m, sizeof m);

    attr(r, IFLA_IFNAME, "lo", 3);
    attr(r, IFLA_MTU, &mtu, sizeof mtu);
    attr(r, IFLA_OPERSTATE, &unknown, 1);
    attr(r, IFLA_ADDRESS, zero, sizeof zero);
    attr(r, IFLA_BROADCAST, zero, sizeof zero);
    end(r, at);
}

static void address(struct reply *r, uint8_t family)
{
    struct net_addr lo = net_addr_loopback(family == L_AF_INET);
    bool v4 = family == L_AF_INET;
    struct ifaddrmsg m = { family, v4 ? 8 : 128, 0x80, 254, LOOPBACK };
    const uint8_t *bytes = v4 ? lo.b + 12 : lo.b;
    size_t at = begin(r, RTM_NEWADDR, &m, sizeof m);

    attr(r, IFA_ADDRESS, bytes, v4 ? 4 : 16);
    if (v4) {
        attr(r, IFA_LOCAL, bytes, 4);
        attr(r, IFA_LABEL, "lo", 3);
    }
    end(r, at);
}

static void route(struct reply *r, uint8_t family)
{
    struct net_addr lo = net_addr_loopback(family == L_AF_INET);
    bool v4 = family == L_AF_INET;
    struct rtmsg m = { family, v4 ? 8 : 128, 0, 0, 255, 2, v4 ? 254 : 0, 2, 0 };
    uint8_t net[4] = { 127, 0, 0, 0 };
    uint32_t oif = LOOPBACK, table = 255;
    size_t at = begin(r, RTM_NEWROUTE, &m, sizeof m);

    attr(r, RTA_TABLE, &table, 4);
    attr(r, RTA_DST, v4 ? net : lo.b, v4 ? 4 : 16);
    attr(r, RTA_OIF, &oif, 4);
    end(r, at);
}

static void both(struct reply *r, uint8_t family, void (*one)(struct reply *, uint8_t))
{
    if (family == 0 || family == L_AF_INET)
        one(r, L_AF_INET);
    if (family == 0 || family == L_AF_INET6)
        one(r, L_AF_INET6);
}

static int post(struct sock *s, struct reply *r)
{
    struct l_iovec room;
    struct msg m = { .v = vec_one(&room, r->b, r->n) };
    struct sock_addr kernel = { .family = L_AF_NETLINK };

    return dgramq_put(s->inbox, &m, &kernel, &kernel, s->rcvbuf);
}

static int answer_error(struct sock *s, struct reply *r, int err)
{
    struct { int32_t err; struct nlmsghdr req; } body = { err, *r->to };
    size_t at = begin(r, NLMSG_ERROR, &body, sizeof body);

    end(r, at);
    return post(s, r);
}

/* A request, with the family that it asks for behind its header. */
static int answer(struct sock *s, const struct nlmsghdr *h, uint8_t family)
{
    struct reply r = { .to = h, .pid = s->local.nl.pid };
    int32_t ok = 0;

    switch (h->type) {
    case RTM_GETLINK: links(&r); break;
    case RTM_GETADDR: both(&r, family, address); break;
    case RTM_GETROUTE: both(&r, family, route); break;
    case RTM_GETNEIGH: break;
    default: return answer_error(s, &r, -L_EOPNOTSUPP);
    }
    if ((h->flags & NLM_F_DUMP) != NLM_F_DUMP && h->type != RTM_GETLINK)
        return r.n = 0, answer_error(s, &r, -L_EOPNOTSUPP);
    int err = r.n ? post(s, &r) : 0;
    if (err || (h->flags & NLM_F_DUMP) != NLM_F_DUMP)
        return err;
    r.n = 0;
    end(&r, begin(&r, NLMSG_DONE, &ok, sizeof ok));
    return post(s, &r);
}

static int64_t netlink_send(struct sock *s, struct msg *m)
{
    uint8_t buf[512] = { 0 };
    struct nlmsghdr h;
    size_t n = m->v.left;

    if (n > sizeof buf)
        return -L_EMSGSIZE;
    int err = vec_from(&m->v, buf, n);
    memcpy(&h, buf, sizeof h);
    if (err)
        return err;
    if (n < sizeof h || h.len < sizeof h || h.len > n)
        return (int64_t)n; /* as Linux: what is no message has no answer */
    err = answer(s, &h, n > sizeof h ? buf[sizeof h] : 0);
    queue_wake(&s->rq);
    return err ? err : (int64_t)n;
}

static int64_t netlink_recv(struct sock *s, struct msg *m) { return dgramq_take(s->inbox, m); }

static unsigned netlink_poll(struct sock *s)
{
    return L_POLLOUT | (dgramq_empty(s->inbox) ? 0 : L_POLLIN);
}

/* Ports of this one process: its number, then numbers that are nobody's. */
static int netlink_bind(struct sock *s, const struct sock_addr *a)
{
    static uint32_t next = 1; /* [atomic] */

    lock(&s->lock);
    int err = s->state != SS_NEW && a->nl.pid != s->local.nl.pid ? -L_EINVAL : 0;
    if (!err && s->state == SS_NEW) {
        s->local = *a;
        if (!a->nl.pid)
            s->local.nl.pid = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
        sock_set_state(s, SS_BOUND);
    }
    unlock(&s->lock);
    return err;
}

static int netlink_connect(struct sock *s, const struct sock_addr *a)
{
    s->peer = *a;
    return 0;
}

static int netlink_name(struct sock *s, bool peer, struct sock_addr *a)
{
    *a = peer ? s->peer : s->local;
    a->family = L_AF_NETLINK;
    return 0;
}

static int netlink_shutdown(struct sock *s, unsigned how)
{
    (void)s, (void)how;
    return -L_EOPNOTSUPP;
}
static void netlink_close(struct sock *s) { sock_set_state(s, SS_CLOSED); }
static void netlink_free(struct sock *s) { dgramq_free(s->inbox); }
static size_t netlink_unread(struct sock *s) { return dgramq_first_length(s->inbox); }

static const struct sock_ops netlink_ops = {
    .bind = netlink_bind, .connect = netlink_connect, .send = netlink_send, .recv = netlink_recv,
    .poll = netlink_poll, .shutdown = netlink_shutdown, .close = netlink_close,
    .free = netlink_free, .name = netlink_name, .unread = netlink_unread,
};

struct sock *netlink_sock_new(unsigned type)
{
    struct dgramq *q = dgramq_new();
    struct sock *s = q ? sock_new(L_AF_NETLINK, type, 0, &netlink_ops) : NULL;

    if (s)
        s->inbox = q;
    else if (q)
        dgramq_free(q);
    return s;
}
