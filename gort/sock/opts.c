/* opts.c - getsockopt(2) and setsockopt(2): tables of options that are stored, and the few that do
 * more. */
#include <string.h>
#include "gort/sock/calls.h"
#include "gort/sock/far.h"
#include "gort/sock/filter.h"
#include "gort/sock/groups.h"
#include "gort/sock/icmp.h"

enum kind { FLAG, INT, KEPT /* taken, and read as 0 */ };
struct option {
    int level, name;
    enum kind kind;
    size_t offset;
    int32_t lo, hi;     /* INT: outside is -L_EINVAL */
};
#define F(level, name, field) { level, name, FLAG, offsetof(struct sock, field), 0, 1 }
#define N(level, name, field, lo, hi) { level, name, INT, offsetof(struct sock, field), lo, hi }
#define K(level, name) { level, name, KEPT, 0, 0, 0 }

static const struct option socket_options[] = {
    F(L_SOL_SOCKET, L_SO_REUSEADDR, reuse_addr), F(L_SOL_SOCKET, L_SO_REUSEPORT, reuse_port),
    F(L_SOL_SOCKET, L_SO_KEEPALIVE, keepalive), F(L_SOL_SOCKET, L_SO_BROADCAST, broadcast),
    F(L_SOL_SOCKET, L_SO_OOBINLINE, oobinline), F(L_SOL_SOCKET, L_SO_PASSCRED, passcred),
    N(L_SOL_SOCKET, L_SO_PRIORITY, priority, 0, INT32_MAX),
    N(L_SOL_SOCKET, L_SO_MARK, mark, INT32_MIN, INT32_MAX),
    N(L_SOL_SOCKET, L_SO_RCVLOWAT, rcvlowat, INT32_MIN, INT32_MAX),
    K(L_SOL_SOCKET, L_SO_DONTROUTE), K(L_SOL_SOCKET, L_SO_INCOMING_CPU),
};
static const struct option tcp_options[] = {
    F(L_IPPROTO_TCP, L_TCP_NODELAY, nodelay), F(L_IPPROTO_TCP, L_TCP_CORK, cork),
    N(L_IPPROTO_TCP, L_TCP_KEEPIDLE, keepidle, 1, 32767),
    N(L_IPPROTO_TCP, L_TCP_KEEPINTVL, keepintvl, 1, 32767),
    N(L_IPPROTO_TCP, L_TCP_KEEPCNT, keepcnt, 1, 127),
    N(L_IPPROTO_TCP, L_TCP_SYNCNT, syncnt, 1, 127),
    N(L_IPPROTO_TCP, L_TCP_MAXSEG, maxseg, 88, 32767),
    N(L_IPPROTO_TCP, L_TCP_USER_TIMEOUT, user_timeout, 0, INT32_MAX),
    N(L_IPPROTO_TCP, L_TCP_DEFER_ACCEPT, defer_accept, INT32_MIN, INT32_MAX),
    N(L_IPPROTO_TCP, L_TCP_NOTSENT_LOWAT, notsent_lowat, INT32_MIN, INT32_MAX),
    N(L_IPPROTO_TCP, L_TCP_FASTOPEN, fast_open, 0, INT32_MAX),
    K(L_IPPROTO_TCP, L_TCP_QUICKACK), K(L_IPPROTO_TCP, L_TCP_LINGER2),
};
static const struct option ip_options[] = {
    F(L_IPPROTO_IP, L_IP_PKTINFO, pktinfo4), F(L_IPPROTO_IP, L_IP_RECVTTL, ttl4),
    F(L_IPPROTO_IP, L_IP_RECVTOS, tos4), F(L_IPPROTO_IP, L_IP_RECVERR, ip4.errors_kept),
    F(L_IPPROTO_IP, L_IP_RECVORIGDSTADDR, dst4), F(L_IPPROTO_IP, L_IP_FREEBIND, freebind),
    N(L_IPPROTO_IP, L_IP_TTL, ip4.ttl, -1, 255), N(L_IPPROTO_IP, L_IP_TOS, ip4.tos, 0, 255),
    N(L_IPPROTO_IP, L_IP_MTU_DISCOVER, ip4.mtu_discover, 0, 5),
    N(L_IPPROTO_IP, L_IP_MULTICAST_TTL, ip4.mcast_ttl, -1, 255),
    F(L_IPPROTO_IP, L_IP_MULTICAST_LOOP, ip4.mcast_loop),
};
static const struct option ipv6_options[] = {
    F(L_IPPROTO_IPV6, L_IPV6_RECVPKTINFO, pktinfo6), F(L_IPPROTO_IPV6, L_IPV6_RECVHOPLIMIT, hops6),
    F(L_IPPROTO_IPV6, L_IPV6_RECVTCLASS, tclass6),
    F(L_IPPROTO_IPV6, L_IPV6_RECVERR, ip6.errors_kept),
    F(L_IPPROTO_IPV6, L_IPV6_RECVORIGDSTADDR, dst6), F(L_IPPROTO_IPV6, L_IPV6_FREEBIND, freebind),
    F(L_IPPROTO_IPV6, L_IPV6_RECVPATHMTU, path_mtu6),
    N(L_IPPROTO_IPV6, L_IPV6_UNICAST_HOPS, ip6.ttl, -1, 255),
    N(L_IPPROTO_IPV6, L_IPV6_TCLASS, ip6.tos, -1, 255),
    N(L_IPPROTO_IPV6, L_IPV6_MTU_DISCOVER, ip6.mtu_discover, 0, 5),
    N(L_IPPROTO_IPV6, L_IPV6_MULTICAST_HOPS, ip6.mcast_ttl, -1, 255),
    F(L_IPPROTO_IPV6, L_IPV6_MULTICAST_LOOP, ip6.mcast_loop),
};
static const struct option udp_options[] = {
    F(L_IPPROTO_UDP, L_UDP_GRO, gro), N(L_IPPROTO_UDP, L_UDP_SEGMENT, segment, 0, 65535),
    F(L_IPPROTO_UDP, L_UDP_CORK, cork),
};

