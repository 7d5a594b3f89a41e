/* msg.c - sending and receiving: sendto, sendmsg, sendmmsg and their counterparts.
 *
 * A call that has waited starts again: it reads its arguments anew, and continues after the c->done
 * bytes (sendmmsg, recvmmsg: messages) of earlier rounds. */
#include <string.h>
#include "gort/os/mem.h"
#include "gort/sock/calls.h"
#include "kernel/clock.h"

enum { IOV_MAX = 1024, MMSG_MAX = 1024, CONTROL_MAX = 4096 };

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

/* Copies the list of buffers, so that the program cannot change it afterwards, and checks it. */
static int64_t iov_get(struct call *c, struct user_msg *u, bool write)
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
        else if (!call_present(c, u->iov[i].base, u->iov[i].len, write))
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

/* ---- files in flight ------------------------------------------------------------------------ */

static int64_t rights_get(const uint8_t *fds, size_t n, struct rights **out)
{
    if (*out || n > L_SCM_MAX_FD)
        return -L_EINVAL;
    struct rights *r = os_alloc(sizeof *r + n * sizeof r->file[0]);
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
    for (unsigned i = 0; i < r->n; i++)
        file_put(r->file[i]);
    os_free(r, sizeof *r + n * sizeof r->file[0]);
    return -L_EBADF;
}

static size_t cmsg_align(size_t n) { return (n + 7) & ~(size_t)7; }

/* Takes the control messages that the program sends. Those of no use to the socket are
 * silently accepted, as on Linux for other protocols' messages. */
static int64_t controls_get(struct call *c, struct sock *s, const struct l_msghdr *h, struct msg *m)
{
    uint8_t buf[CONTROL_MAX];
    size_t n = h->controllen;

    if (!n)
        return 0;
    if (n > sizeof buf)
        return -L_ENOBUFS;
    int64_t err = copy_in(c, buf, h->control, n);
    for (size_t at = 0; !err && at + sizeof(struct l_cmsghdr) <= n;) {
        struct l_cmsghdr k;
        memcpy(&k, buf + at, sizeof k);
        if (k.len < sizeof k || k.len > n - at)
            return -L_EINVAL;
        if (k.level == L_SOL_SOCKET && k.type == L_SCM_RIGHTS)
            err = s->domain != L_AF_UNIX ? -L_EINVAL
                  : rights_get(buf + at + sizeof k, (k.len - sizeof k) / 4, &m->rights);
        at += cmsg_align(k.len);
    }
    return err;
}

/* ---- sending -------------------------------------------------------------------------------- */

static int64_t send_rounds(struct call *c, struct sock *s, struct msg *m)
{
    bool waits = call_waits(c, m->flags);

    for (;;) {
        int64_t r = s->ops->send(s, m);
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
        if (s->sndtimeo && call_deadline(c, clock_mono_ns() + s->sndtimeo))
            return c->done ? (int64_t)c->done : -L_EAGAIN;
        if (!call_wait(c, &s->wq))
            return SYS_BLOCK;
    }
}

/* Sends u without the `skip` bytes that earlier rounds have sent. */
static int64_t send_one(struct call *c, struct sock *s, struct user_msg *u, unsigned flags,
                        uint64_t skip)
{
    struct msg m = { .flags = flags };
    int64_t err = 0;

    if (flags & L_MSG_OOB)
        return -L_EOPNOTSUPP;
    if (u->h.name && u->h.namelen) {
        err = call_addr(c, s, u->h.name, u->h.namelen, &m.addr);
        m.has_addr = !err && m.addr.family;
        if (!err && is_stream(s))
            m.has_addr = false;
        else if (!err && s->domain == L_AF_UNIX && s->type == L_SOCK_SEQPACKET)
            err = sock_state(s) == SS_CONNECTED ? -L_EISCONN : -L_EOPNOTSUPP;
    }
    if (!err)
        err = iov_get(c, u, false);
    if (!err && !skip)
        err = controls_get(c, s, &u->h, &m);
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
    struct user_msg u = { .h = { .name = c->a[4], .namelen = (uint32_t)c->a[5] } };

    if (err)
        return err;
    if (!call_present(c, one.base, one.len, false))
        return -L_EFAULT;
    struct msg m = { .flags = (unsigned)c->a[3], .v = { &one, 1, 0, one.len } };
    if (m.flags & L_MSG_OOB)
        return -L_EOPNOTSUPP;
    if (u.h.name && u.h.namelen && !is_stream(s)) {
        err = call_addr(c, s, u.h.name, u.h.namelen, &m.addr);
        m.has_addr = !err && m.addr.family;
    }
    if (err)
        return err;
    vec_skip(&m.v, c->done);
    return send_rounds(c, s, &m);
}

