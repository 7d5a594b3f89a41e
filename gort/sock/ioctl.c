/* ioctl.c - ioctl(2) of sockets: bytes that wait, and facts about interfaces (netdevice(7)). */
#include <string.h>
#include "gort/sock/calls.h"
#include "gort/sock/far.h"
#include "gort/sock/interfaces.h"

struct l_ifreq { char name[16]; union { uint8_t b[24]; int32_t i; int16_t s; } u; };
_Static_assert(sizeof(struct l_ifreq) == 40, "struct ifreq");
struct l_ifconf { int32_t len, pad; uint64_t buf; };

/* An interface as these requests describe it; IPv4 alone, netdevice(7). */
struct view {
    const char *name;
    int32_t index, mtu;
    uint32_t flags;
    int16_t hw_type;
    const uint8_t *mac;
    bool has_addr;
    uint8_t addr[4];
    unsigned prefix;        /* of 32 */
};

/* Describes interface n, from 1 on. False: there is none. */
static bool view_of(unsigned n, struct view *v)
{
    static const uint8_t zero[6];
    struct netif_addr list[NETIF_ADDRS];
    const struct netif *ifp = netif_get(n);

    *v = (struct view){ "lo", 1, 65536, 0x49, 772, zero, true, { 127, 0, 0, 1 }, 8 };
    if (n == 1)
        return true;
    if (!ifp)
        return false;
    *v = (struct view){ .name = ifp->dev->name, .index = (int32_t)n, .mtu = (int32_t)ifp->mtu,
                        .flags = netif_linux_flags(ifp), .hw_type = 1, .mac = ifp->dev->mac };
    for (unsigned k = netif_addr_list(ifp, list); k--;)
        if (addr_is_v4(&list[k].addr)) {    /* the first of them in the end */
            v->has_addr = true;
            v->prefix = list[k].prefix - 96u;
            memcpy(v->addr, list[k].addr.b + 12, 4);
        }
    return true;
}

static bool view_named(const struct l_ifreq *r, bool by_index, struct view *v)
{
    for (unsigned n = 1; view_of(n, v); n++)
        if (by_index ? r->u.i == v->index : !strncmp(r->name, v->name, sizeof r->name))
            return true;
    return false;
}

static int64_t set_addr(struct l_ifreq *r, const struct view *v, uint32_t or_with,
                        uint32_t and_with)
{
    struct l_sockaddr_in in = { .family = L_AF_INET };

    if (!v->has_addr)
        return -L_EADDRNOTAVAIL;
    put32(in.addr, (get32(v->addr) | or_with) & and_with);
    memcpy(r->u.b, &in, sizeof in);
    return 0;
}

static int64_t interface(struct call *c, uint64_t request, uint64_t arg)
{
    struct l_ifreq r;
    struct view v;
    int64_t err = copy_in(c, &r, arg, sizeof r);

    if (err)
        return err;
    if (!view_named(&r, request == L_SIOCGIFNAME, &v))
        return -L_ENODEV;
    uint32_t host = v.prefix ? (uint32_t)(0xffffffffull >> v.prefix) : 0xffffffffu;
    memset(&r.u, 0, request == L_SIOCGIFNAME ? 0 : sizeof r.u);
    switch (request) {
    case L_SIOCGIFNAME: strncpy(r.name, v.name, sizeof r.name); break;
    case L_SIOCGIFINDEX: r.u.i = v.index; break;
    case L_SIOCGIFFLAGS: r.u.s = (int16_t)v.flags; break;
    case L_SIOCGIFMTU: r.u.i = v.mtu; break;
    case L_SIOCGIFADDR: err = set_addr(&r, &v, 0, ~0u); break;
    case L_SIOCGIFNETMASK: err = set_addr(&r, &v, ~0u, ~host); break;
    case L_SIOCGIFBRDADDR: err = set_addr(&r, &v, host, v.index == 1 ? 0 : ~0u); break;
    case L_SIOCGIFHWADDR:
        r.u.s = v.hw_type;
        memcpy(r.u.b + 2, v.mac, 6);
        break;
    case L_SIOCETHTOOL: return -L_EOPNOTSUPP; /* what a device answers that has none of it */
    default: return -L_ENOTTY;
    }
    return err ? err : copy_out(c, arg, &r, sizeof r);
}

/* SIOCGIFCONF: without a buffer, the size needed; else as many whole entries as fit. */
static int64_t interfaces(struct call *c, uint64_t arg)
{
    struct l_ifconf k;
    struct view v;
    int32_t at = 0;
    int64_t err = copy_in(c, &k, arg, sizeof k);

    for (unsigned n = 1; !err && view_of(n, &v); n++) {
        struct l_ifreq r = { 0 };
        if (!v.has_addr || (k.buf && k.len - at < (int32_t)sizeof r))
            continue;
        strncpy(r.name, v.name, sizeof r.name);
        set_addr(&r, &v, 0, ~0u);
        if (k.buf)
            err = copy_out(c, k.buf + (uint32_t)at, &r, sizeof r);
        at += (int32_t)sizeof r;
    }
    k.len = at;
    return err ? err : copy_out(c, arg, &k, sizeof k);
}

int64_t sock_ioctl(struct call *c, struct file *f, uint64_t request, uint64_t arg)
{
    struct sock *s = f->priv;
    int32_t n;

    switch (request) {
    case L_FIONREAD:
        if (sock_state(s) == SS_LISTEN)
            return -L_EINVAL;
        n = (int32_t)s->ops->unread(s);
        return copy_out(c, arg, &n, sizeof n);
    case L_SIOCOUTQ: /* between two sockets of this machine nothing is in flight */
        n = s->conn && sock_state(s) != SS_LISTEN ? (int32_t)far_unacked(s) : 0;
        return copy_out(c, arg, &n, sizeof n);
    case L_SIOCATMARK:
        n = 0;
        return copy_out(c, arg, &n, sizeof n);
    case L_SIOCGIFCONF:
        return interfaces(c, arg);
    default:
        return request >> 8 == 0x89 ? interface(c, request, arg) : -L_ENOTTY;
    }
}