static bool is_inet(const struct sock *s)
{
    return s->domain == L_AF_INET || s->domain == L_AF_INET6;
}

static bool is_tcp(const struct sock *s) { return is_inet(s) && s->type == L_SOCK_STREAM; }

static const struct option *find_in(const struct option *o, size_t n, int name)
{
    for (size_t i = 0; i < n; i++)
        if (o[i].name == name)
            return &o[i];
    return NULL;
}
#define FIND(table, name) find_in(table, sizeof table / sizeof table[0], name)

static const struct option *find(const struct sock *s, int level, int name)
{
    switch (level) {
    case L_SOL_SOCKET: return FIND(socket_options, name);
    case L_IPPROTO_TCP: return is_tcp(s) ? FIND(tcp_options, name) : NULL;
    case L_IPPROTO_UDP: return sock_is_udp(s) ? FIND(udp_options, name) : NULL;
    case L_IPPROTO_IP: return is_inet(s) ? FIND(ip_options, name) : NULL;
    case L_IPPROTO_IPV6: return s->domain == L_AF_INET6 ? FIND(ipv6_options, name) : NULL;
    default: return NULL;
    }
}

/* What an option that there is not is answered with. */
static int unknown(const struct sock *s, int level, bool set)
{
    if (level == L_SOL_SOCKET)
        return -L_ENOPROTOOPT;
    if (!is_inet(s))
        return -L_EOPNOTSUPP;
    bool foreign = level != L_IPPROTO_IP && (!is_tcp(s) || level != L_IPPROTO_TCP) &&
                   (!sock_is_udp(s) || level != L_IPPROTO_UDP);
    return s->domain == L_AF_INET && foreign && !set ? -L_EOPNOTSUPP : -L_ENOPROTOOPT;
}

