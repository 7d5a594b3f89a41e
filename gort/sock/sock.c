/* sock.c - sockets as objects and as open files. */
#include "gort/os/mem.h"
#include "gort/sock/dgram.h"
#include "gort/sock/far.h"
#include "gort/sock/filter.h"
#include "kernel/check.h"

static size_t size_of(unsigned domain)
{
    return sizeof(struct sock) + (domain == L_AF_UNIX ? sizeof(struct flight) : 0);
}

struct sock *sock_new(unsigned domain, unsigned type, unsigned protocol, const struct sock_ops *ops)
{
    struct sock *s = os_alloc(size_of(domain));

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
    s->ip4 = s->ip6 = (struct ip_opts){ .ttl = DEFAULT_TTL, .mcast_ttl = DEFAULT_MCAST_TTL,
                                        .mtu_discover = 1, .mcast_loop = true };
    s->syncnt = 6;
    s->rcvlowat = 1;
    if (domain == L_AF_UNIX)
        flight_init(s);
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
    if (s->errors)
        dgramq_free(s->errors);
    filter_free(s);
    os_free(s, size_of(s->domain));
}

bool sock_errors_keep(struct sock *s)
{
    struct dgramq *q = s->errors ? NULL : dgramq_new(), *none = NULL;

    if (q && !__atomic_compare_exchange_n(&s->errors, &none, q, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE))
        dgramq_free(q); /* another call was faster */
    return __atomic_load_n(&s->errors, __ATOMIC_ACQUIRE);
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

void sock_shut_down(struct sock *s, unsigned how)
{
    __atomic_or_fetch(&s->shut, how + 1, __ATOMIC_SEQ_CST);
    queue_wake(&s->rq);
    queue_wake(&s->wq);
}

unsigned sock_shut_poll(const struct sock *s)
{
    uint32_t shut = sock_shut(s);

    return (shut & SHUT_IN ? L_POLLIN | L_POLLRDHUP : 0) | (shut == SHUT_BOTH ? L_POLLHUP : 0);
}

/* ---- as a file ------------------------------------------------------------------------------ */

static int64_t file_sock_read(struct file *f, void *buf, size_t n)
{
    struct sock *s = f->priv;
    struct l_iovec room;
    struct msg m;

    if (!n) /* read(2) of nothing does not look at the socket */
        return 0;
    msg_begin(&m, vec_one(&room, buf, n), 0);
    m.waits = !file_nonblock(f);
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
    m.waits = !file_nonblock(f);
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

static int64_t file_sock_room(struct file *f)
{
    struct sock *s = f->priv;

    return s->ops->room ? s->ops->room(s) : -L_EOPNOTSUPP;
}

static int64_t file_sock_give(struct file *f, struct pkt *pieces, bool more)
{
    struct sock *s = f->priv;

    return s->ops->give(s, pieces, more);
}

static struct pkt *file_sock_take(struct file *f, size_t most, int64_t *err)
{
    struct sock *s = f->priv;

    *err = -L_EOPNOTSUPP;
    return s->ops->take ? s->ops->take(s, most, err) : NULL;
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

static bool file_sock_in_flight(struct file *f) { return flight_has(f->priv); }

static int64_t file_sock_patience(struct file *f, bool write)
{
    const struct sock *s = f->priv;

    return write ? s->sndtimeo : s->rcvtimeo;
}

#define SOCK_FILE_OPS \
    .read = file_sock_read, .peek = file_sock_peek, .write = file_sock_write, \
    .vector = file_sock_vector, .poll = file_sock_poll, .queue = file_sock_queue, \
    .ioctl = sock_ioctl, .release = file_sock_release, .patience = file_sock_patience, \
    .in_flight = file_sock_in_flight

static const struct file_ops stream_file_ops = { SOCK_FILE_OPS, .room = file_sock_room,
                                                .give = file_sock_give, .take = file_sock_take,
                                                .whole_writes = true },
                             message_file_ops = { SOCK_FILE_OPS, .messages = true };

struct sock *sock_of_file(struct file *f)
{
    return f->ops == &stream_file_ops || f->ops == &message_file_ops ? f->priv : NULL;
}

int64_t sock_install(struct sock *s, unsigned flags)
{
    struct file *f = file_new_anon(L_S_IFSOCK | 0777, L_O_RDWR | (flags & L_O_NONBLOCK),
                                   s->type == L_SOCK_STREAM ? &stream_file_ops : &message_file_ops,
                                   s);

    if (!f) {
        s->ops->close(s);
        sock_put(s);
        return -L_ENOMEM;
    }
    return fd_install(f, flags & L_SOCK_CLOEXEC, 0);
}