int64_t sys_sendmsg(struct call *c)
{
    int64_t err;
    struct user_msg u;
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
        struct user_msg u;
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

static int64_t recv_rounds(struct call *c, struct sock *s, struct msg *m)
{
    bool waits = call_waits(c, m->flags);
    bool all = is_stream(s) && m->flags & L_MSG_WAITALL && !(m->flags & L_MSG_PEEK) && waits;

    for (;;) {
        int64_t r = s->ops->recv(s, m);
        if (r >= 0) {
            c->done += (uint64_t)r;
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

/* The program's buffer for control messages, and how much of it is used. */
struct controls { uint64_t at, left, used; };

static bool control_put(struct call *c, struct controls *k, int level, int type, const void *data,
                        size_t n)
{
    struct l_cmsghdr h = { sizeof h + n, level, type };
    size_t space = cmsg_align(h.len);

    if (k->left < h.len || copy_out(c, k->at, &h, sizeof h) ||
        copy_out(c, k->at + sizeof h, data, n))
        return false;
    if (space > k->left)
        space = k->left;
    k->at += space;
    k->left -= space;
    k->used += space;
    return true;
}

/* As many files as fit get descriptors; the others are closed. True: some did not fit. */
static bool rights_give(struct call *c, struct controls *k, struct rights *r, bool cloexec)
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
    bool whole = n == r->n;
    if (n && !control_put(c, k, L_SOL_SOCKET, L_SCM_RIGHTS, fds, 4 * n))
        whole = false;
    return whole;
}

static void pktinfo_give(struct call *c, struct controls *k, const struct sock *s,
                         const struct msg *m)
{
    uint32_t ifindex = m->ifindex ? m->ifindex : 1;
    uint8_t four[12], six[20]; /* four: interface; address of ours, destination of the header */

    if (s->domain == L_AF_INET) {
        memcpy(four, &ifindex, 4);
        memcpy(four + 4, m->to.in.ip.b + 12, 4);
        memcpy(four + 8, m->to.in.ip.b + 12, 4);
        control_put(c, k, L_IPPROTO_IP, L_IP_PKTINFO, four, sizeof four);
        return;
    }
    memcpy(six, m->to.in.ip.b, 16);
    memcpy(six + 16, &ifindex, 4);
    control_put(c, k, L_IPPROTO_IPV6, L_IPV6_PKTINFO, six, sizeof six);
}

static void controls_give(struct call *c, struct sock *s, struct user_msg *u, struct msg *m)
{
    struct controls k = { u->h.control, u->h.control ? u->h.controllen : 0, 0 };
    static const struct l_ucred we = { 1, 0, 0 };

    if (s->passcred && m->creds && s->domain == L_AF_UNIX &&
        !control_put(c, &k, L_SOL_SOCKET, L_SCM_CREDENTIALS, &we, sizeof we))
        m->out_flags |= L_MSG_CTRUNC;
    if (m->rights && !rights_give(c, &k, m->rights, m->flags & L_MSG_CMSG_CLOEXEC))
        m->out_flags |= L_MSG_CTRUNC;
    if (s->recv_pktinfo && m->to.family)
        pktinfo_give(c, &k, s, m);
    u->h.controllen = k.used;
}

static int64_t recv_one(struct call *c, struct sock *s, uint64_t at, unsigned flags)
{
    struct user_msg u;
    struct msg m = { .flags = flags };
    int64_t err = copy_in(c, &u.h, at, sizeof u.h);

    if (!err && flags & L_MSG_OOB)
        err = -L_EINVAL;
    if (!err)
        err = iov_get(c, &u, true);
    if (err)
        return err;
    m.v = vec_of(&u);
    vec_skip(&m.v, is_stream(s) ? c->done : 0);
    int64_t r = recv_rounds(c, s, &m);
    iov_drop(&u);
    if (r < 0)
        return r;
    controls_give(c, s, &u, &m);
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
    if (!call_present(c, one.base, one.len, true))
        return -L_EFAULT;
    struct msg m = { .flags = (unsigned)c->a[3], .v = { &one, 1, 0, one.len } };
    if (m.flags & L_MSG_OOB)
        return -L_EINVAL;
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
