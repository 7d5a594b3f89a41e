/* dgram.c - see dgram.h. */
#include "gort/sock/dgram.h"
#include <string.h>
#include "gort/os/mem.h"
#include "gort/sock/memory.h"

/* bytes that each datagram counts besides its own, so that empty ones fill a queue too */
enum { OVERHEAD = 256 };

struct dgram {
    struct dgram *next;
    size_t len;             /* what is read of it */
    size_t size;            /* [const] that it was made with: of its memory, and counted */
    struct sock_addr from, to;
    struct rights *rights;
    int64_t time;           /* these as in struct msg */
    int error;
    uint8_t ttl, tos;
    char bytes[];
};

struct dgramq {
    struct lock lock;       /* RANK_FILE */
    struct dgram *first, **last; /* [lock] */
    size_t used;            /* [lock] as SO_RCVBUF counts */
    size_t held;            /* [lock] of memory.h */
    unsigned n;             /* [lock] */
    bool closed;            /* [lock] */
    struct sock *reader;    /* [const] of AF_UNIX; else NULL */
};

struct dgramq *dgramq_new(void)
{
    struct dgramq *q = os_alloc(sizeof *q);

    if (!q)
        return NULL;
    lock_init(&q->lock, "datagrams", RANK_FILE);
    q->last = &q->first;
    return q;
}

void dgramq_reader(struct dgramq *q, struct sock *s) { q->reader = s; }

void dgram_drop(struct dgram *g)
{
    if (!g)
        return;
    rights_free(g->rights);
    os_free(g, sizeof *g + g->size);
}

/* No locks are held: files in flight may be sockets. */
void dgramq_clear(struct dgramq *q)
{
    lock(&q->lock);
    struct dgram *g = q->first;
    q->first = NULL;
    q->last = &q->first;
    sock_memory_give(SOCK_MEMORY_DATAGRAMS, q->held);
    q->used = q->held = q->n = 0;
    unlock(&q->lock);
    for (struct dgram *next; g; g = next) {
        next = g->next;
        dgram_drop(g);
    }
}

void dgramq_close(struct dgramq *q)
{
    lock(&q->lock);
    q->closed = true;
    unlock(&q->lock);
    dgramq_clear(q);
}

void dgramq_free(struct dgramq *q)
{
    dgramq_clear(q);
    os_free(q, sizeof *q);
}

static size_t memory_of(const struct dgram *g) { return sock_memory_of(sizeof *g + g->size); }

static bool has_room_locked(const struct dgramq *q, size_t room, bool local)
{
    return q->used < room && (!local || q->n < DGRAMQ_MOST);
}

int dgram_new(struct dgram **out, struct msg *m, const struct sock_addr *from,
              const struct sock_addr *to)
{
    size_t n = m->v.left;
    struct dgram *g = os_alloc(sizeof *g + n);

    if (!g)
        return -L_ENOBUFS;
    g->len = g->size = n;
    g->from = *from;
    g->to = *to;
    g->time = m->time;
    g->error = m->error;
    g->ttl = m->ttl;
    g->tos = m->tos;
    int err = vec_from(&m->v, g->bytes, n);
    if (err) {
        dgram_drop(g);
        return err;
    }
    *out = g;
    return 0;
}

const void *dgram_bytes(const struct dgram *g, size_t *n)
{
    *n = g->len;
    return g->bytes;
}

void dgram_cut(struct dgram *g, size_t n)
{
    if (n < g->len)
        g->len = n;
}

int dgramq_add(struct dgramq *q, struct dgram *g, struct msg *m, size_t room)
{
    size_t memory = memory_of(g);
    bool local = g->to.family == L_AF_UNIX;

    lock(&q->lock);
    int err = q->closed ? -L_ECONNREFUSED : has_room_locked(q, room, local) ? 0 : -L_EAGAIN;
    if (!err && !sock_memory_take(SOCK_MEMORY_DATAGRAMS, memory, q->held))
        err = local && !q->n ? -L_ENOBUFS : -L_EAGAIN; /* from an empty queue nobody reads */
    if (!err) {
        g->rights = m->rights;
        m->rights = NULL;
        if (g->rights && q->reader)
            rights_queued(g->rights, q->reader);
        *q->last = g;
        q->last = &g->next;
        q->used += g->size + OVERHEAD;
        q->held += memory;
        q->n++;
    }
    unlock(&q->lock);
    return err;
}

int dgramq_put(struct dgramq *q, struct msg *m, const struct sock_addr *from,
               const struct sock_addr *to, size_t room)
{
    struct dgram *g = NULL;
    int err = dgram_new(&g, m, from, to);

    if (!err && (err = dgramq_add(q, g, m, room)))
        dgram_drop(g);
    return err;
}

static int64_t copy_locked(const struct dgram *g, struct msg *m)
{
    size_t n = g->len < m->v.left ? g->len : m->v.left;
    int err = vec_to(&m->v, g->bytes, n);

    if (err)
        return err;
    m->full_length = g->len;
    if (n < g->len)
        m->out_flags |= L_MSG_TRUNC;
    m->addr = g->from;
    m->to = g->to;
    m->time = g->time;
    m->error = g->error;
    m->ttl = g->ttl;
    m->tos = g->tos;
    m->creds = true;
    return (int64_t)n;
}

int64_t dgramq_take(struct dgramq *q, struct msg *m)
{
    struct dgram *g = NULL;

    lock(&q->lock);
    int64_t r = q->first ? copy_locked(q->first, m) : -L_EAGAIN;
    if (r >= 0 && !(m->flags & L_MSG_PEEK)) {
        g = q->first;
        q->first = g->next;
        if (!q->first)
            q->last = &q->first;
        q->used -= g->size + OVERHEAD;
        q->held -= memory_of(g);
        sock_memory_give(SOCK_MEMORY_DATAGRAMS, memory_of(g));
        q->n--;
        if (g->rights)
            rights_taken(g->rights);
    }
    unlock(&q->lock);
    if (g) {
        m->rights = g->rights;
        g->rights = NULL;
        dgram_drop(g);
    }
    return r;
}

bool dgramq_empty(struct dgramq *q)
{
    lock(&q->lock);
    bool empty = !q->first;
    unlock(&q->lock);
    return empty;
}

bool dgramq_has_room(struct dgramq *q, size_t room)
{
    lock(&q->lock);
    bool is = has_room_locked(q, room, true) && (!q->n || sock_memory_left(q->held));
    unlock(&q->lock);
    return is;
}

size_t dgramq_first_length(struct dgramq *q)
{
    lock(&q->lock);
    size_t n = q->first ? q->first->len : 0;
    unlock(&q->lock);
    return n;
}
