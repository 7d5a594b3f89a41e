/* netlink.c - NETLINK_ROUTE: interfaces, addresses and routes, to be read only.
 *
 * A request for a dump is answered at once: the answers stand in the socket's inbox, a datagram per
 * kind and one with NLMSG_DONE. rtnetlink(7), netlink(7). */
#include <string.h>
#include "gort/os/mem.h"
#include "gort/sock/dgram.h"
#include "gort/sock/filter.h"
#include "gort/sock/interfaces.h"

enum { NLMSG_ERROR = 2, NLMSG_DONE = 3 };
enum { NLM_F_REQUEST = 1, NLM_F_MULTI = 2, NLM_F_ACK = 4, NLM_F_DUMP = 0x300 };
enum { RTM_NEWLINK = 16, RTM_GETLINK = 18, RTM_NEWADDR = 20, RTM_GETADDR = 22, RTM_NEWROUTE = 24,
       RTM_GETROUTE = 26, RTM_NEWNEIGH = 28, RTM_GETNEIGH = 30 };
enum { IFLA_ADDRESS = 1, IFLA_BROADCAST = 2, IFLA_IFNAME = 3, IFLA_MTU = 4, IFLA_OPERSTATE = 16 };
enum { IFA_ADDRESS = 1, IFA_LOCAL = 2, IFA_LABEL = 3, IFA_BROADCAST = 4 };
enum { IFA_F_TENTATIVE = 0x40, IFA_F_PERMANENT = 0x80 };
enum { RTA_DST = 1, RTA_OIF = 4, RTA_GATEWAY = 5, RTA_PRIORITY = 6, RTA_PREFSRC = 7,
       RTA_TABLE = 15 };
enum { TABLE_MAIN = 254, TABLE_LOCAL = 255, SCOPE_LINK = 253, SCOPE_HOST = 254 };
enum { NDA_DST = 1, NDA_LLADDR = 2, NUD_REACHABLE = 2 };
enum { LOOPBACK = 1, ARPHRD_ETHER = 1, ARPHRD_LOOPBACK = 772, IFF_UP_LOOPBACK_RUNNING = 0x49,
       LO_MTU = 65536, OPER_DOWN = 2, OPER_UP = 6 };

struct nlmsghdr { uint32_t len; uint16_t type, flags; uint32_t seq, pid; };
struct ifinfomsg { uint8_t family, pad; uint16_t type; int32_t index; uint32_t flags, change; };
struct ifaddrmsg { uint8_t family, prefix, flags, scope; uint32_t index; };
struct ndmsg {
    uint8_t family, pad; uint16_t pad2; int32_t index; uint16_t state; uint8_t flags, type;
};
struct rtmsg {
    uint8_t family, dst_len, src_len, tos, table, protocol, scope, type;
    uint32_t flags;
};

/* Messages of an answer; full datagrams stand in the socket's inbox already. */
struct reply {
    uint8_t b[1024];
    size_t n;
    const struct nlmsghdr *to;
    struct sock *s;
    int err;                /* the inbox is full */
};

static void post(struct reply *r)
{
    struct l_iovec room;
    struct msg m = { .v = vec_one(&room, r->b, r->n) };
    struct sock_addr kernel = { .family = L_AF_NETLINK };
    int err = r->n ? inbox_put(r->s, &m, &kernel, &kernel) : 0;

    if (err < 0)
        r->err = err;
    r->n = 0;
}

/* Appends n bytes (zeros if p is NULL), padded to the alignment. begin has made sure of the
 * room. */
static void append(struct reply *r, const void *p, size_t n)
{
    size_t space = (n + 3) & ~(size_t)3;

    memset(r->b + r->n, 0, space);
    if (p)
        memcpy(r->b + r->n, p, n);
    r->n += space;
}

enum { MESSAGE_MAX = 256 };