/* ---- setting -------------------------------------------------------------------------------- */

static int set_table(struct sock *s, const struct option *o, int32_t v)
{
    char *field = (char *)s + o->offset;

    if (o->kind == INT && (v < o->lo || v > o->hi))
        return -L_EINVAL;
    lock(&s->lock);
    if (o->kind == FLAG)
        *(bool *)field = v != 0;
    else if (o->kind == INT)
        *(int32_t *)field = v;
    unlock(&s->lock);
    return 0;
}

/* Linux doubles the size that a program sets, for its bookkeeping, and getsockopt shows the
 * double. What `forced` (SO_RCVBUFFORCE) asks for is bounded by the numbers' range alone: what
 * queues really hold has a bound of its own (memory.h, gort/net/platform.h). A negative size is a
 * very large one, but a forced one is none: socket(7) does not say so, Linux 6.18 was asked. */
static int set_buffer(uint32_t *field, int32_t v, uint32_t least, bool forced)
{
    enum { USUAL = 212992, MOST = INT32_MAX / 2 };
    uint32_t n = v < 0 ? (forced ? 0 : USUAL) : (uint32_t)v, most = forced ? MOST : USUAL;

    n = 2 * (n < most ? n : most);
    *field = n < least ? least : n;
    return 0;
}

static int64_t set_time(struct call *c, int64_t *field, uint64_t p, uint64_t len)
{
    struct l_timeval t;

    if (len < sizeof t)
        return -L_EINVAL;
    int64_t err = copy_in(c, &t, p, sizeof t);
    if (err)
        return err;
    if (t.usec < 0 || t.usec >= 1000000)
        return -33; /* EDOM */
    *field = t.sec < 0 ? 0 : t.sec > 9000000000 ? 0 : t.sec * 1000000000 + t.usec * 1000;
    return 0;
}

static int64_t set_linger(struct call *c, struct sock *s, uint64_t p, uint64_t len)
{
    struct l_linger l;

    if (len < sizeof l)
        return -L_EINVAL;
    int64_t err = copy_in(c, &l, p, sizeof l);
    if (!err && is_tcp(s)) {
        s->linger = l.onoff ? l.seconds : -1;
        far_option(s, L_SOL_SOCKET, L_SO_LINGER);
    }
    return err;
}

/* What only some kinds of socket have. */
static int set_reuse_port(struct sock *s, int32_t v)
{
    if (v && !is_inet(s))
        return -L_EOPNOTSUPP;
    s->reuse_port = v != 0;
    return 0;
}

static bool has_credentials(const struct sock *s)
{
    return s->domain == L_AF_UNIX || s->domain == L_AF_NETLINK;
}

/* How many connections may open with data in their SYN. As on Linux, whose servers take none unless
 * its administrator says so, each sender is answered as if it had sent a plain SYN; the number is
 * kept for who asks. */
static int set_fast_open(struct sock *s, const struct option *o, int32_t v)
{
    enum { CLOSED = 7, LISTEN = 10 };
    unsigned state = tcp_sock_state(s);

    if (v < 0 || (state != CLOSED && state != LISTEN))
        return -L_EINVAL;
    return set_table(s, o, v < L_SOMAXCONN ? v : L_SOMAXCONN);
}

static int set_v6only(struct sock *s, int32_t v)
{
    lock(&s->lock);
    int err = s->local.family ? -L_EINVAL : 0;
    if (!err)
        s->v6only = v != 0;
    unlock(&s->lock);
    return err;
}

/* A short one changes the first types only. */
static int64_t set_icmp_filter(struct call *c, struct sock *s, uint64_t p, uint64_t len)
{
    uint8_t bits[ICMP6_FILTER_BYTES];

    icmp_filter_get(s, bits, sizeof bits);
    int64_t err = copy_in(c, bits, p, len);
    return err ? err : icmp_filter_set(s, bits, sizeof bits);
}

