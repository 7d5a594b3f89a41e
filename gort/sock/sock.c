/* sock.c - sockets as objects and as open files. */
#include "gort/os/mem.h"
#include "gort/sock/far.h"
#include "kernel/check.h"

struct sock *sock_new(unsigned domain, unsigned type, unsigned protocol, const struct sock_ops *ops)
{
    struct sock *s = os_alloc(sizeof *s);

    if (!s)
        return NULL;
    s->refs = 1;
    s->domain = (uint16_t)domain;
    s->type = (uint16_t)type;
    s->protocol = (uint16_t)protocol;
    s->ops = ops;
    lock_init(&s->lock, "socket", RANK_SOCK);
    waitq_init(&s->rq);
    waitq_init(&s->wq);
    s->linger = -1;
    s->rcvbuf = s->sndbuf = 212992; /* what getsockopt says; as net.core.rmem_default */
    s->keepidle = 7200;
    s->keepintvl = 75;
    s->keepcnt = 9;
    s->ttl = 64;
    s->mcast_ttl = 1;
    s->mcast_loop = true;
    s->syncnt = 6;
    s->rcvlowat = 1;
    return s;
}

void sock_put(struct sock *s)
{
    if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (s->ops->free)
        s->ops->free(s);
    if (s->listener)
        sock_put(s->listener);
    os_free(s, sizeof *s);
}

void rights_free(struct rights *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < r->n; i++)
        file_put(r->file[i]);
    os_free(r, sizeof *r + r->n * sizeof r->file[0]);
}

void sock_fail(struct sock *s, int error)
{
    __atomic_store_n(&s->error, error, __ATOMIC_SEQ_CST);
    queue_wake(&s->rq);
    queue_wake(&s->wq);
}

int sock_take_error(struct sock *s)
{
    if (__atomic_load_n(&s->conn, __ATOMIC_RELAXED) && sock_state(s) != SS_LISTEN)
        return far_take_error(s);
    if (!__atomic_load_n(&s->error, __ATOMIC_ACQUIRE))
        return 0;
    return -__atomic_exchange_n(&s->error, 0, __ATOMIC_ACQ_REL);
}

/* ---- as a file ------------------------------------------------------------------------------ */

static int64_t file_sock_read(struct file *f, void *buf, size_t n)
{
    struct sock *s = f->priv;
    struct l_iovec room;
    struct msg m;

    msg_begin(&m, vec_one(&room, buf, n), 0);
    int64_t r = s->ops->recv(s, &m);
    rights_free(m.rights); /* read(2) has no place for them */
    return r;
}

static int64_t file_sock_peek(struct file *f, void *buf, size_t n)
{
    struct sock *s = f->priv;
    struct l_iovec room;
    struct msg m;

    msg_begin(&m, vec_one(&room, buf, n), L_MSG_PEEK);
    return s->type == L_SOCK_STREAM ? s->ops->recv(s, &m) : -L_EINVAL;
}

static int64_t file_sock_write(struct file *f, const void *buf, size_t n)
{
    struct sock *s = f->priv;
    struct l_iovec room;
    struct msg m;

    msg_begin(&m, vec_one(&room, buf, n), 0);
    return s->ops->send(s, &m);
}

static int64_t file_sock_vector(struct file *f, const struct l_iovec *iov, size_t n, uint64_t skip,
                                bool write)
{
    struct sock *s = f->priv;
    struct msg m;

    msg_begin(&m, (struct vec){ iov, n, 0, 0 }, 0);
    for (size_t i = 0; i < n; i++)
        m.v.left += iov[i].len;
    vec_skip(&m.v, skip);
    while (m.v.n > 1 && m.v.at == m.v.iov->len) { /* empty ones in front */
        m.v.iov++;
        m.v.n--;
        m.v.at = 0;
    }
    int64_t r = write ? s->ops->send(s, &m) : s->ops->recv(s, &m);
    rights_free(m.rights);
    return r;
}

static unsigned file_sock_poll(struct file *f)
{
    struct sock *s = f->priv;

    return s->ops->poll(s);
}

static struct waitq *file_sock_queue(struct file *f, bool write)
{
    struct sock *s = f->priv;

    return write ? &s->wq : &s->rq;
}

static void file_sock_release(struct file *f)
{
    struct sock *s = f->priv;

    s->ops->close(s);
    sock_put(s);
}

static const struct file_ops sock_file_ops = {
    .read = file_sock_read, .peek = file_sock_peek, .write = file_sock_write,
    .vector = file_sock_vector,
    .poll = file_sock_poll, .queue = file_sock_queue, .ioctl = sock_ioctl,
    .release = file_sock_release, .whole_writes = true,
};

struct sock *sock_of_file(struct file *f)
{
    return f->ops == &sock_file_ops ? f->priv : NULL;
}

int64_t sock_install(struct sock *s, unsigned flags)
{
    struct file *f = file_new_anon(L_S_IFSOCK | 0777, L_O_RDWR | (flags & L_O_NONBLOCK),
                                   &sock_file_ops, s);

    if (!f) {
        s->ops->close(s);
        sock_put(s);
        return -L_ENOMEM;
    }
    return fd_install(f, flags & L_SOCK_CLOEXEC, 0);
}
