/* calls.c - socket(2) and the calls that make, name and end connections. */
#include "gort/sock/calls.h"
#include "gort/sock/icmp.h"
#include <string.h>
#include "kernel/clock.h"
#include "mm/mm.h"

/* ---- the program's memory ------------------------------------------------------------------- */

bool call_present(struct call *c, uint64_t p, uint64_t n, bool write)
{
    return !n || (user_range(c, p, n) && user_present(c, p, n, write ? VM_W : VM_R) == n);
}

/* Reads an address of len bytes at p, for that use of s. 0 or a negative error. */
static int64_t call_addr(struct call *c, struct sock *s, uint64_t p, uint64_t len,
                         enum addr_use use, struct sock_addr *a)
{
    uint8_t raw[L_SOCKADDR_MAX];

    if (len > sizeof raw)
        return -L_EINVAL;
    int64_t err = copy_in(c, raw, p, len);
    return err ? err : addr_from_user(s, raw, (uint32_t)len, use, a);
}

int64_t call_give_addr(struct call *c, struct sock *s, const struct sock_addr *a, uint64_t p,
                       uint64_t plen)
{
    uint8_t raw[L_SOCKADDR_MAX];
    int32_t cap;

    if (!p)
        return 0;
    int64_t err = copy_in(c, &cap, plen, sizeof cap);
    if (err)
        return err;
    if (cap < 0)
        return -L_EINVAL;
    uint32_t n = addr_to_user(s, a, raw, sizeof raw);
    err = copy_out(c, p, raw, n < (uint32_t)cap ? n : (uint32_t)cap);
    return err ? err : copy_out(c, plen, &n, sizeof n);
}

struct sock *call_sock(struct call *c, uint64_t fd, int64_t *err)
{
    struct file *f = call_file(c, fd);
    struct sock *s = f && !(f->flags & L_O_PATH) ? sock_of_file(f) : NULL;

    *err = s ? 0 : !f || f->flags & L_O_PATH ? -L_EBADF : -L_ENOTSOCK;
    return s;
}

bool call_waits(const struct call *c, unsigned flags)
{
    return !file_nonblock(c->file) && !(flags & (L_MSG_DONTWAIT | L_MSG_ERRQUEUE));
}

/* ---- making --------------------------------------------------------------------------------- */

static int inet_new(unsigned domain, unsigned type, unsigned protocol, struct sock **out)
{
    bool icmp = protocol == (domain == L_AF_INET ? L_IPPROTO_ICMP : L_IPPROTO_ICMPV6);

    switch (type) {
    case L_SOCK_STREAM:
        if (protocol != 0 && protocol != L_IPPROTO_TCP)
            return -L_EPROTONOSUPPORT;
        *out = tcp_sock_new(domain);
        break;
    case L_SOCK_DGRAM:
        if (protocol != 0 && protocol != L_IPPROTO_UDP && !icmp)
            return -L_EPROTONOSUPPORT;
        *out = icmp ? icmp_sock_new(domain, type, protocol) : udp_sock_new(domain);
        break;
    case L_SOCK_RAW:
        if (!protocol || protocol > L_IPPROTO_RAW)
            return protocol ? -L_EINVAL : -L_EPROTONOSUPPORT;
        *out = icmp_sock_new(domain, type, protocol);
        break;
    default:
        return -L_ESOCKTNOSUPPORT;
    }
    return *out ? 0 : -L_ENOMEM;
}

static int local_new(unsigned type, unsigned protocol, struct sock **out)
{
    if (protocol != 0 && protocol != L_AF_UNIX)
        return -L_EPROTONOSUPPORT;
    if (type == L_SOCK_RAW) /* as on Linux */
        type = L_SOCK_DGRAM;
    if (type != L_SOCK_STREAM && type != L_SOCK_DGRAM && type != L_SOCK_SEQPACKET)
        return -L_ESOCKTNOSUPPORT;
    *out = unix_sock_new(type);
    return *out ? 0 : -L_ENOMEM;
}

