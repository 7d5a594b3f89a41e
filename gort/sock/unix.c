/* unix.c - AF_UNIX: streams, packets and datagrams between names of the file tree or of nowhere.
 *
 *   path      -> inode (S_IFSOCK) -> number -> socket     unlink takes the name, not the socket
 *   @abstract --------------------------------> socket     gone with the socket
 *
 * unix(7). Streams and packets are a duplex, datagrams a queue of the receiver. */
#include <stdio.h>
#include <string.h>
#include "gort/os/fs/vfs.h"
#include "gort/os/mem.h"
#include "gort/sock/dgram.h"
#include "gort/sock/filter.h"
#include "gort/sock/stream.h"
#include "kernel/random.h"

enum { NAMES = 256 };

static struct {
    struct lock lock;           /* RANK_SOCK_NAMES */
    struct sock *bucket[NAMES]; /* [lock] by table_next; not referenced */
} names = { .lock = LOCK_INIT("unix names", RANK_SOCK_NAMES) };

/* ---- names ---------------------------------------------------------------------------------- */

static bool is_abstract(const struct sock_addr *a) { return a->un.len && !a->un.path[0]; }

static unsigned hash_of(const struct sock_addr *a, uint64_t ino)
{
    uint32_t h = (uint32_t)ino * 2654435761u;

    for (unsigned i = 0; is_abstract(a) && i < a->un.len; i++) /* each type has names of its own */
        h = (h ^ (uint8_t)a->un.path[i]) * 16777619u;
    return (h >> 8) % NAMES;
}

static bool is_named(const struct sock *s, unsigned type, const struct sock_addr *a, uint64_t ino)
{
    if (!is_abstract(a))
        return ino && s->bound_ino == ino;
    return !s->bound_ino && s->type == type && s->local.un.len == a->un.len &&
           !memcmp(s->local.un.path, a->un.path, a->un.len);
}

static struct sock *find_locked(unsigned type, const struct sock_addr *a, uint64_t ino)
{
    for (struct sock *s = names.bucket[hash_of(a, ino)]; s; s = s->table_next)
        if (is_named(s, type, a, ino))
            return s;
    return NULL;
}

static int name_add(struct sock *s, const struct sock_addr *a, uint64_t ino)
{
    lock(&names.lock);
    int err = find_locked(s->type, a, ino) ? -L_EADDRINUSE : 0;
    if (!err) {
        struct sock **b = &names.bucket[hash_of(a, ino)];
        s->local = *a;
        s->bound_ino = ino;
        s->table_next = *b;
        *b = s;
        s->in_table = true;
    }
    unlock(&names.lock);
    return err;
}

static void name_remove(struct sock *s)
{
    lock(&names.lock);
    if (s->in_table) {
        struct sock **b = &names.bucket[hash_of(&s->local, s->bound_ino)];
        while (*b != s)
            b = &(*b)->table_next;
        *b = s->table_next;
        s->in_table = false;
    }
    unlock(&names.lock);
}

static void path_of(const struct sock_addr *a, char path[sizeof a->un.path + 1])
{
    memcpy(path, a->un.path, a->un.len);
    path[a->un.len] = 0;
}

/* Finds the inode number of a socket's path. */
static int ino_of(const struct sock_addr *a, uint64_t *ino)
{
    char path[sizeof a->un.path + 1];
    struct inode *n;

    *ino = 0;
    if (is_abstract(a))
        return 0;
    path_of(a, path);
    int err = vfs_lookup(NULL, path, WALK_FOLLOW, &n);
    if (err)
        return err;
    *ino = n->ino;
    err = inode_is(n, L_S_IFSOCK) ? 0 : -L_ECONNREFUSED;
    inode_put(n);
    return err;
}

