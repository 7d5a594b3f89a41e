/* addr.c - socket addresses, converted between the program's layout and struct sock_addr. */
#include <string.h>
#include "gort/sock/sock.h"

struct net_addr net_addr_any(bool v4)
{
    static const uint8_t zero[4];

    return v4 ? addr_v4(zero) : (struct net_addr){ 0 };
}

struct net_addr net_addr_loopback(bool v4)
{
    static const uint8_t local[4] = { 127, 0, 0, 1 };
    struct net_addr a = { 0 };

    if (v4)
        return addr_v4(local);
    a.b[15] = 1;
    return a;
}

bool net_addr_is_loopback(const struct net_addr *a)
{
    struct net_addr one = net_addr_loopback(false);

    return addr_is_v4(a) ? a->b[12] == 127 : addr_equal(a, &one);
}

void sock_named_locked(struct sock *s, const struct sock_addr *a)
{
    bool any = addr_any(&a->in.ip), mapped = s->domain == L_AF_INET6 && addr_is_v4(&a->in.ip);

    s->port_chosen = a->in.port != 0;
    s->addr_chosen = !any || mapped;
    if (s->domain == L_AF_INET6 && !any && !mapped)
        s->v6only = true;
}

static int in4_take(const struct sock *s, const void *raw, uint32_t len, struct sock_addr *a)
{
    struct l_sockaddr_in in;

    if (len < sizeof in)
        return -L_EINVAL;
    memcpy(&in, raw, sizeof in);
    a->family = s->domain;
    a->in.ip = addr_v4(in.addr);
    a->in.port = get16(in.port);
    a->in.scope = 0;
    return 0;
}

/* AF_UNSPEC is taken for AF_INET where old programs wrote it: bind to any address, sendto. */
static int in4_from(const struct sock *s, uint16_t family, const void *raw, uint32_t len,
                    enum addr_use use, struct sock_addr *a)
{
    if (use == ADDR_CONNECT && family == L_AF_UNSPEC)
        return 0;
    int err = in4_take(s, raw, len, a);
    if (err || family == L_AF_INET)
        return err;
    if (family == L_AF_UNSPEC && (use == ADDR_SEND || addr_any(&a->in.ip)))
        return 0;
    return -L_EAFNOSUPPORT;
}

static int in6_take(const struct sock *s, const void *raw, uint32_t len, enum addr_use use,
                    struct sock_addr *a)
{
    struct l_sockaddr_in6 in = { 0 };

    memcpy(&in, raw, len < sizeof in ? len : sizeof in);
    a->family = L_AF_INET6;
    a->in.ip = addr_v6(in.addr);
    a->in.port = get16(in.port);
    a->in.scope = in.scope;
    if (s->v6only && addr_is_v4(&a->in.ip))
        return use == ADDR_BIND ? -L_EINVAL : -L_ENETUNREACH;
    return 0;
}

/* Datagrams of an IPv6 socket may go to an address of IPv4; streams want it mapped. */
static int in6_from(const struct sock *s, uint16_t family, const void *raw, uint32_t len,
                    enum addr_use use, struct sock_addr *a)
{
    const uint32_t least = sizeof(struct l_sockaddr_in6) - 4; /* without scope: before RFC 2553 */

    if (use != ADDR_BIND && family == L_AF_UNSPEC)
        return 0;
    if (use != ADDR_BIND && family == L_AF_INET && s->type != L_SOCK_STREAM) {
        if (s->v6only)
            return use == ADDR_SEND ? -L_ENETUNREACH : -L_EAFNOSUPPORT;
        return in4_take(s, raw, len, a);
    }
    if (len < least)
        return -L_EINVAL;
    if (family != L_AF_INET6)
        return use == ADDR_SEND ? -L_EINVAL : -L_EAFNOSUPPORT;
    return in6_take(s, raw, len, use, a);
}