/* IP_HDRINCL of IPv4 and IPV6_CHECKSUM of IPv6: raw(7), ipv6(7). */
static bool raw_option(const struct sock *s, int level, int name)
{
    if (!is_inet(s) || s->type != L_SOCK_RAW)
        return false;
    if (s->domain == L_AF_INET)
        return level == L_IPPROTO_IP && name == L_IP_HDRINCL;
    return (level == L_IPPROTO_IPV6 || level == L_SOL_RAW) && name == L_IPV6_CHECKSUM;
}

static int64_t set_raw(struct call *c, struct sock *s, int name, uint64_t p, uint64_t len)
{
    int32_t v = 0;
    uint8_t byte = 0;
    bool v4 = s->domain == L_AF_INET;

    if (len < sizeof v && (!v4 || !len))
        return v4 ? 0 : -L_EINVAL;
    int64_t err = len < sizeof v ? copy_in(c, &byte, p, 1) : copy_in(c, &v, p, sizeof v);
    if (err)
        return err;
    if (name == L_IP_HDRINCL && v4)
        s->hdrincl = v || byte;
    else if (s->protocol == L_IPPROTO_ICMPV6 || (v > 0 && v & 1))
        return -L_EINVAL; /* RFC 3542: ICMPv6 has its sum where it has it */
    else
        s->sum_at = v < 0 ? -1 : v;
    return 0;
}

/* The transport to other machines asks for a filter from now on. */
static int64_t attach(struct call *c, struct sock *s, uint64_t p, uint64_t len)
{
    int64_t err = filter_attach(c, s, p, (uint32_t)len);

    if (!err && s->wired)
        far_udp_options(s);
    return err;
}

/* Sets an option whose value is not a plain integer. 1: it is a plain integer. */
static int64_t set_special(struct call *c, struct sock *s, int level, int name, uint64_t p,
                           uint64_t len)
{
    if (level == L_SOL_SOCKET && name == L_SO_RCVTIMEO)
        return set_time(c, &s->rcvtimeo, p, len);
    if (level == L_SOL_SOCKET && name == L_SO_SNDTIMEO)
        return set_time(c, &s->sndtimeo, p, len);
    if (level == L_SOL_SOCKET && name == L_SO_LINGER)
        return set_linger(c, s, p, len);
    if (level == L_SOL_SOCKET && name == L_SO_BINDTODEVICE)
        return len == 0 ? 0 : -L_ENODEV;
    if (level == L_IPPROTO_TCP && name == L_TCP_CONGESTION && is_tcp(s)) {
        char want[6] = { 0 };
        int64_t err = len < 5 ? 0 : copy_in(c, want, p, 5);
        return err ? err : strcmp(want, "cubic") ? -L_ENOENT : 0;
    }
    if (level == L_SOL_SOCKET && name == L_SO_ATTACH_FILTER && filter_possible(s))
        return attach(c, s, p, len);
    if (raw_option(s, level, name))
        return set_raw(c, s, name, p, len);
    size_t filter = icmp_filter_bytes(s, level, name);
    if (filter)
        return set_icmp_filter(c, s, p, len < filter ? len : filter);
    return group_option(c, s, level, name, p, len);
}

/* Is o this field of level IP's or IPV6's options? */
static bool is_either(const struct option *o, size_t field)
{
    return o->offset == offsetof(struct sock, ip4) + field ||
           o->offset == offsetof(struct sock, ip6) + field;
}

/* TOS is the number's last byte, whatever it is; of the traffic class -1 means 0. The two bits of
 * ECN (RFC 3168) are TCP's own. */
static int set_tos(struct sock *s, const struct option *o, int32_t v)
{
    enum { ECN = 3 };

    if (o->level == L_IPPROTO_IP)
        v = (uint8_t)v;
    else if (v == -1)
        v = 0;
    return set_table(s, o, v > 0 && is_tcp(s) ? v & ~ECN : v);
}