/* The socket of that type that has this name, with a reference. */
static int find(unsigned type, const struct sock_addr *a, struct sock **out)
{
    uint64_t ino;
    int err = ino_of(a, &ino);

    if (err)
        return err;
    lock(&names.lock);
    *out = find_locked(type, a, ino);
    int fits = !*out ? -L_ECONNREFUSED : (*out)->type != type ? -L_EPROTOTYPE : 0;
    if (fits)
        *out = NULL;
    else
        sock_get(*out);
    unlock(&names.lock);
    return fits;
}

/* bind(2) without a name: five hexadecimal digits in the abstract space. */
static int autobind(struct sock *s)
{
    uint32_t n;

    if (random_bytes(&n, sizeof n))
        n = (uint32_t)random_fast();
    for (unsigned i = 0; i < 1u << 20; i++) {
        struct sock_addr a = { .family = L_AF_UNIX, .un.len = 6 };
        char text[8];
        snprintf(text, sizeof text, "%05x", (n + i) & 0xfffff);
        memcpy(a.un.path + 1, text, 5);
        if (!name_add(s, &a, 0))
            return 0;
    }
    return -L_ENOSPC;
}

/* The file is made first, as its number is the name. */
static int bind_path(struct sock *s, const struct sock_addr *a)
{
    char path[sizeof a->un.path + 1];
    uint64_t ino;

    path_of(a, path);
    int err = vfs_mknod(NULL, path, L_S_IFSOCK | (0777 & ~vfs.umask), NULL);
    if (err)
        return err == -L_EEXIST ? -L_EADDRINUSE : err;
    err = ino_of(a, &ino);
    return err ? err : name_add(s, a, ino);
}

static int bind_as(struct sock *s, const struct sock_addr *a)
{
    int err = !a->un.len ? autobind(s) : is_abstract(a) ? name_add(s, a, 0) : bind_path(s, a);

    lock(&s->lock);
    if (err)
        s->port_chosen = false;
    else if (s->state == SS_NEW)
        sock_set_state(s, SS_BOUND);
    unlock(&s->lock);
    return err;
}

static bool path_exists(const struct sock_addr *a)
{
    char path[sizeof a->un.path + 1];
    struct inode *n;

    path_of(a, path);
    if (vfs_lookup(NULL, path, 0, &n))
        return false;
    inode_put(n);
    return true;
}

/* A socket has one name for ever; a path that exists is in use, whoever asks. */
static int unix_bind(struct sock *s, const struct sock_addr *a)
{
    lock(&s->lock);
    bool bound = s->port_chosen || s->local.un.len;
    s->port_chosen = true; /* nobody else binds it meanwhile */
    unlock(&s->lock);
    if (!bound)
        return bind_as(s, a);
    if (!a->un.len)
        return 0;
    return !is_abstract(a) && path_exists(a) ? -L_EADDRINUSE : -L_EINVAL;
}

/* The socket that s, of datagrams, is connected to, referenced, or NULL. */
static struct sock *peer_of(struct sock *s)
{
    lock(&s->lock);
    struct sock *to = s->type == L_SOCK_DGRAM ? s->listener : NULL;
    if (to)
        sock_get(to);
    unlock(&s->lock);
    return to;
}

/* The name of a peer that is there still may be younger than the connection. */
static int unix_name(struct sock *s, bool peer, struct sock_addr *a)
{
    struct sock *to = peer ? peer_of(s) : NULL;
    struct duplex *d = __atomic_load_n(&s->pipe, __ATOMIC_ACQUIRE);

    lock(&names.lock);
    int err = peer && !s->peer.family ? -L_ENOTCONN : 0;
    *a = peer ? s->peer : s->local;
    if (peer && d)
        duplex_peer_name(d, s->side, a);
    if (to)
        *a = to->local;
    unlock(&names.lock);
    if (to)
        sock_put(to);
    a->family = L_AF_UNIX;
    return err;
}

/* ---- streams and packets -------------------------------------------------------------------- */

static enum duplex_kind kind_of(const struct sock *s)
{
    return s->type == L_SOCK_STREAM ? DUPLEX_LOCAL : DUPLEX_PACKETS;
}

