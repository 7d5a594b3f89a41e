/* control.c - see control.h. */
#include "gort/sock/control.h"
#include <string.h>
#include "gort/os/mem.h"

enum { CONTROL_MAX = 4096 };

static size_t cmsg_align(size_t n) { return (n + 7) & ~(size_t)7; }

/* ---- sent ----------------------------------------------------------------------------------- */

static int64_t rights_get(const uint8_t *fds, size_t n, struct rights **out)
{
    if (*out || n > L_SCM_MAX_FD)
        return -L_EINVAL;
    struct rights *r = rights_new((unsigned)n);
    if (!r)
        return -L_ENOMEM;
    for (; r->n < n; r->n++) {
        int32_t fd;
        memcpy(&fd, fds + 4 * r->n, 4);
        r->file[r->n] = fd_get(fd);
        if (!r->file[r->n])
            break;
    }
    if (r->n == n) {
        *out = r;
        return 0;
    }
    rights_free(r);
    return -L_EBADF;
}

static int64_t local_get(const struct l_cmsghdr *k, const uint8_t *data, size_t n, struct msg *m)
{
    if (k->level != L_SOL_SOCKET)
        return 0;
    switch (k->type) {
    case L_SCM_RIGHTS: return rights_get(data, n / 4, &m->rights);
    case L_SCM_CREDENTIALS: return n == sizeof(struct l_ucred) ? 0 : -L_EINVAL;
    default: return -L_EINVAL;
    }
}

/* An integer between lo and hi. */
static int64_t number_get(const uint8_t *data, size_t n, int32_t lo, int32_t hi, int16_t *to)
{
    int32_t v;

    if (n != sizeof v)
        return -L_EINVAL;
    memcpy(&v, data, sizeof v);
    if (v < lo || v > hi)
        return -L_EINVAL;
    *to = (int16_t)v;
    return 0;
}

static int64_t pktinfo_get(const uint8_t *data, size_t n, bool v4, struct msg *m)
{
    if (n != (v4 ? 12 : 20))
        return -L_EINVAL;
    memcpy(&m->from_if, data + (v4 ? 0 : 16), 4);
    m->from_ip = v4 ? addr_v4(data + 4) : addr_v6(data);
    return 0;
}

static int64_t ip_get(const struct l_cmsghdr *k, const uint8_t *data, size_t n, struct msg *m)
{
    switch (k->type) {
    case L_IP_PKTINFO: return pktinfo_get(data, n, true, m);
    case L_IP_TTL: return number_get(data, n, 1, 255, &m->hop);
    case L_IP_TOS:
        if (n == 1) {
            m->service = data[0];
            return 0;
        }
        return number_get(data, n, 0, 255, &m->service);
    default: return -L_EINVAL;
    }
}

static int64_t ipv6_get(const struct l_cmsghdr *k, const uint8_t *data, size_t n, struct msg *m)
{
    switch (k->type) {
    case L_IPV6_PKTINFO: return pktinfo_get(data, n, false, m);
    case L_IPV6_HOPLIMIT: return number_get(data, n, -1, 255, &m->hop);
    case L_IPV6_TCLASS: return number_get(data, n, -1, 255, &m->service);
    default: return -L_EINVAL;
    }
}

static int64_t segment_get(const struct l_cmsghdr *k, const uint8_t *data, size_t n, struct msg *m)
{
    if (k->type != L_UDP_SEGMENT || n != sizeof m->segment)
        return -L_EINVAL;
    memcpy(&m->segment, data, n);
    return 0;
}

/* Of SOL_SOCKET, what concerns other protocols, or only the sender's own system, is let pass. */
static int64_t inet_get(const struct sock *s, const struct l_cmsghdr *k, const uint8_t *data,
                        size_t n, struct msg *m)
{
    if (s->type == L_SOCK_STREAM)
        return 0;
    switch (k->level) {
    case L_SOL_SOCKET:
        return k->type == L_SCM_RIGHTS || k->type == L_SCM_CREDENTIALS || k->type == L_SO_MARK
                   ? 0 : -L_EINVAL;
    case L_IPPROTO_IP: return ip_get(k, data, n, m);
    case L_IPPROTO_IPV6: return s->domain == L_AF_INET6 ? ipv6_get(k, data, n, m) : 0;
    case L_IPPROTO_UDP: return segment_get(k, data, n, m);
    default: return 0;
    }
}

