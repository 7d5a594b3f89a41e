/* msg.c - sending and receiving: sendto, sendmsg, sendmmsg and their counterparts.
 *
 * A call that has waited starts again: it reads its arguments anew, and continues after the c->done
 * bytes (sendmmsg, recvmmsg: messages) of earlier rounds. */
#include <string.h>
#include "gort/os/mem.h"
#include "gort/os/sys.h"
#include "gort/sock/calls.h"
#include "gort/sock/control.h"
#include "kernel/clock.h"

enum { IOV_MAX = 1024, MMSG_MAX = 1024 };

/* One message as the program describes it. */
struct user_msg {
    struct l_msghdr h;
    struct l_iovec few[8], *iov; /* few, or allocated */
    size_t total;
};

static void iov_drop(struct user_msg *u)
{
    if (u->iov && u->iov != u->few)
        os_free(u->iov, u->h.iovlen * sizeof *u->iov);
    u->iov = NULL;
}

/* Copies the list of buffers, so that the program cannot change it afterwards. Whether there is
 * memory where it says is seen when bytes move: an error of the socket comes first. */
static int64_t iov_get(struct call *c, struct user_msg *u)
{
    size_t n = u->h.iovlen;

    u->total = 0;
    if (n > IOV_MAX)
        return -L_EMSGSIZE;
    u->iov = n <= sizeof u->few / sizeof u->few[0] ? u->few : os_alloc(n * sizeof *u->iov);
    if (!u->iov)
        return -L_ENOMEM;
    int64_t err = n ? copy_in(c, u->iov, u->h.iov, n * sizeof *u->iov) : 0;
    for (size_t i = 0; i < n && !err; i++) {
        if (u->iov[i].len > RW_MAX || (u->total += u->iov[i].len) > RW_MAX)
            err = -L_EINVAL;
        else if (u->iov[i].len && !user_range(c, u->iov[i].base, u->iov[i].len))
            err = -L_EFAULT;
    }
    if (err)
        iov_drop(u);
    return err;
}

static struct vec vec_of(const struct user_msg *u)
{
    struct vec v = { u->iov, u->h.iovlen, 0, u->total };

    while (v.n > 1 && !v.iov->len) {
        v.iov++;
        v.n--;
    }
    return v;
}

static bool is_stream(const struct sock *s) { return s->type == L_SOCK_STREAM; }

/* After -L_EFAULT: brings the pages of what is left of v. True: it may be tried again. */
static bool vec_bring(struct call *c, const struct vec *v, unsigned *tries, bool write)
{
    enum { BRINGS = 100 }; /* a page that goes as often as it is brought is a fault */
    size_t at = v->at;

    if (++*tries > BRINGS)
        return false;
    for (size_t i = 0; i < v->n; i++, at = 0)
        if (!call_present(c, v->iov[i].base + at, v->iov[i].len - at, write))
            return false;
    return true;
}

/* ---- sending -------------------------------------------------------------------------------- */

static int64_t send_rounds(struct call *c, struct sock *s, struct msg *m)
{
    bool waits = call_waits(c, m->flags);
    unsigned tries = 0;

    for (;;) {
        struct vec v = m->v;
        int64_t r = s->ops->send(s, m);
        if (r == -L_EFAULT && vec_bring(c, &v, &tries, false)) {
            m->v = v;
            continue;
        }
        if (r == -L_EPIPE && is_stream(s) && !(m->flags & L_MSG_NOSIGNAL))
            io_broken(c->gp);
        if (r >= 0) {
            if (!is_stream(s))
                return r;
            c->done += (uint64_t)r;
            if (!m->v.left || !waits)
                return (int64_t)c->done;
            continue;
        }
        if (r != -L_EAGAIN || !waits)
            return c->done ? (int64_t)c->done : r;
        m->v = v; /* a datagram that found no room had been copied */
        if (s->sndtimeo && call_deadline(c, clock_mono_ns() + s->sndtimeo))
            return c->done ? (int64_t)c->done : -L_EAGAIN;
        if (!call_wait(c, &s->wq))
            return SYS_BLOCK;
    }
}

/* Where a message goes. A stream has its peer, and AF_UNIX says so. */
static int64_t target_get(struct call *c, struct sock *s, uint64_t name, uint32_t len,
                          struct msg *m)
{
    uint8_t raw[L_SOCKADDR_MAX];
    bool named = name && len;

    if (named && len > sizeof raw)
        return -L_EINVAL;
    int64_t err = named ? copy_in(c, raw, name, len) : 0;
    if (!err && s->ops->autobind)
        err = s->ops->autobind(s);
    if (err || !named)
        return err;
    if (s->type != L_SOCK_STREAM && s->type != L_SOCK_SEQPACKET) {
        err = addr_from_user(s, raw, len, ADDR_SEND, &m->addr);
        m->has_addr = !err && m->addr.family;
        return err;
    }
    if (s->domain != L_AF_UNIX || s->type == L_SOCK_SEQPACKET)
        return err;
    return sock_state(s) == SS_CONNECTED ? -L_EISCONN : -L_EOPNOTSUPP;
}