static int unix_listen(struct sock *s, unsigned backlog)
{
    return !s->local.un.len ? -L_EINVAL : backlog_listen(s, backlog);
}

static int64_t unix_recv(struct sock *s, struct msg *m)
{
    int64_t r = stream_recv(s, m);
    struct duplex *d = __atomic_load_n(&s->pipe, __ATOMIC_ACQUIRE);

    if (r < 0 || !m->has_addr || !d || !m->creds)
        return r;
    lock(&names.lock);
    m->addr = s->peer;
    duplex_peer_name(d, s->side, &m->addr);
    unlock(&names.lock);
    if (!m->addr.un.len)
        m->addr.family = 0;
    return r;
}

static int start_locked(struct sock *s, const struct sock_addr *to)
{
    switch (s->state) {
    case SS_CONNECTED: return -L_EISCONN;
    case SS_CONNECTING: return -L_EALREADY;
    case SS_LISTEN: return -L_EINVAL;
    default:
        s->peer = *to;
        sock_set_state(s, SS_CONNECTING);
        return 0;
    }
}

static bool listens(const struct sock *l)
{
    return sock_state(l) == SS_LISTEN && !(sock_shut(l) & SHUT_IN);
}

static int unix_connect(struct sock *s, const struct sock_addr *a)
{
    struct sock *l;
    int err = find(s->type, a, &l);

    if (err)
        return err;
    err = listens(l) ? 0 : -L_ECONNREFUSED;
    if (!err) {
        lock(&s->lock);
        err = start_locked(s, a);
        unlock(&s->lock);
        if (!err)
            err = stream_connect(l, s, a, kind_of(s));
        if (err && err != -L_EINPROGRESS && sock_state(s) != SS_CONNECTED)
            s->peer.family = 0;
    }
    sock_put(l);
    return err;
}

static int unix_accept(struct sock *s, struct sock **out)
{
    int err = stream_accept(s, out, kind_of(s));

    if (!err)
        flight_accepted(*out);
    return err;
}

static int unix_pair(struct sock *a, struct sock *b) { return stream_pair(a, b, kind_of(a)); }

static void unix_close(struct sock *s)
{
    struct duplex *d = __atomic_load_n(&s->pipe, __ATOMIC_ACQUIRE);

    if (d && s->local.un.len) {
        lock(&names.lock);
        duplex_leave_name(d, s->side);
        unlock(&names.lock);
    }
    name_remove(s);
    stream_close(s);
    flight_closed(s);
}

static void unix_drop(struct sock *s)
{
    struct duplex *d = __atomic_load_n(&s->pipe, __ATOMIC_ACQUIRE);

    if (d)
        duplex_drop(d, s->side);
    else if (sock_state(s) == SS_LISTEN)
        backlog_close(s);
}

/* ---- datagrams ------------------------------------------------------------------------------ */

/* A socket that is connected receives from its peer alone. */
static bool may_send(struct sock *s, struct sock *r)
{
    lock(&r->lock);
    bool may = !r->listener || r->listener == s;
    unlock(&r->lock);
    return may;
}

/* A sender that found r's inbox full: its writers are woken when there is room. */
struct room_waiter {
    struct room_waiter *next;
    struct sock *s; /* referenced */
};

static int wait_for_room(struct sock *r, struct sock *s)
{
    struct room_waiter *w = os_alloc(sizeof *w), *o;

    if (!w)
        return -L_ENOBUFS;
    w->s = s;
    lock(&r->lock);
    for (o = r->writers; o && o->s != s; o = o->next)
        ;
    if (!o) {
        w->next = r->writers;
        r->writers = w;
        sock_get(s);
    }
    unlock(&r->lock);
    if (o)
        os_free(w, sizeof *w);
    return -L_EAGAIN;
}