static int64_t set_int(struct sock *s, int level, int name, int32_t v)
{
    const struct option *o = find(s, level, name);

    if (level == L_SOL_SOCKET && (name == L_SO_RCVBUF || name == L_SO_RCVBUFFORCE))
        return set_buffer(&s->rcvbuf, v, 2304, name == L_SO_RCVBUFFORCE);
    if (level == L_SOL_SOCKET && (name == L_SO_SNDBUF || name == L_SO_SNDBUFFORCE))
        return set_buffer(&s->sndbuf, v, 4608, name == L_SO_SNDBUFFORCE);
    if (level == L_IPPROTO_IPV6 && name == L_IPV6_V6ONLY && s->domain == L_AF_INET6)
        return set_v6only(s, v);
    if (level == L_SOL_SOCKET && name == L_SO_DETACH_FILTER && filter_possible(s))
        return filter_detach(s);
    if (level == L_SOL_SOCKET && name == L_SO_LOCK_FILTER && filter_possible(s))
        return filter_lock(s, v != 0);
    if (level == L_SOL_SOCKET && (name == L_SO_TIMESTAMP || name == L_SO_TIMESTAMPNS)) {
        s->stamps = !v ? STAMPS_NONE : name == L_SO_TIMESTAMP ? STAMPS_US : STAMPS_NS;
        return 0;
    }
    if (v && o && is_either(o, offsetof(struct ip_opts, errors_kept)) && !sock_errors_keep(s))
        return -L_ENOMEM;
    if (level == L_SOL_SOCKET && name == L_SO_REUSEPORT)
        return set_reuse_port(s, v);
    if (level == L_SOL_SOCKET && name == L_SO_PASSCRED && !has_credentials(s))
        return -L_EOPNOTSUPP;
    bool stream = s->type == L_SOCK_STREAM;
    if (stream && level == L_IPPROTO_IP && name == L_IP_MULTICAST_TTL)
        return -L_EINVAL;
    if (level == L_IPPROTO_IP && name == L_IP_TTL && v == 0)
        return -L_EINVAL;
    if (o && v == -1 && is_either(o, offsetof(struct ip_opts, ttl)))
        v = DEFAULT_TTL;
    if (o && v == -1 && is_either(o, offsetof(struct ip_opts, mcast_ttl)))
        v = DEFAULT_MCAST_TTL;
    if (o && is_either(o, offsetof(struct ip_opts, tos)))
        return set_tos(s, o, v);
    if (level == L_IPPROTO_IPV6 && name == L_IPV6_MULTICAST_LOOP && v & ~1)
        return -L_EINVAL;
    if (o && o->offset == offsetof(struct sock, fast_open))
        return set_fast_open(s, o, v);
    if (level == L_IPPROTO_TCP && name == L_TCP_MAXSEG && is_tcp(s) && !v)
        return 0; /* no limit of the program's; what it set before stays */
    if (o)
        return set_table(s, o, v);
    return unknown(s, level, true);
}

/* Passes a changed option on to the transport to other machines, which keeps its own copy. */
static void option_told(struct sock *s, int level, int name)
{
    if (level == L_SOL_SOCKET && (name == L_SO_RCVBUF || name == L_SO_SNDBUF ||
                                  name == L_SO_RCVBUFFORCE || name == L_SO_SNDBUFFORCE))
        s->buffers_set = true;
    if (s->conn)
        far_option(s, level, name);
    if (s->wired)
        far_udp_options(s);
    if (level == L_IPPROTO_UDP && name == L_UDP_CORK && !s->cork)
        udp_uncork(s);
}

