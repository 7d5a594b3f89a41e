/* stream.c - connected sockets whose ends are both in this machine: see stream.h. */
#include "gort/sock/stream.h"
#include "gort/os/mem.h"

static struct duplex *pipe_of(const struct sock *s)
{
    return __atomic_load_n(&s->pipe, __ATOMIC_ACQUIRE);
}

/* ---- connecting ----------------------------------------------------------------------------- */

void stream_inherit(struct sock *p, const struct sock *l)
{
    p->nodelay = l->nodelay;
    p->keepalive = l->keepalive;
    p->v6only = l->v6only;
    p->linger = l->linger;
    p->rcvbuf = l->rcvbuf;
    p->sndbuf = l->sndbuf;
    p->buffers_set = l->buffers_set;
    p->keepidle = l->keepidle;
    p->keepintvl = l->keepintvl;
    p->keepcnt = l->keepcnt;
    p->user_timeout = l->user_timeout;
    p->ip4 = l->ip4;
    p->ip6 = l->ip6;
    p->passcred = l->passcred;
    if (l->domain != L_AF_UNIX) /* a listener that had been shut down: so are its connections */
        p->shut = sock_shut(l);
}

/* s->shut is read after the connection is visible, and stream_shutdown looks for the connection
 * after it has written it: a shutdown meanwhile is not lost. */
static void set_connected(struct sock *s, struct duplex *d, unsigned side)
{
    s->side = side;
    duplex_attach(d, side, s);
    __atomic_store_n(&s->pipe, d, __ATOMIC_SEQ_CST);
    unsigned shut = __atomic_load_n(&s->shut, __ATOMIC_SEQ_CST);
    if (shut)
        duplex_begin_shut(d, side, shut);
    sock_set_state(s, SS_CONNECTED);
}

/* A ring is one block of memory, and is copied when it grows, under a lock: so it is half a MiB at
 * most, which is more than programs can ask for without SO_RCVBUFFORCE. */
static uint32_t cap_of(const struct sock *reader, const struct sock *writer)
{
    enum { LEAST = 2304, MOST = 512 << 10 };
    uint32_t cap = reader->rcvbuf > writer->sndbuf ? reader->rcvbuf : writer->sndbuf;

    return cap < LEAST ? LEAST : cap > MOST ? MOST : cap;
}

/* Connects s with a new socket in l's queue; -L_EAGAIN: l's queue is full.
 *
 * s's own state changes after the far end stands in the queue, which a reader may find first:
 * both ends of the connection are open from the start. */
static int join(struct sock *l, struct sock *s, const struct sock_addr *to, enum duplex_kind kind)
{
    struct sock *p = sock_new(l->domain, l->type, l->protocol, l->ops);
    struct duplex *d = p ? duplex_new(kind, cap_of(s, l), cap_of(l, s)) : NULL;

    if (!d) {
        if (p)
            sock_put(p);
        return -L_ENOBUFS;
    }
    stream_inherit(p, l);
    p->local = *to;
    p->peer = s->local;
    duplex_attach(d, 0, s);
    set_connected(p, d, 1);
    if (p->shut & SHUT_OUT) /* TCP sends its end as soon as it may */
        duplex_shutdown(d, 1, L_SHUT_WR);
    int err = backlog_push(l, p);
    if (err) {
        duplex_attach(d, 0, NULL);
        p->ops->close(p);
        duplex_close(d, 0, false);
        sock_put(p);
        return err;
    }
    lock(&s->lock);
    bool closed = s->state != SS_CONNECTING;
    if (!closed) {
        s->peer = *to;
        set_connected(s, d, 0);
    }
    unlock(&s->lock);
    if (closed)
        duplex_close(d, 0, true);
    return 0;
}

int stream_connect(struct sock *l, struct sock *s, const struct sock_addr *to,
                   enum duplex_kind kind)
{
    int err;

    do {
        err = join(l, s, to, kind);
    } while (err == -L_EAGAIN && (err = backlog_wait(l, s)) == -L_EAGAIN);
    if (err && err != -L_EINPROGRESS) {
        lock(&s->lock);
        if (s->state == SS_CONNECTING)
            sock_set_state(s, s->local.family ? SS_BOUND : SS_NEW);
        unlock(&s->lock);
    }
    return err;
}

int stream_pair(struct sock *a, struct sock *b, enum duplex_kind kind)
{
    struct duplex *d = duplex_new(kind, cap_of(a, b), cap_of(b, a));

    if (!d)
        return -L_ENOBUFS;
    a->peer.family = b->peer.family = L_AF_UNIX;
    duplex_attach(d, 1, b);
    set_connected(a, d, 0);
    set_connected(b, d, 1);
    return 0;
}

int stream_accept(struct sock *l, struct sock **out, enum duplex_kind kind)
{
    struct sock *again = NULL;
    int err = backlog_take(l, out, &again);

    if (!again)
        return err;
    struct sock_addr to = again->peer;
    int r = join(l, again, &to, kind);
    if (r == -L_EAGAIN)
        r = backlog_wait(l, again);
    if (r && r != -L_EINPROGRESS)
        sock_fail(again, -r);
    else if (!r)
        queue_wake(&again->wq);
    sock_put(again);
    return err;
}