static void wake_writers(struct sock *r)
{
    if (!__atomic_load_n(&r->writers, __ATOMIC_SEQ_CST))
        return;
    lock(&r->lock);
    struct room_waiter *w = r->writers;
    r->writers = NULL;
    unlock(&r->lock);
    while (w) {
        struct room_waiter *next = w->next;
        queue_wake(&w->s->wq);
        sock_put(w->s);
        os_free(w, sizeof *w);
        w = next;
    }
}

/* What an old peer has sent is dropped, and it is told if s was its peer. */
static void dgram_disconnected(struct sock *s, struct sock *old)
{
    if (dgramq_empty(s->inbox))
        return;
    dgramq_clear(s->inbox);
    wake_writers(s);
    lock(&old->lock);
    bool mutual = old->listener == s && old->state != SS_CLOSED;
    unlock(&old->lock);
    if (mutual)
        sock_fail(old, L_ECONNRESET);
}

static int dgram_connect(struct sock *s, const struct sock_addr *a)
{
    struct sock *r = NULL;
    int err = a->family ? find(L_SOCK_DGRAM, a, &r) : 0;

    if (!err && r && !may_send(s, r))
        err = -L_EPERM;
    if (!err) {
        lock(&s->lock);
        struct sock *old = s->listener;
        s->listener = r; /* where its datagrams go */
        s->peer = *a;
        sock_set_state(s, a->family ? SS_CONNECTED : SS_BOUND);
        unlock(&s->lock);
        if (old && old != r)
            dgram_disconnected(s, old);
        r = old;
    }
    if (r)
        sock_put(r);
    return err;
}

static int receiver(struct sock *s, const struct msg *m, struct sock **out)
{
    if (m->has_addr)
        return find(L_SOCK_DGRAM, &m->addr, out);
    *out = peer_of(s);
    return *out ? 0 : -L_ENOTCONN;
}

/* r is closed: a socket that was connected to it is so no more. */
static int receiver_gone(struct sock *s, struct sock *r)
{
    lock(&s->lock);
    bool ours = s->listener == r;
    if (ours) {
        s->listener = NULL;
        s->peer.family = 0;
        sock_set_state(s, SS_BOUND);
    }
    unlock(&s->lock);
    if (ours) {
        dgramq_clear(s->inbox);
        sock_put(r);
    }
    return -L_ECONNREFUSED;
}

/* Room may appear between the attempt that finds none and the registration as a waiter, so a
 * second attempt follows. */
static int add_or_wait(struct sock *r, struct sock *s, struct dgram *g, struct msg *m)
{
    int err = dgramq_add(r->inbox, g, m, r->rcvbuf);

    if (err != -L_EAGAIN)
        return err;
    err = wait_for_room(r, s);
    return err == -L_EAGAIN ? dgramq_add(r->inbox, g, m, r->rcvbuf) : err;
}

/* m's datagram, made by now, goes to r. It is freed if it does not. */
static int dgram_deliver(struct sock *s, struct sock *r, struct dgram *g, struct msg *m)
{
    int err;

    if (!may_send(s, r))
        err = -L_EPERM;
    else if (sock_state(r) == SS_CLOSED)
        err = receiver_gone(s, r);
    else if (sock_shut(r) & SHUT_IN)
        err = -L_EPIPE;
    else if ((err = add_or_wait(r, s, g, m)) == -L_ECONNREFUSED) /* it has been closed since */
        err = receiver_gone(s, r);
    if (err)
        dgram_drop(g);
    return err;
}

/* A filter counts before the state of the receiver, as on Linux: what it drops has been sent. */
static int64_t dgram_send(struct sock *s, struct msg *m)
{
    enum { LONGEST = 512 << 10 }; /* it is copied in one go */
    const struct sock_addr to = { .family = L_AF_UNIX };
    struct dgram *g = NULL;
    struct sock *r;
    int64_t n = (int64_t)m->v.left;
    int err = n > (int64_t)s->sndbuf - 32 ? -L_EMSGSIZE : n > LONGEST ? -L_ENOBUFS
                                                                       : sock_take_error(s);

    if (!err)
        err = sock_shut(s) & SHUT_OUT ? -L_EPIPE : receiver(s, m, &r);
    if (err)
        return err;
    err = inbox_make(r, m, &s->local, &to, &g);
    if (!err && !(err = dgram_deliver(s, r, g, m)))
        queue_wake(&r->rq);
    sock_put(r);
    return err < 0 ? err : n;
}