static int netlink_new(unsigned type, unsigned protocol, struct sock **out)
{
    if (type != L_SOCK_RAW && type != L_SOCK_DGRAM)
        return -L_ESOCKTNOSUPPORT;
    if (protocol != 0) /* NETLINK_ROUTE is the only one */
        return -L_EPROTONOSUPPORT;
    *out = netlink_sock_new(type);
    return *out ? 0 : -L_ENOMEM;
}

static int make(unsigned domain, unsigned type, unsigned protocol, struct sock **out)
{
    if (type & ~(unsigned)(L_SOCK_TYPE | L_SOCK_NONBLOCK | L_SOCK_CLOEXEC))
        return -L_EINVAL;
    type &= L_SOCK_TYPE;
    if (domain < L_AF_MAX && type >= L_SOCK_MAX)
        return -L_EINVAL;
    switch (domain) {
    case L_AF_INET: case L_AF_INET6: return inet_new(domain, type, protocol, out);
    case L_AF_UNIX: return local_new(type, protocol, out);
    case L_AF_NETLINK: return netlink_new(type, protocol, out);
    default: return -L_EAFNOSUPPORT;
    }
}

int64_t sys_socket(struct call *c)
{
    struct sock *s;
    int err = make((unsigned)c->a[0], (unsigned)c->a[1], (unsigned)c->a[2], &s);

    return err ? err : sock_install(s, (unsigned)c->a[1]);
}

static int64_t pair_install(struct call *c, struct sock *s[2], unsigned flags)
{
    int64_t fd[2];

    fd[0] = sock_install(s[0], flags);
    if (fd[0] < 0) {
        s[1]->ops->close(s[1]);
        sock_put(s[1]);
        return fd[0];
    }
    fd[1] = sock_install(s[1], flags);
    int32_t out[2] = { (int32_t)fd[0], (int32_t)fd[1] };
    int64_t err = fd[1] < 0 ? fd[1] : copy_out(c, c->a[3], out, sizeof out);
    if (err) {
        fd_close(fd[0]);
        if (fd[1] >= 0)
            fd_close(fd[1]);
    }
    return err;
}

int64_t sys_socketpair(struct call *c)
{
    unsigned type = (unsigned)c->a[1];
    struct sock *s[2] = { NULL, NULL };
    int err = make((unsigned)c->a[0], type, (unsigned)c->a[2], &s[0]);

    if (!err && !s[0]->ops->pair)
        err = -L_EOPNOTSUPP;
    if (!err)
        err = make((unsigned)c->a[0], type, (unsigned)c->a[2], &s[1]);
    if (!err)
        err = s[0]->ops->pair(s[0], s[1]);
    if (!err)
        return pair_install(c, s, type);
    for (int i = 0; i < 2; i++)
        if (s[i])
            sock_put(s[i]);
    return err;
}

/* ---- names ---------------------------------------------------------------------------------- */

int64_t sys_bind(struct call *c)
{
    int64_t err;
    struct sock_addr a;
    struct sock *s = call_sock(c, c->a[0], &err);

    if (s)
        err = call_addr(c, s, c->a[1], (uint32_t)c->a[2], ADDR_BIND, &a);
    return err ? err : s->ops->bind ? s->ops->bind(s, &a) : -L_EOPNOTSUPP;
}

static int64_t give_name(struct call *c, bool peer)
{
    int64_t err;
    struct sock_addr a;
    struct sock *s = call_sock(c, c->a[0], &err);

    if (s)
        err = s->ops->name(s, peer, &a);
    return err ? err : call_give_addr(c, s, &a, c->a[1], c->a[2]);
}

int64_t sys_getsockname(struct call *c) { return give_name(c, false); }
int64_t sys_getpeername(struct call *c) { return give_name(c, true); }

/* ---- connections ---------------------------------------------------------------------------- */

int64_t sys_listen(struct call *c)
{
    int64_t err;
    struct sock *s = call_sock(c, c->a[0], &err);
    int32_t backlog = (int32_t)c->a[1];

    if (err)
        return err;
    return s->ops->listen ? s->ops->listen(s, backlog < 0 ? L_SOMAXCONN : (unsigned)backlog)
                          : -L_EOPNOTSUPP;
}

