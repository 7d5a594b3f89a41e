/* ioctl.c - ioctl(2) of sockets: bytes that wait, and what the interface is (netdevice(7)). */
#include <string.h>
#include "gort/sock/calls.h"
#include "gort/sock/far.h"

struct l_ifreq { char name[16]; union { uint8_t b[24]; int32_t i; int16_t s; } u; };
_Static_assert(sizeof(struct l_ifreq) == 40, "struct ifreq");
struct l_ifconf { int32_t len, pad; uint64_t buf; };

static void lo_address(struct l_ifreq *r, uint8_t last, uint8_t rest)
{
    struct l_sockaddr_in in = { .family = L_AF_INET, .addr = { last, rest, rest, rest } };

    memcpy(r->u.b, &in, sizeof in);
}

static int64_t interface(struct call *c, uint64_t request, uint64_t arg)
{
    struct l_ifreq r;
    int64_t err = copy_in(c, &r, arg, sizeof r);

    if (err)
        return err;
    if (request == L_SIOCGIFNAME ? r.u.i != 1 : strncmp(r.name, "lo", sizeof r.name) != 0)
        return -L_ENODEV;
    memset(&r.u, 0, request == L_SIOCGIFNAME ? 0 : sizeof r.u);
    switch (request) {
    case L_SIOCGIFNAME: memcpy(r.name, "lo", 3); break;
    case L_SIOCGIFINDEX: r.u.i = 1; break;
    case L_SIOCGIFFLAGS: r.u.s = 0x49; break; /* up, loopback, running */
    case L_SIOCGIFMTU: r.u.i = 65536; break;
    case L_SIOCGIFADDR:
        lo_address(&r, 127, 0);
        r.u.b[7] = 1;
        break;
    case L_SIOCGIFNETMASK: lo_address(&r, 255, 0); break;
    case L_SIOCGIFBRDADDR: lo_address(&r, 0, 0); break;
    case L_SIOCGIFHWADDR: r.u.s = 772; break; /* ARPHRD_LOOPBACK */
    default: return -L_ENOTTY;
    }
    return copy_out(c, arg, &r, sizeof r);
}

static int64_t interfaces(struct call *c, uint64_t arg)
{
    struct l_ifconf k;
    struct l_ifreq r = { .name = "lo" };
    int64_t err = copy_in(c, &k, arg, sizeof k);

    if (err)
        return err;
    lo_address(&r, 127, 0);
    r.u.b[7] = 1;
    if (k.buf && k.len >= (int32_t)sizeof r)
        err = copy_out(c, k.buf, &r, sizeof r);
    k.len = !k.buf || k.len >= (int32_t)sizeof r ? (int32_t)sizeof r : 0;
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
    case L_SIOCOUTQ: /* in this machine the other end has it already */
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