static int64_t dgram_recv(struct sock *s, struct msg *m)
{
    int err = sock_take_error(s);

    if (err)
        return err;
    int64_t r = dgramq_take(s->inbox, m);
    if (r >= 0)
        wake_writers(s);
    if (r >= 0 && !m->addr.un.len) /* a sender without a name */
        m->addr.family = 0;
    return r == -L_EAGAIN && m->waits && sock_shut(s) & SHUT_IN ? 0 : r;
}

static unsigned dgram_poll(struct sock *s)
{
    unsigned r = dgramq_empty(s->inbox) ? 0 : L_POLLIN;

    if (__atomic_load_n(&s->error, __ATOMIC_ACQUIRE))
        r |= L_POLLERR;
    r |= sock_shut_poll(s);
    struct sock *to = peer_of(s);
    if (!to || sock_state(to) == SS_CLOSED || dgramq_has_room(to->inbox, to->rcvbuf))
        r |= L_POLLOUT;
    if (to)
        sock_put(to);
    return r;
}

static int dgram_shutdown(struct sock *s, unsigned how)
{
    sock_shut_down(s, how);
    return 0;
}

static int dgram_pair(struct sock *a, struct sock *b)
{
    sock_get(a);
    sock_get(b);
    a->listener = b;
    b->listener = a;
    a->peer.family = b->peer.family = L_AF_UNIX;
    sock_set_state(a, SS_CONNECTED);
    sock_set_state(b, SS_CONNECTED);
    return 0;
}

/* The sockets of a pair hold a reference to each other, which the first to close gives up. */
static void dgram_close(struct sock *s)
{
    name_remove(s);
    lock(&s->lock);
    sock_set_state(s, SS_CLOSED);
    struct sock *to = s->listener;
    s->listener = NULL;
    unlock(&s->lock);
    dgramq_close(s->inbox); /* its peers may keep s */
    wake_writers(s);
    flight_closed(s);
    if (to)
        sock_put(to);
}

static void dgram_discard(struct sock *s)
{
    dgramq_clear(s->inbox);
    wake_writers(s);
}

static void dgram_free(struct sock *s) { dgramq_free(s->inbox); }
static size_t dgram_unread(struct sock *s) { return dgramq_first_length(s->inbox); }

static const struct sock_ops stream_ops = {
    .bind = unix_bind, .listen = unix_listen, .connect = unix_connect, .accept = unix_accept,
    .send = stream_send, .recv = unix_recv, .poll = stream_poll, .shutdown = stream_shutdown,
    .close = unix_close, .name = unix_name, .unread = stream_unread, .pair = unix_pair,
    .drop = unix_drop,
}, dgram_ops = {
    .bind = unix_bind, .connect = dgram_connect, .send = dgram_send, .recv = dgram_recv,
    .poll = dgram_poll, .shutdown = dgram_shutdown, .close = dgram_close, .free = dgram_free,
    .name = unix_name, .unread = dgram_unread, .pair = dgram_pair, .drop = dgram_discard,
};

struct sock *unix_sock_new(unsigned type)
{
    if (type != L_SOCK_DGRAM)
        return sock_new(L_AF_UNIX, type, 0, &stream_ops);
    struct dgramq *q = dgramq_new();
    struct sock *s = q ? sock_new(L_AF_UNIX, type, 0, &dgram_ops) : NULL;
    if (s) {
        s->inbox = q;
        dgramq_reader(q, s);
    } else if (q) {
        dgramq_free(q);
    }
    return s;
}