int64_t sys_setsockopt(struct call *c)
{
    int64_t err;
    struct sock *s = call_sock(c, c->a[0], &err);
    int level = (int)c->a[1], name = (int)c->a[2];
    int32_t len = (int32_t)c->a[4], v = 0;

    if (err)
        return err;
    if (len < 0)
        return -L_EINVAL;
    err = set_special(c, s, level, name, c->a[3], (uint32_t)len);
    if (err <= 0)
        return err;
    uint8_t byte;
    bool v6only = level == L_IPPROTO_IPV6 && name == L_IPV6_V6ONLY && s->domain == L_AF_INET6;
    bool own = (level == L_IPPROTO_TCP && is_tcp(s)) || (level == L_IPPROTO_UDP && sock_is_udp(s));
    if (own && len < 4)
        return -L_EINVAL; /* tcp(7) and udp(7) look at the length first */
    if (level == L_IPPROTO_IPV6 && name == L_IPV6_MULTICAST_HOPS && is_tcp(s))
        return -L_ENOPROTOOPT; /* whatever the length */
    if (level != L_SOL_SOCKET && !find(s, level, name) && !v6only)
        return unknown(s, level, true);
    if (len >= 4)
        err = copy_in(c, &v, c->a[3], sizeof v);
    else if (len >= 1 && level == L_IPPROTO_IP && !(err = copy_in(c, &byte, c->a[3], 1)))
        v = byte; /* ip(7) alone takes a byte for a number */
    else if (level != L_IPPROTO_IP || (len < 1 && (name == L_IP_TTL || name == L_IP_MULTICAST_TTL ||
                                                   name == L_IP_MULTICAST_LOOP)))
        return -L_EINVAL;
    if (!err)
        err = set_int(s, level, name, v);
    if (!err)
        option_told(s, level, name);
    return err;
}

/* ---- getting -------------------------------------------------------------------------------- */

static int64_t give(struct call *c, const void *v, uint32_t n)
{
    int32_t cap;
    int64_t err = copy_in(c, &cap, c->a[4], sizeof cap);

    if (err)
        return err;
    if (cap < 0)
        return -L_EINVAL;
    if (n > (uint32_t)cap)
        n = (uint32_t)cap;
    err = copy_out(c, c->a[3], v, n);
    return err ? err : copy_out(c, c->a[4], &n, sizeof n);
}

static int64_t give_int(struct call *c, int32_t v) { return give(c, &v, sizeof v); }

/* The value of an option in the table. ip(7) gives one byte to who has room for less than four,
 * ipv6(7) four to whom gives a negative length. */
static int64_t give_number(struct call *c, int level, int32_t v)
{
    int32_t cap;
    uint8_t byte = (uint8_t)v;
    int64_t err = copy_in(c, &cap, c->a[4], sizeof cap);

    if (err)
        return err;
    if (level == L_IPPROTO_IP && cap > 0 && cap < (int32_t)sizeof v && v == byte)
        return give(c, &byte, sizeof byte);
    if (level != L_IPPROTO_IPV6 || cap >= 0)
        return give_int(c, v);
    cap = sizeof v;
    err = copy_out(c, c->a[3], &v, sizeof v);
    return err ? err : copy_out(c, c->a[4], &cap, sizeof cap);
}

static int64_t give_time(struct call *c, int64_t ns)
{
    struct l_timeval t = { ns / 1000000000, ns % 1000000000 / 1000 };

    return give(c, &t, sizeof t);
}

/* Writes a prefix of struct tcp_info. Inside this machine only the state is not zero. */
static int64_t give_tcp_info(struct call *c, struct sock *s)
{
    uint8_t info[104] = { 0 };

    if (s->conn) {
        far_tcp_info(s, info, sizeof info);
        return give(c, info, sizeof info);
    }
    info[0] = (uint8_t)tcp_sock_state(s);
    return give(c, info, sizeof info);
}

