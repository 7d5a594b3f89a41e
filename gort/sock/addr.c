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

static int in4_from(const struct sock *s, const void *raw, uint32_t len, struct sock_addr *a)
{
    struct l_sockaddr_in in;

    if (len < sizeof in)
        return -L_EINVAL;
    memcpy(&in, raw, sizeof in);
    if (s->v6only)
        return s->type == L_SOCK_STREAM ? -L_EAFNOSUPPORT : -L_EINVAL;
    a->family = s->domain;
    a->in.ip = addr_v4(in.addr);
    a->in.port = get16(in.port);
    a->in.scope = 0;
    return 0;
}

static int in6_from(const void *raw, uint32_t len, struct sock_addr *a)
{
    struct l_sockaddr_in6 in;

    if (len < sizeof in - sizeof in.scope) /* as before RFC 2553 */
        return -L_EINVAL;
    memset(&in, 0, sizeof in);
    memcpy(&in, raw, len < sizeof in ? len : sizeof in);
    a->family = L_AF_INET6;
    a->in.ip = addr_v6(in.addr);
    a->in.port = get16(in.port);
    a->in.scope = in.scope;
    return 0;
}

static int un_from(const void *raw, uint32_t len, struct sock_addr *a)
{
    uint32_t n = len - (uint32_t)offsetof(struct l_sockaddr_un, path);

    if (len > sizeof(struct l_sockaddr_un))
        return -L_EINVAL;
    a->family = L_AF_UNIX;
    memcpy(a->un.path, (const char *)raw + offsetof(struct l_sockaddr_un, path), n);
    const char *nul = n && a->un.path[0] ? memchr(a->un.path, 0, n) : NULL;
    if (nul)
        n = (uint32_t)(nul - a->un.path);
    a->un.len = (uint8_t)n;
    return 0;
}

static int nl_from(const void *raw, uint32_t len, struct sock_addr *a)
{
    struct l_sockaddr_nl nl;

    if (len < sizeof nl)
        return -L_EINVAL;
    memcpy(&nl, raw, sizeof nl);
    a->family = L_AF_NETLINK;
    a->nl.pid = nl.pid;
    a->nl.groups = nl.groups;
    return 0;
}

int addr_from_user(const struct sock *s, const void *raw, uint32_t len, struct sock_addr *a)
{
    uint16_t family;

    if (len < sizeof family)
        return -L_EINVAL;
    memcpy(&family, raw, sizeof family);
    memset(a, 0, sizeof *a);
    if (family == L_AF_UNSPEC && s->domain != L_AF_UNIX)
        return 0; /* connect(2) ends a connection with it; bind(2) refuses it */
    if (family == L_AF_INET && (s->domain == L_AF_INET || s->domain == L_AF_INET6))
        return in4_from(s, raw, len, a);
    if (family != s->domain)
        return s->domain == L_AF_UNIX || s->domain == L_AF_NETLINK ? -L_EINVAL : -L_EAFNOSUPPORT;
    switch (family) {
    case L_AF_INET6: return in6_from(raw, len, a);
    case L_AF_UNIX: return un_from(raw, len, a);
    default: return nl_from(raw, len, a);
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