/* A later round of a connect call: waits until the connect that the first round began has ended. */
static int64_t connect_wait(struct call *c, struct sock *s)
{
    do {
        int err = sock_take_error(s);
        if (err)
            return err;
        if (sock_state(s) != SS_CONNECTING)
            return sock_state(s) == SS_CONNECTED ? 0 : -L_ECONNREFUSED;
        if (s->sndtimeo && call_deadline(c, clock_mono_ns() + s->sndtimeo))
            return -L_EINPROGRESS;
    } while (call_wait(c, &s->wq));
    return SYS_BLOCK;
}

/* AF_UNIX: a connect to a full listener fails at once if the call must not block. */
static int64_t connect_later(struct call *c, struct sock *s)
{
    if (call_waits(c, 0)) {
        c->done = 1;
        return connect_wait(c, s);
    }
    if (s->domain != L_AF_UNIX)
        return -L_EINPROGRESS;
    lock(&s->lock);
    bool still = s->state == SS_CONNECTING;
    if (still)
        sock_set_state(s, SS_BOUND);
    unlock(&s->lock);
    if (!still)
        return 0;
    backlog_forget(s);
    return -L_EAGAIN;
}

/* connect(2) to an address that has a family, and is wrong. */
static int64_t bad_target(struct sock *s, int64_t err)
{
    int first = s->ops->may_connect ? s->ops->may_connect(s) : 0;

    if (s->ops->autobind)
        s->ops->autobind(s);
    return first ? first : err;
}

int64_t sys_connect(struct call *c)
{
    int64_t err;
    struct sock_addr a;
    struct sock *s = call_sock(c, c->a[0], &err);

    if (!err && c->done)
        return connect_wait(c, s);
    if (!err && (uint32_t)c->a[2] > L_SOCKADDR_MAX)
        err = -L_EINVAL;
    if (!err) {
        err = call_addr(c, s, c->a[1], (uint32_t)c->a[2], ADDR_CONNECT, &a);
        if (err && err != -L_EFAULT && (uint32_t)c->a[2] >= sizeof(uint16_t))
            err = bad_target(s, err);
    }
    if (!err)
        err = s->ops->connect ? s->ops->connect(s, &a) : -L_EOPNOTSUPP;
    return err == -L_EINPROGRESS ? connect_later(c, s) : err;
}

static int64_t accept_fd(struct call *c, struct sock *s, struct sock *p, uint64_t flags)
{
    struct sock_addr a = p->peer;

    if (s->domain == L_AF_UNIX)
        a.family = L_AF_UNIX;
    int64_t fd = sock_install(p, (unsigned)flags);
    int64_t err = fd < 0 ? 0 : call_give_addr(c, s, &a, c->a[1], c->a[2]);
    if (!err)
        return fd;
    fd_close(fd);
    return err;
}

static int64_t accept_with(struct call *c, uint64_t flags)
{
    int64_t err;
    struct sock *s = call_sock(c, c->a[0], &err), *p;

    if (err)
        return err;
    if (flags & ~(uint64_t)(L_SOCK_NONBLOCK | L_SOCK_CLOEXEC))
        return -L_EINVAL;
    if (!s->ops->accept)
        return -L_EOPNOTSUPP;
    do {
        err = s->ops->accept(s, &p);
        if (!err)
            return accept_fd(c, s, p, flags);
        if (err != -L_EAGAIN || !call_waits(c, 0))
            return err;
        if (s->rcvtimeo && call_deadline(c, clock_mono_ns() + s->rcvtimeo))
            return -L_EAGAIN;
    } while (call_wait(c, &s->rq));
    return SYS_BLOCK;
}

int64_t sys_accept(struct call *c) { return accept_with(c, 0); }
int64_t sys_accept4(struct call *c) { return accept_with(c, c->a[3]); }

int64_t sys_shutdown(struct call *c)
{
    int64_t err;
    struct sock *s = call_sock(c, c->a[0], &err);

    if (err)
        return err;
    return c->a[1] > L_SHUT_RDWR ? -L_EINVAL : s->ops->shutdown(s, (unsigned)c->a[1]);
}