int64_t controls_get(struct call *c, struct sock *s, uint64_t at, size_t n, struct msg *m)
{
    uint8_t buf[CONTROL_MAX];

    if (!n)
        return 0;
    if (n > sizeof buf)
        return -L_ENOBUFS;
    int64_t err = copy_in(c, buf, at, n);
    for (size_t i = 0; !err && i + sizeof(struct l_cmsghdr) <= n;) {
        struct l_cmsghdr k;
        memcpy(&k, buf + i, sizeof k);
        if (k.len < sizeof k || k.len > n - i)
            return s->type == L_SOCK_STREAM && s->domain != L_AF_UNIX ? 0 : -L_EINVAL;
        const uint8_t *data = buf + i + sizeof k;
        size_t bytes = k.len - sizeof k;
        if (s->domain == L_AF_UNIX)
            err = local_get(&k, data, bytes, m);
        else if (s->domain == L_AF_INET || s->domain == L_AF_INET6)
            err = inet_get(s, &k, data, bytes, m);
        i += cmsg_align(k.len);
    }
    return err;
}

/* ---- received ------------------------------------------------------------------------------- */

/* The room that is left. */
struct controls {
    struct call *c;
    struct msg *m;
    uint64_t at, left, used;
};

static void control_put(struct controls *k, int level, int type, const void *data, size_t n)
{
    struct l_cmsghdr h = { sizeof h + n, level, type };
    size_t space = cmsg_align(h.len);

    if (k->left < h.len || copy_out(k->c, k->at, &h, sizeof h) ||
        copy_out(k->c, k->at + sizeof h, data, n)) {
        k->m->out_flags |= L_MSG_CTRUNC;
        return;
    }
    if (space > k->left)
        space = k->left;
    k->at += space;
    k->left -= space;
    k->used += space;
}

static void control_int(struct controls *k, int level, int type, int32_t v)
{
    control_put(k, level, type, &v, sizeof v);
}

/* As many files as fit get descriptors; the others are closed, and the caller is told. */
static void rights_give(struct controls *k, struct rights *r, bool cloexec)
{
    int32_t fds[L_SCM_MAX_FD];
    size_t max = k->left > sizeof(struct l_cmsghdr) ? (k->left - sizeof(struct l_cmsghdr)) / 4 : 0;
    unsigned n = 0;

    for (; n < r->n && n < max; n++) {
        file_get(r->file[n]);
        int64_t fd = fd_install(r->file[n], cloexec, 0);
        if (fd < 0)
            break;
        fds[n] = (int32_t)fd;
    }
    if (n < r->n)
        k->m->out_flags |= L_MSG_CTRUNC;
    if (n)
        control_put(k, L_SOL_SOCKET, L_SCM_RIGHTS, fds, 4 * n);
}

static void pktinfo_give(struct controls *k, const struct msg *m, bool v4)
{
    uint32_t ifindex = m->ifindex ? m->ifindex : 1;
    uint8_t four[12], six[20]; /* four: interface; address of ours, destination of the header */

    if (v4) {
        memcpy(four, &ifindex, 4);
        memcpy(four + 4, m->to.in.ip.b + 12, 4);
        memcpy(four + 8, m->to.in.ip.b + 12, 4);
        control_put(k, L_IPPROTO_IP, L_IP_PKTINFO, four, sizeof four);
        return;
    }
    memcpy(six, m->to.in.ip.b, 16);
    memcpy(six + 16, &ifindex, 4);
    control_put(k, L_IPPROTO_IPV6, L_IPV6_PKTINFO, six, sizeof six);
}

/* IP_RECVORIGDSTADDR: where the packet was sent to, as an address of its own family whatever the
 * socket's is. */