static int un_from(const struct sock *s, uint16_t family, const void *raw, uint32_t len,
                   enum addr_use use, struct sock_addr *a)
{
    const uint32_t head = offsetof(struct l_sockaddr_un, path);

    if (use == ADDR_CONNECT && family == L_AF_UNSPEC && s->type == L_SOCK_DGRAM)
        return 0;
    if (family != L_AF_UNIX || len > sizeof(struct l_sockaddr_un) ||
        (len == head && use != ADDR_BIND))
        return -L_EINVAL;
    uint32_t n = len - head;
    a->family = L_AF_UNIX;
    memcpy(a->un.path, (const char *)raw + head, n);
    const char *nul = n && a->un.path[0] ? memchr(a->un.path, 0, n) : NULL;
    if (nul)
        n = (uint32_t)(nul - a->un.path);
    a->un.len = (uint8_t)n;
    return 0;
}

static int nl_from(uint16_t family, const void *raw, uint32_t len, enum addr_use use,
                   struct sock_addr *a)
{
    struct l_sockaddr_nl nl;

    if (use == ADDR_CONNECT && family == L_AF_UNSPEC)
        return 0;
    if (len < sizeof nl || family != L_AF_NETLINK)
        return -L_EINVAL;
    memcpy(&nl, raw, sizeof nl);
    a->family = L_AF_NETLINK;
    a->nl.pid = nl.pid;
    a->nl.groups = nl.groups;
    return 0;
}

int addr_from_user(const struct sock *s, const void *raw, uint32_t len, enum addr_use use,
                   struct sock_addr *a)
{
    uint16_t family;

    if (len < sizeof family)
        return -L_EINVAL;
    memcpy(&family, raw, sizeof family);
    memset(a, 0, sizeof *a);
    switch (s->domain) {
    case L_AF_INET: return in4_from(s, family, raw, len, use, a);
    case L_AF_INET6: return in6_from(s, family, raw, len, use, a);
    case L_AF_UNIX: return un_from(s, family, raw, len, use, a);
    default: return nl_from(family, raw, len, use, a);
    }
}

static uint32_t in_to(const struct sock *s, const struct sock_addr *a, uint8_t out[L_SOCKADDR_MAX])
{
    if (s->domain == L_AF_INET) {
        struct l_sockaddr_in in = { .family = L_AF_INET };
        put16(in.port, a->in.port);
        memcpy(in.addr, a->in.ip.b + 12, 4);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    struct l_sockaddr_in6 in = { .family = L_AF_INET6, .scope = a->in.scope };
    put16(in.port, a->in.port);
    memcpy(in.addr, a->in.ip.b, 16);
    memcpy(out, &in, sizeof in);
    return sizeof in;
}

static uint32_t un_to(const struct sock_addr *a, uint8_t out[L_SOCKADDR_MAX])
{
    uint16_t family = L_AF_UNIX;
    uint32_t n = a->un.len;

    memcpy(out, &family, sizeof family);
    memcpy(out + 2, a->un.path, n);
    if (n && a->un.path[0])
        out[2 + n++] = 0;
    return 2 + n;
}

uint32_t addr_to_user(const struct sock *s, const struct sock_addr *a, void *raw, uint32_t cap)
{
    uint8_t out[L_SOCKADDR_MAX] = { 0 };
    uint32_t n;

    if (s->domain == L_AF_UNIX) {
        n = un_to(a, out);
    } else if (s->domain == L_AF_NETLINK) {
        struct l_sockaddr_nl nl = { L_AF_NETLINK, 0, a->nl.pid, a->nl.groups };
        memcpy(out, &nl, sizeof nl);
        n = sizeof nl;
    } else {
        struct sock_addr none = { .family = s->domain };
        none.in.ip = net_addr_any(s->domain == L_AF_INET);
        n = in_to(s, a->family ? a : &none, out);
    }
    memcpy(raw, out, n < cap ? n : cap);
    return n;
}