static int64_t get_socket(struct call *c, struct sock *s, int name)
{
    static const struct l_ucred we = { 1, 0, 0 }, nobody = { 0, UINT32_MAX, UINT32_MAX };

    switch (name) {
    case L_SO_TYPE: return give_int(c, s->type);
    case L_SO_DOMAIN: return give_int(c, s->domain);
    case L_SO_PROTOCOL: return give_int(c, s->protocol);
    case L_SO_ERROR: return give_int(c, -sock_take_error(s));
    case L_SO_ACCEPTCONN: return give_int(c, sock_state(s) == SS_LISTEN);
    case L_SO_RCVBUF: return give_int(c, (int32_t)s->rcvbuf);
    case L_SO_SNDBUF: return give_int(c, (int32_t)s->sndbuf);
    case L_SO_SNDLOWAT: return give_int(c, 1);
    case L_SO_RCVTIMEO: return give_time(c, s->rcvtimeo);
    case L_SO_SNDTIMEO: return give_time(c, s->sndtimeo);
    case L_SO_LINGER: {
        struct l_linger l = { s->linger >= 0, s->linger >= 0 ? s->linger : 0 };
        return give(c, &l, sizeof l);
    }
    case L_SO_PEERCRED:
        return give(c, s->peer.family == L_AF_UNIX ? &we : &nobody, sizeof we);
    case L_SO_BINDTODEVICE: return give(c, "", 0);
    case L_SO_TIMESTAMP: return give_int(c, s->stamps == STAMPS_US);
    case L_SO_TIMESTAMPNS: return give_int(c, s->stamps == STAMPS_NS);
    case L_SO_LOCK_FILTER: return filter_possible(s) ? give_int(c, filter_is_locked(s)) : 1;
    case L_SO_ATTACH_FILTER: /* its name here is SO_GET_FILTER */
        return filter_possible(s) ? filter_get(c, s, c->a[3], c->a[4]) : 1;
    case L_SO_PASSCRED: return has_credentials(s) ? 1 : -L_EOPNOTSUPP;
    default: return 1;
    }
}

static int64_t get_table(struct call *c, const struct sock *s, const struct option *o, int level)
{
    const char *field = (const char *)s + o->offset;

    if (o->kind == FLAG)
        return give_number(c, level, *(const bool *)field);
    return give_number(c, level, o->kind == INT ? *(const int32_t *)field : 0);
}

/* socket(7) looks at the length before it looks for the option. */
static int64_t length_check(struct call *c)
{
    int32_t cap;
    int64_t err = copy_in(c, &cap, c->a[4], sizeof cap);

    return err ? err : cap < 0 ? -L_EINVAL : 0;
}

int64_t sys_getsockopt(struct call *c)
{
    int64_t err;
    struct sock *s = call_sock(c, c->a[0], &err);
    int level = (int)c->a[1], name = (int)c->a[2];

    if (err)
        return err;
    err = level == L_SOL_SOCKET ? length_check(c) : 0;
    if (err)
        return err;
    err = level == L_SOL_SOCKET ? get_socket(c, s, name) : 1;
    if (err <= 0)
        return err;
    if (level == L_IPPROTO_TCP && name == L_TCP_INFO && is_tcp(s))
        return give_tcp_info(c, s);
    if (level == L_IPPROTO_TCP && name == L_TCP_CONGESTION && is_tcp(s))
        return give(c, "cubic\0\0\0\0\0\0\0\0\0\0", 16);
    if (level == L_IPPROTO_IPV6 && name == L_IPV6_V6ONLY && s->domain == L_AF_INET6)
        return give_int(c, s->v6only);
    if (raw_option(s, level, name))
        return give_number(c, level, name == L_IP_HDRINCL && s->domain == L_AF_INET ? s->hdrincl
                                                                                  : s->sum_at);
    size_t filter = icmp_filter_bytes(s, level, name);
    if (filter) {
        uint8_t bits[ICMP6_FILTER_BYTES];
        icmp_filter_get(s, bits, filter);
        return give(c, bits, (uint32_t)filter);
    }
    const struct option *o = find(s, level, name);
    if (o)
        return get_table(c, s, o, level);
    return unknown(s, level, false);
}