static void destination_give(struct controls *k, const struct msg *m, bool v4)
{
    struct l_sockaddr_in in = { .family = L_AF_INET };
    struct l_sockaddr_in6 in6 = { .family = L_AF_INET6 };

    if (v4) {
        put16(in.port, m->to.in.port);
        memcpy(in.addr, m->to.in.ip.b + 12, 4);
        control_put(k, L_IPPROTO_IP, L_IP_RECVORIGDSTADDR, &in, sizeof in);
        return;
    }
    put16(in6.port, m->to.in.port);
    memcpy(in6.addr, m->to.in.ip.b, 16);
    in6.scope = addr_link_local(&m->to.in.ip) ? m->ifindex : 0;
    control_put(k, L_IPPROTO_IPV6, L_IPV6_RECVORIGDSTADDR, &in6, sizeof in6);
}

/* SO_TIMESTAMP in microseconds, SO_TIMESTAMPNS in nanoseconds. */
static void time_give(struct controls *k, const struct sock *s, int64_t ns)
{
    bool fine = s->stamps == STAMPS_NS;
    int64_t t[2] = { ns / 1000000000, ns % 1000000000 / (fine ? 1 : 1000) };

    control_put(k, L_SOL_SOCKET, fine ? L_SO_TIMESTAMPNS : L_SO_TIMESTAMP, t, sizeof t);
}

/* A socket of IPv6 gets what it has asked for of IPv4 with packets of IPv4. */
static void packet_give(struct controls *k, const struct sock *s, const struct msg *m)
{
    bool v4 = addr_is_v4(&m->to.in.ip);

    if (s->stamps && m->time)
        time_give(k, s, m->time);
    if (s->pktinfo6 && s->domain == L_AF_INET6)
        pktinfo_give(k, m, false);
    if (v4 && s->pktinfo4)
        pktinfo_give(k, m, true);
    if (v4 && s->ttl4)
        control_int(k, L_IPPROTO_IP, L_IP_TTL, m->ttl);
    if (v4 && s->tos4)
        control_put(k, L_IPPROTO_IP, L_IP_TOS, &m->tos, 1);
    if (!v4 && s->hops6)
        control_int(k, L_IPPROTO_IPV6, L_IPV6_HOPLIMIT, m->ttl);
    if (!v4 && s->tclass6)
        control_int(k, L_IPPROTO_IPV6, L_IPV6_TCLASS, m->tos);
    if (v4 ? s->dst4 : s->dst6)
        destination_give(k, m, v4);
}

/* struct sock_extended_err and, behind it, who has sent it: here the peer's own machine. */
static void error_give(struct controls *k, const struct sock *s, const struct msg *m)
{
    enum { ORIGIN_ICMP = 2, ORIGIN_ICMP6 = 3, RECVERR6 = 25 };
    bool v6 = s->domain == L_AF_INET6;
    bool icmp6 = !addr_is_v4(&m->addr.in.ip);
    struct sock_addr offender = m->addr;
    uint8_t e[16 + L_SOCKADDR_MAX] = { 0 };
    uint32_t number = (uint32_t)m->error;

    memcpy(e, &number, 4);
    e[4] = icmp6 ? ORIGIN_ICMP6 : ORIGIN_ICMP;
    e[5] = icmp6 ? 1 : 3;   /* unreachable: */
    e[6] = icmp6 ? 4 : 3;   /* the port */
    offender.in.port = 0;
    uint32_t n = addr_to_user(s, &offender, e + 16, L_SOCKADDR_MAX);
    control_put(k, v6 ? L_IPPROTO_IPV6 : L_IPPROTO_IP, v6 ? RECVERR6 : L_IP_RECVERR, e, 16 + n);
}

size_t controls_give(struct call *c, struct sock *s, uint64_t at, size_t room, struct msg *m)
{
    struct controls k = { c, m, at, at ? room : 0, 0 };
    static const struct l_ucred we = { 1, 0, 0 };

    if (s->passcred && m->creds && s->domain == L_AF_UNIX)
        control_put(&k, L_SOL_SOCKET, L_SCM_CREDENTIALS, &we, sizeof we);
    if (m->rights)
        rights_give(&k, m->rights, m->flags & L_MSG_CMSG_CLOEXEC);
    if (m->to.family && s->type != L_SOCK_STREAM)
        packet_give(&k, s, m);
    if (m->error)
        error_give(&k, s, m);
    return k.used;
}