/* ---- connected ------------------------------------------------------------------------------ */

/* A stream of AF_UNIX that cannot be written to says so before it tells of an error. */
int64_t stream_send(struct sock *s, struct msg *m)
{
    struct duplex *d = pipe_of(s);
    bool local = s->domain == L_AF_UNIX && s->type == L_SOCK_STREAM;
    int64_t r = d && local ? duplex_send(d, s->side, m) : 0;

    if (d && local && r != -L_EAGAIN)
        return r;
    int err = sock_take_error(s);
    if (err || r)
        return err ? err : r;
    if (!d)
        return sock_state(s) == SS_CONNECTING ? -L_EAGAIN : s->domain == L_AF_UNIX ? -L_ENOTCONN
                                                                                   : -L_EPIPE;
    return duplex_send(d, s->side, m);
}

/* A read where there is no connection. */
static int64_t recv_nothing(struct sock *s)
{
    if (s->domain == L_AF_UNIX)
        return s->type == L_SOCK_STREAM ? -L_EINVAL : -L_ENOTCONN;
    if (sock_state(s) == SS_LISTEN)
        return -L_ENOTCONN;
    int err = sock_take_error(s);
    if (err)
        return err;
    return sock_shut(s) & SHUT_IN ? 0 : sock_state(s) == SS_CONNECTING ? -L_EAGAIN : -L_ENOTCONN;
}

int64_t stream_recv(struct sock *s, struct msg *m)
{
    struct duplex *d = pipe_of(s);

    return d ? duplex_recv(d, s->side, m) : recv_nothing(s);
}

unsigned stream_poll(struct sock *s)
{
    struct duplex *d = pipe_of(s);
    bool failed = __atomic_load_n(&s->error, __ATOMIC_ACQUIRE);
    unsigned r = failed ? L_POLLERR : 0;

    if (d)
        return r | duplex_poll(d, s->side);
    switch (sock_state(s)) {
    case SS_LISTEN:
        if (s->domain == L_AF_UNIX)
            r |= sock_shut_poll(s);
        return r | (__atomic_load_n(&s->queue.n, __ATOMIC_ACQUIRE) ? L_POLLIN : 0);
    case SS_CONNECTING:
        return r;
    default:
        if (sock_shut(s) & SHUT_IN)
            r |= L_POLLIN | L_POLLRDHUP;
        return r | L_POLLOUT | L_POLLHUP;
    }
}

int stream_shutdown(struct sock *s, unsigned how)
{
    struct duplex *d = pipe_of(s);

    if (d)
        return duplex_shutdown(d, s->side, how);
    if (s->domain != L_AF_UNIX && sock_state(s) == SS_LISTEN) {
        if (how == L_SHUT_WR)
            return 0;
        backlog_close(s);
        return 0;
    }
    sock_shut_down(s, how);
    if ((d = __atomic_load_n(&s->pipe, __ATOMIC_SEQ_CST)))
        return duplex_shutdown(d, s->side, how); /* connected by now */
    return s->domain == L_AF_UNIX ? 0 : -L_ENOTCONN;
}

/* Connections that have been dissolved, until nobody can use them any more. */
struct duplex_old { struct duplex_old *next; struct duplex *pipe; unsigned side; };

void stream_dissolve(struct sock *s)
{
    struct duplex_old *o = os_alloc(sizeof *o);

    lock(&s->lock);
    struct duplex *d = o ? s->pipe : NULL;
    if (d) {
        *o = (struct duplex_old){ s->pipe_old, d, s->side };
        s->pipe_old = o;
        __atomic_store_n(&s->pipe, NULL, __ATOMIC_RELEASE);
        sock_set_state(s, SS_BOUND);
        __atomic_store_n(&s->shut, 0, __ATOMIC_RELEASE);
    }
    unlock(&s->lock);
    if (d)
        duplex_end(d, s->side, true);
    else if (o)
        os_free(o, sizeof *o);
}

static void old_release(struct sock *s)
{
    struct duplex_old *o = s->pipe_old;

    for (struct duplex_old *next; o; o = next) {
        next = o->next;
        duplex_release(o->pipe, o->side);
        os_free(o, sizeof *o);
    }
    s->pipe_old = NULL;
}

size_t stream_unread(struct sock *s)
{
    struct duplex *d = pipe_of(s);

    return d ? duplex_unread(d, s->side) : 0;
}

/* The state becomes closed before the connection is read: join, which may be about to give s a
 * connection, checks the state under this lock. */
void stream_close(struct sock *s)
{
    lock(&s->lock);
    uint32_t was = s->state;
    sock_set_state(s, SS_CLOSED);
    struct duplex *d = s->pipe;
    unlock(&s->lock);
    if (was == SS_LISTEN)
        backlog_close(s);
    if (was == SS_CONNECTING)
        backlog_forget(s);
    if (d)
        duplex_close(d, s->side, s->linger == 0);
    old_release(s);
}