/* Sends u without the `skip` bytes that earlier rounds have sent. */
static int64_t send_one(struct call *c, struct sock *s, struct user_msg *u, unsigned flags,
                        uint64_t skip)
{
    struct msg m = { .flags = flags, .hop = -1, .service = -1 };
    int64_t err = 0;

    if (flags & L_MSG_OOB)
        return -L_EOPNOTSUPP;
    err = iov_get(c, u);
    if (!err && !skip)
        err = controls_get(c, s, u->h.control, u->h.controllen, &m);
    if (!err)
        err = target_get(c, s, u->h.name, u->h.namelen, &m);
    if (!err) {
        m.v = vec_of(u);
        vec_skip(&m.v, skip);
        err = send_rounds(c, s, &m);
    }
    rights_free(m.rights);
    iov_drop(u);
    return err;
}

int64_t sys_sendto(struct call *c)
{
    int64_t err;
    struct sock *s = call_sock(c, c->a[0], &err);
    struct l_iovec one = { c->a[1], c->a[2] < RW_MAX ? c->a[2] : RW_MAX };

    if (err)
        return err;
    if (one.len && !user_range(c, one.base, one.len))
        return -L_EFAULT;
    struct msg m = { .flags = (unsigned)c->a[3], .v = { &one, 1, 0, one.len }, .hop = -1,
                     .service = -1 };
    if (m.flags & L_MSG_OOB)
        return -L_EOPNOTSUPP;
    bool inet = s->domain == L_AF_INET || s->domain == L_AF_INET6;
    err = target_get(c, s, c->a[4], (uint32_t)c->a[5], &m);
    if (!err && c->a[4] && !(uint32_t)c->a[5] && inet && s->type != L_SOCK_STREAM)
        return -L_EINVAL; /* sendmsg(2) takes an address without length for none, this does not */
    if (err)
        return err;
    vec_skip(&m.v, c->done);
    return send_rounds(c, s, &m);
}

int64_t sys_sendmsg(struct call *c)
{
    int64_t err;
    struct user_msg u = { .iov = NULL };
    struct sock *s = call_sock(c, c->a[0], &err);

    if (!err)
        err = copy_in(c, &u.h, c->a[1], sizeof u.h);
    return err ? err : send_one(c, s, &u, (unsigned)c->a[2], c->done);
}

/* c->done counts messages. A message that would wait for room ends the call, unless it is the
 * first. */