static size_t begin(struct reply *r, uint16_t type, const void *body, size_t n)
{
    struct nlmsghdr h = { 0, type, NLM_F_MULTI, r->to->seq, r->s->local.nl.pid };

    if (r->n + MESSAGE_MAX > sizeof r->b)
        post(r);
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

static void attr_addr(struct reply *r, uint16_t type, const struct net_addr *a)
{
    bool v4 = addr_is_v4(a);

    attr(r, type, v4 ? a->b + 12 : a->b, v4 ? 4 : 16);
}

static void attr_text(struct reply *r, uint16_t type, const char *text)
{
    attr(r, type, text, (uint16_t)(strlen(text) + 1));
}

static void end(struct reply *r, size_t at)
{
    uint32_t len = (uint32_t)(r->n - at);

    memcpy(r->b + at, &len, sizeof len);
}

/* ---- links, addresses ------------------------------------------------------------------- */

static void link(struct reply *r, const struct ifinfomsg *m, const char *name, uint32_t mtu,
                 const uint8_t *mac, const uint8_t *broadcast, uint8_t operstate)
{
    size_t at = begin(r, RTM_NEWLINK, m, sizeof *m);

    attr_text(r, IFLA_IFNAME, name);
    attr(r, IFLA_MTU, &mtu, sizeof mtu);
    attr(r, IFLA_OPERSTATE, &operstate, 1);
    attr(r, IFLA_ADDRESS, mac, 6);
    attr(r, IFLA_BROADCAST, broadcast, 6);
    end(r, at);
}

static void links(struct reply *r)
{
    static const uint8_t zero[6], all[6] = { 255, 255, 255, 255, 255, 255 };
    struct ifinfomsg m = { .type = ARPHRD_LOOPBACK, .index = LOOPBACK,
                           .flags = IFF_UP_LOOPBACK_RUNNING };
    const struct netif *ifp;

    link(r, &m, "lo", LO_MTU, zero, zero, 0);
    for (unsigned i = 2; (ifp = netif_get(i)); i++) {
        bool up = __atomic_load_n(&ifp->dev->up, __ATOMIC_RELAXED);
        m = (struct ifinfomsg){ .type = ARPHRD_ETHER, .index = (int32_t)i,
                                .flags = netif_linux_flags(ifp) };
        link(r, &m, ifp->dev->name, ifp->mtu, ifp->dev->mac, all, up ? OPER_UP : OPER_DOWN);
    }
}

static void address_of(struct reply *r, const struct ifaddrmsg *m, const struct net_addr *a,
                       const char *label)
{
    size_t at = begin(r, RTM_NEWADDR, m, sizeof *m);

    attr_addr(r, IFA_ADDRESS, a);
    if (addr_is_v4(a)) {
        attr_addr(r, IFA_LOCAL, a);
        if (m->index != LOOPBACK && m->prefix < 31) {
            struct net_addr b = *a;
            put32(b.b + 12, get32(b.b + 12) | 0xffffffffu >> m->prefix);
            attr_addr(r, IFA_BROADCAST, &b);
        }
        attr_text(r, IFA_LABEL, label);
    }
    end(r, at);
}

static void addresses(struct reply *r, uint8_t family)
{
    struct net_addr lo = net_addr_loopback(family == L_AF_INET);
    bool v4 = family == L_AF_INET;
    struct ifaddrmsg m = { family, v4 ? 8 : 128, IFA_F_PERMANENT, SCOPE_HOST, LOOPBACK };
    struct netif_addr list[NETIF_ADDRS];
    const struct netif *ifp;

    address_of(r, &m, &lo, "lo");
    for (unsigned i = 2; (ifp = netif_get(i)); i++)
        for (unsigned n = netif_addr_list(ifp, list), k = 0; k < n; k++) {
            const struct netif_addr *a = &list[k];
            if (addr_is_v4(&a->addr) != v4)
                continue;
            m = (struct ifaddrmsg){ family, (uint8_t)(a->prefix - (v4 ? 96 : 0)),
                a->tentative ? IFA_F_TENTATIVE : IFA_F_PERMANENT,
                addr_link_local(&a->addr) ? SCOPE_LINK : 0, i };
            address_of(r, &m, &a->addr, ifp->dev->name);
        }
}

/* ---- routes, neighbours ----------------------------------------------------------------- */

static void lo_route(struct reply *r, uint8_t family)
{
    struct net_addr lo = net_addr_loopback(family == L_AF_INET);
    bool v4 = family == L_AF_INET;
    struct rtmsg m = { family, v4 ? 8 : 128, 0, 0, TABLE_LOCAL, 2, v4 ? SCOPE_HOST : 0, 2, 0 };
    uint8_t net[4] = { 127, 0, 0, 0 };
    uint32_t oif = LOOPBACK, table = TABLE_LOCAL;
    size_t at = begin(r, RTM_NEWROUTE, &m, sizeof m);

    attr(r, RTA_TABLE, &table, 4);
    attr(r, RTA_DST, v4 ? net : lo.b, v4 ? 4 : 16);
    attr(r, RTA_OIF, &oif, 4);
    end(r, at);
}

/* Its proto is "kernel" for the network of an own address, "boot" for a gateway. */
static void route(struct reply *r, const struct net_route *e, uint8_t family)
{
    bool v4 = family == L_AF_INET, direct = addr_any(&e->gateway);
    struct rtmsg m = { family, (uint8_t)(e->prefix - (v4 ? 96 : 0)), 0, 0, TABLE_MAIN,
                       direct ? 2 : 3, v4 && direct ? SCOPE_LINK : 0, 1, 0 };
    uint32_t table = TABLE_MAIN, oif = e->ifindex;
    size_t at = begin(r, RTM_NEWROUTE, &m, sizeof m);

    attr(r, RTA_TABLE, &table, 4);
    if (m.dst_len)
        attr_addr(r, RTA_DST, &e->dst);
    if (!direct)
        attr_addr(r, RTA_GATEWAY, &e->gateway);
    if (v4 && !addr_any(&e->source))
        attr_addr(r, RTA_PREFSRC, &e->source);
    if (e->metric)
        attr(r, RTA_PRIORITY, &e->metric, 4);
    attr(r, RTA_OIF, &oif, 4);
    end(r, at);
}

static void routes(struct reply *r, uint8_t family)
{
    struct net_route *list = os_alloc(NET_ROUTES * sizeof *list);
    bool v4 = family == L_AF_INET;

    for (unsigned n = list ? net_route_list(list, NET_ROUTES) : 0, i = 0; i < n; i++)
        if ((list[i].prefix >= 96 && addr_is_v4(&list[i].dst)) == v4)
            route(r, &list[i], family);
    if (list)
        os_free(list, NET_ROUTES * sizeof *list);
    lo_route(r, family);
}

static void neighbours(struct reply *r, uint8_t family)
{
    enum { MOST = 512 };
    struct net_neighbour *list = os_alloc(MOST * sizeof *list);

    for (unsigned n = list ? net_neighbour_list(list, MOST) : 0, i = 0; i < n; i++) {
        struct ndmsg m = { .family = family, .index = (int32_t)list[i].ifindex,
                           .state = NUD_REACHABLE, .type = 1 };
        if (addr_is_v4(&list[i].addr) != (family == L_AF_INET))
            continue;
        size_t at = begin(r, RTM_NEWNEIGH, &m, sizeof m);
        attr_addr(r, NDA_DST, &list[i].addr);
        attr(r, NDA_LLADDR, list[i].mac, 6);
        end(r, at);
    }
    if (list)
        os_free(list, MOST * sizeof *list);
}

static void both(struct reply *r, uint8_t family, void (*one)(struct reply *, uint8_t))
{
    if (family == 0 || family == L_AF_INET)
        one(r, L_AF_INET);
    if (family == 0 || family == L_AF_INET6)
        one(r, L_AF_INET6);
}

static int answer_error(struct reply *r, int err)
{
    struct { int32_t err; struct nlmsghdr req; } body = { err, *r->to };
    size_t at = begin(r, NLMSG_ERROR, &body, sizeof body);

    end(r, at);
    post(r);
    return r->err;
}

/* Answers one request, whose family stands behind its header. */
static int answer(struct sock *s, const struct nlmsghdr *h, uint8_t family)
{
    struct reply r = { .to = h, .s = s };
    bool dump = (h->flags & NLM_F_DUMP) == NLM_F_DUMP;
    int32_t ok = 0;

    if (!dump && h->type != RTM_GETLINK)
        return answer_error(&r, -L_EOPNOTSUPP);
    switch (h->type) {
    case RTM_GETLINK: links(&r); break;
    case RTM_GETADDR: both(&r, family, addresses); break;
    case RTM_GETROUTE: both(&r, family, routes); break;
    case RTM_GETNEIGH: both(&r, family, neighbours); break;
    default: return answer_error(&r, -L_EOPNOTSUPP);
    }
    post(&r);
    if (!dump)
        return r.err;
    end(&r, begin(&r, NLMSG_DONE, &ok, sizeof ok));
    post(&r);
    return r.err;
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
        return (int64_t)n; /* as on Linux, bytes that are no message get no answer */
    err = answer(s, &h, n > sizeof h ? buf[sizeof h] : 0);
    queue_wake(&s->rq);
    return err ? err : (int64_t)n;
}

static int64_t netlink_recv(struct sock *s, struct msg *m) { return dgramq_take(s->inbox, m); }

static unsigned netlink_poll(struct sock *s)
{
    return L_POLLOUT | (dgramq_empty(s->inbox) ? 0 : L_POLLIN);
}

/* Chooses a port: the process's number for the first socket, then numbers that no process has. */
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