int64_t sys_sendmmsg(struct call *c)
{
    int64_t err;
    struct sock *s = call_sock(c, c->a[0], &err);
    uint64_t n = (uint32_t)c->a[2] < MMSG_MAX ? (uint32_t)c->a[2] : MMSG_MAX, sent = 0;

    while (!err && sent < n) {
        struct user_msg u = { .iov = NULL };
        uint64_t at = c->a[1] + sent * sizeof(struct l_mmsghdr);
        uint32_t len;
        err = copy_in(c, &u.h, at, sizeof u.h);
        if (err)
            break;
        unsigned flags = (unsigned)c->a[3] | (sent ? L_MSG_DONTWAIT : 0);
        int64_t r = send_one(c, s, &u, flags, sent ? 0 : c->done);
        if (r == SYS_BLOCK)
            return SYS_BLOCK;
        c->done = 0;
        if (r < 0)
            err = r;
        else
            len = (uint32_t)r;
        if (!err)
            err = copy_out(c, at + offsetof(struct l_mmsghdr, len), &len, sizeof len);
        if (!err)
            sent++;
    }
    return sent ? (int64_t)sent : err;
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* A stream of AF_UNIX looks on for bytes, though the call does not wait for them. */
static bool wants_more(const struct sock *s, const struct msg *m)
{
    return s->domain == L_AF_UNIX && is_stream(s) && m->v.left && !m->rights &&
           m->flags & L_MSG_WAITALL && !(m->flags & L_MSG_PEEK);
}

static int64_t recv_rounds(struct call *c, struct sock *s, struct msg *m)
{
    bool waits = call_waits(c, m->flags);
    bool all = is_stream(s) && m->flags & L_MSG_WAITALL && !(m->flags & L_MSG_PEEK) && waits;
    unsigned tries = 0;

    m->waits = waits;
    if (m->flags & L_MSG_ERRQUEUE && !sock_is_udp(s))
        return -L_EAGAIN; /* others keep no errors */
    for (;;) {
        struct vec v = m->v;
        int64_t r = s->ops->recv(s, m);
        if (r == -L_EFAULT && vec_bring(c, &v, &tries, true)) {
            m->v = v;
            continue;
        }
        if (r >= 0) {
            c->done += (uint64_t)r;
            if (r && wants_more(s, m)) /* Linux forgets an error that it meets behind some bytes */
                sock_take_error(s);
            if (!all || r == 0 || !m->v.left || m->rights)
                return (int64_t)c->done;
            continue;
        }
        if (r != -L_EAGAIN || !waits)
            return c->done ? (int64_t)c->done : r;
        if (s->rcvtimeo && call_deadline(c, clock_mono_ns() + s->rcvtimeo))
            return c->done ? (int64_t)c->done : -L_EAGAIN;
        if (!call_wait(c, &s->rq))
            return SYS_BLOCK;
    }
}

static int64_t recv_one(struct call *c, struct sock *s, uint64_t at, unsigned flags)
{
    struct user_msg u = { .iov = NULL };
    struct msg m = { .flags = flags, .hop = -1, .service = -1 };
    int64_t err = copy_in(c, &u.h, at, sizeof u.h);

    if (!err && flags & L_MSG_OOB)
        err = -L_EINVAL;
    if (!err)
        err = iov_get(c, &u);
    if (err)
        return err;
    m.v = vec_of(&u);
    m.has_addr = u.h.name;
    vec_skip(&m.v, is_stream(s) ? c->done : 0);
    int64_t r = recv_rounds(c, s, &m);
    iov_drop(&u);
    if (r < 0)
        return r;
    u.h.controllen = controls_give(c, s, u.h.control, u.h.controllen, &m);
    rights_free(m.rights);
    u.h.flags = (int32_t)(m.out_flags | (flags & L_MSG_CMSG_CLOEXEC));
    uint8_t raw[L_SOCKADDR_MAX];
    uint32_t cap = u.h.name ? u.h.namelen : 0, n = 0;
    if (m.addr.family && u.h.name) {
        n = addr_to_user(s, &m.addr, raw, sizeof raw);
        err = copy_out(c, u.h.name, raw, n < cap ? n : cap);
    }
    u.h.namelen = n;
    if (!err)
        err = copy_out(c, at, &u.h, sizeof u.h);
    return err ? err : flags & L_MSG_TRUNC && !is_stream(s) ? (int64_t)m.full_length : r;
}

int64_t sys_recvfrom(struct call *c)
{
    int64_t err;
    struct sock *s = call_sock(c, c->a[0], &err);
    struct l_iovec one = { c->a[1], c->a[2] < RW_MAX ? c->a[2] : RW_MAX };

    if (err)
        return err;
    if (one.len && !user_range(c, one.base, one.len))
        return -L_EFAULT;
    struct msg m = { .flags = (unsigned)c->a[3], .v = { &one, 1, 0, one.len }, .hop = -1,
                     .service = -1 };
    if (m.flags & L_MSG_OOB)
        return -L_EINVAL;
    m.has_addr = c->a[4];
    vec_skip(&m.v, is_stream(s) ? c->done : 0);
    int64_t r = recv_rounds(c, s, &m);
    rights_free(m.rights);
    if (r < 0)
        return r;
    if (m.addr.family)
        err = call_give_addr(c, s, &m.addr, c->a[4], c->a[5]);
    else if (c->a[4]) /* a stream has no sender's address to give */
        err = copy_out(c, c->a[5], &(uint32_t){ 0 }, 4);
    return err ? err : m.flags & L_MSG_TRUNC && !is_stream(s) ? (int64_t)m.full_length : r;
}

int64_t sys_recvmsg(struct call *c)
{
    int64_t err;
    struct sock *s = call_sock(c, c->a[0], &err);

    return err ? err : recv_one(c, s, c->a[1], (unsigned)c->a[2]);
}

/* Waits for the first message only, as with MSG_WAITFORONE: a caller that waits for all of them
 * gets fewer. The timeout, which Linux looks at after a message, is not looked at. */
int64_t sys_recvmmsg(struct call *c)
{
    int64_t err;
    struct sock *s = call_sock(c, c->a[0], &err);
    uint64_t n = (uint32_t)c->a[2] < MMSG_MAX ? (uint32_t)c->a[2] : MMSG_MAX, got = 0;

    while (!err && got < n) {
        uint64_t at = c->a[1] + got * sizeof(struct l_mmsghdr);
        unsigned flags = (unsigned)c->a[3];
        if (got)
            flags |= L_MSG_DONTWAIT;
        int64_t r = recv_one(c, s, at, flags & ~(unsigned)L_MSG_WAITFORONE);
        if (r == SYS_BLOCK)
            return SYS_BLOCK;
        c->done = 0;
        if (r < 0) {
            err = r;
            break;
        }
        uint32_t len = (uint32_t)r;
        err = copy_out(c, at + offsetof(struct l_mmsghdr, len), &len, sizeof len);
        got += !err;
    }
    return got ? (int64_t)got : err;
}
