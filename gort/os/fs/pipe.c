#include "gort/os/fs/pipe.h"

#include <string.h>
#include "drivers/net.h"
#include "gort/os/file.h"
#include "gort/os/mem.h"
#include "gort/os/user.h"

enum { PIPE_PAGES = 16, PIPE_SIZE = PIPE_PAGES * OS_PAGE, PIPE_BUF = 4096 };
enum { PIPE_PIECES = 64 }; /* each may hold 16 KiB of packet memory, however few its bytes */

struct pipe {
    struct lock lock;             /* RANK_FILE */
    uint64_t head, tail;          /* [lock] bytes written, read: ever */
    uint32_t readers, writers;    /* [lock] open files */
    /* [lock] ever: a waiting open notices an end that was closed again */
    uint64_t reader_opens, writer_opens;
    struct waitq rq, wq;
    void *page[PIPE_PAGES];       /* [lock] */
    struct pkt *pieces, **pieces_end; /* [lock] of the last bytes: those before head */
    uint64_t in_pieces;           /* [lock] bytes */
    unsigned npieces;             /* [lock] */
};

/* More than PIPE_SIZE if two calls of splice(2) have brought pieces at the same time. */
static uint64_t used_locked(const struct pipe *p) { return p->head - p->tail; }
static uint64_t in_ring_locked(const struct pipe *p) { return used_locked(p) - p->in_pieces; }
static size_t room_locked(const struct pipe *p)
{
    return used_locked(p) < PIPE_SIZE ? PIPE_SIZE - (size_t)used_locked(p) : 0;
}

static struct pipe *pipe_new(void)
{
    struct pipe *p = os_alloc(sizeof *p);

    if (!p)
        return NULL;
    lock_init(&p->lock, "pipe", RANK_FILE);
    p->pieces_end = &p->pieces;
    waitq_init(&p->rq);
    waitq_init(&p->wq);
    return p;
}

void pipe_free(struct pipe *p)
{
    for (int i = 0; i < PIPE_PAGES; i++)
        if (p->page[i])
            os_free(p->page[i], OS_PAGE);
    pkt_free(p->pieces);
    os_free(p, sizeof *p);
}

/* Copies n bytes between buf and the ring at position `at`. Bytes copied, fewer if buf cannot be
 * touched or there is no memory for a page, or the error if that comes first. */
static int64_t ring_copy_locked(struct pipe *p, uint64_t at, void *buf, size_t n, bool in)
{
    size_t done = 0;

    while (done < n) {
        size_t off = (at + done) % OS_PAGE, part = OS_PAGE - off;
        void **page = &p->page[(at + done) / OS_PAGE % PIPE_PAGES];
        if (part > n - done)
            part = n - done;
        if (!*page && !(*page = os_alloc(OS_PAGE)))
            return done ? (int64_t)done : -L_ENOMEM;
        char *ring = (char *)*page + off, *user = (char *)buf + done;
        size_t left = in ? user_copy(ring, user, part) : user_copy(user, ring, part);
        done += part - left;
        if (left)
            return done ? (int64_t)done : -L_EFAULT;
    }
    return (int64_t)done;
}

/* Drops n bytes of the first piece. */
static void piece_skip_locked(struct pipe *p, uint32_t n)
{
    struct pkt *first = p->pieces;

    first->data += n;
    first->len -= n;
    p->in_pieces -= n;
    if (first->len)
        return;
    p->pieces = first->next;
    if (!p->pieces)
        p->pieces_end = &p->pieces;
    p->npieces--;
    first->next = NULL;
    pkt_free(first);
}

/* Moves what is in pieces into the ring, as far as there is room. False: there is no memory, and
 * the ring is empty. */
static bool pieces_copy_locked(struct pipe *p)
{
    while (p->pieces && in_ring_locked(p) < PIPE_SIZE) {
        uint64_t ring = in_ring_locked(p), n = p->pieces->len;
        int64_t r = ring_copy_locked(p, p->tail + ring, p->pieces->data,
                                     n < PIPE_SIZE - ring ? n : PIPE_SIZE - ring, true);
        if (r < 0)
            return ring;
        piece_skip_locked(p, (uint32_t)r);
    }
    return true;
}

static int64_t pipe_read(struct file *f, void *buf, size_t n)
{
    struct pipe *p = f->priv;

    lock(&p->lock);
    bool good = pieces_copy_locked(p);
    uint64_t have = in_ring_locked(p);
    int64_t r = have < n ? (int64_t)have : (int64_t)n;
    if (have == 0 && n > 0)
        r = !good ? -L_ENOMEM : p->writers ? -L_EAGAIN : 0;
    if (r > 0)
        r = ring_copy_locked(p, p->tail, buf, (size_t)r, false);
    if (r > 0)
        p->tail += (uint64_t)r;
    unlock(&p->lock);
    if (r > 0)
        queue_wake(&p->wq);
    return r;
}

static int64_t pipe_peek(struct file *f, void *buf, size_t n)
{
    struct pipe *p = f->priv;

    lock(&p->lock);
    bool good = pieces_copy_locked(p);
    uint64_t have = in_ring_locked(p);
    int64_t r = have == 0 && n > 0 ? (!good ? -L_ENOMEM : p->writers ? -L_EAGAIN : 0) : 0;
    if (have && n)
        r = ring_copy_locked(p, p->tail, buf, have < n ? have : n, false);
    unlock(&p->lock);
    return r;
}

static int64_t pipe_write(struct file *f, const void *buf, size_t n)
{
    struct pipe *p = f->priv;

    lock(&p->lock);
    bool good = pieces_copy_locked(p) && !p->pieces;
    size_t room = room_locked(p);
    int64_t r = (int64_t)(n < room ? n : room);
    if (!p->readers)
        r = -L_EPIPE;
    else if (!good && room)
        r = -L_ENOMEM;
    else if (n > 0 && (room == 0 || (n <= PIPE_BUF && room < n)))
        r = -L_EAGAIN;
    else
        r = ring_copy_locked(p, p->head, (void *)(uintptr_t)buf, (size_t)r, true);
    if (n <= PIPE_BUF && r > 0 && r < (int64_t)n)
        r = -L_EFAULT; /* a short write is atomic: bytes copied so far are not counted as written */
    if (r > 0)
        p->head += (uint64_t)r;
    unlock(&p->lock);
    if (r > 0)
        queue_wake(&p->rq);
    return r;
}

static unsigned pipe_poll(struct file *f)
{
    struct pipe *p = f->priv;
    unsigned r = 0;

    lock(&p->lock);
    if (file_reads(f)) {
        if (p->head != p->tail)
            r |= L_POLLIN;
        if (!p->writers)
            r |= L_POLLHUP;
    }
    if (file_writes(f)) {
        if (room_locked(p) >= PIPE_BUF)
            r |= L_POLLOUT;
        if (!p->readers)
            r |= L_POLLERR;
    }
    unlock(&p->lock);
    return r;
}

static struct waitq *pipe_queue(struct file *f, bool write)
{
    struct pipe *p = f->priv;

    return write ? &p->wq : &p->rq;
}

static void pipe_release(struct file *f)
{
    struct pipe *p = f->priv;

    lock(&p->lock);
    if (file_reads(f))
        p->readers--;
    if (file_writes(f))
        p->writers--;
    if (!p->readers && !p->writers) {
        while (p->pieces)
            piece_skip_locked(p, p->pieces->len);
        p->head = p->tail = 0;
    }
    unlock(&p->lock);
    queue_wake(&p->rq);
    queue_wake(&p->wq);
}

static const struct file_ops pipe_ops = {
    .read = pipe_read, .peek = pipe_peek, .write = pipe_write, .poll = pipe_poll,
    .queue = pipe_queue,
    .release = pipe_release, .whole_writes = true,
};

static struct file *pipe_end(struct inode *n, struct pipe *p, uint32_t flags)
{
    struct file *f = file_new(n, flags, &pipe_ops, p);

    if (!f)
        return NULL;
    lock(&p->lock);
    if (file_reads(f)) {
        p->readers++;
        p->reader_opens++;
    }
    if (file_writes(f)) {
        p->writers++;
        p->writer_opens++;
    }
    unlock(&p->lock);
    queue_wake(&p->rq);
    queue_wake(&p->wq);
    return f;
}

int pipe_open_pair(struct file *out[2], uint32_t flags)
{
    struct inode *n = inode_new(L_S_IFIFO | 0600);

    if (!n)
        return -L_ENOMEM;
    n->nlink = 1;
    n->fifo = pipe_new();
    out[0] = n->fifo ? pipe_end(n, n->fifo, flags) : NULL;
    out[1] = out[0] ? pipe_end(n, n->fifo, flags | L_O_WRONLY) : NULL;
    inode_put(n);
    if (out[0] && !out[1])
        file_put(out[0]);
    return out[1] ? 0 : -L_ENOMEM;
}

/* The pipe behind a named pipe's inode, made by whoever opens it first. */
static struct pipe *fifo_pipe(struct inode *n)
{
    lock(&vfs.lock);
    if (!n->fifo)
        n->fifo = pipe_new();
    struct pipe *p = n->fifo;
    unlock(&vfs.lock);
    return p;
}

/* First round: makes the open file (c->file holds it) and notes how often the other end was
 * opened. Later rounds: has it been opened since? */
int64_t fifo_open(struct call *c, struct inode *n, uint32_t flags, struct file **out)
{
    struct file *f = c->file;

    if (!f) {
        struct pipe *p = fifo_pipe(n);
        if (!p)
            return -L_ENOMEM;
        bool reads = (flags & L_O_ACCMODE) == 0, writes = (flags & L_O_ACCMODE) == L_O_WRONLY;
        lock(&p->lock);
        bool lonely = reads ? !p->writers : writes ? !p->readers : false;
        c->done = reads ? p->writer_opens : p->reader_opens;
        unlock(&p->lock);
        if (lonely && writes && flags & L_O_NONBLOCK)
            return -L_ENXIO;
        f = pipe_end(n, p, flags);
        if (!f)
            return -L_ENOMEM;
        if (!lonely || flags & L_O_NONBLOCK) {
            *out = f;
            return 0;
        }
        c->file = f;
    }
    struct pipe *p = f->priv;
    bool reads = file_reads(f);
    do {
        lock(&p->lock);
        bool met = (reads ? p->writer_opens : p->reader_opens) != c->done;
        unlock(&p->lock);
        if (met) {
            file_get(f);
            *out = f;
            return 0;
        }
    } while (call_wait(c, reads ? &p->rq : &p->wq));
    return SYS_BLOCK;
}

bool pipe_is(const struct file *f) { return f->ops == &pipe_ops; }

/* ---- pieces ------------------------------------------------------------------------------- */

int64_t pipe_room(struct file *f)
{
    struct pipe *p = f->priv;

    lock(&p->lock);
    int64_t r = (int64_t)room_locked(p);
    if (!p->readers)
        r = -L_EPIPE;
    else if (!r)
        r = -L_EAGAIN;
    else if (p->npieces >= PIPE_PIECES)
        r = -L_ENOTSUP;
    unlock(&p->lock);
    return r;
}

void pipe_give(struct file *f, struct pkt *pieces, size_t n)
{
    struct pipe *p = f->priv;

    lock(&p->lock);
    *p->pieces_end = pieces;
    for (struct pkt *k = pieces; k; k = k->next) {
        p->pieces_end = &k->next;
        p->npieces++;
    }
    p->in_pieces += n;
    p->head += n;
    unlock(&p->lock);
    queue_wake(&p->rq);
}

struct pkt *pipe_show(struct file *f, size_t most, size_t *n, int64_t *err)
{
    struct pipe *p = f->priv;
    struct pkt *list = NULL, **end = &list;

    *n = 0;
    lock(&p->lock);
    *err = in_ring_locked(p) ? -L_ENOTSUP : p->writers ? -L_EAGAIN : 0;
    for (const struct pkt *k = in_ring_locked(p) ? NULL : p->pieces; k && *n < most; k = k->next) {
        size_t part = k->len < most - *n ? k->len : most - *n;
        struct pkt *v = pkt_view((struct pkt *)(uintptr_t)k, k->data, (uint32_t)part);
        if (!v) {
            *err = -L_ENOTSUP; /* a copy needs no packet memory */
            break;
        }
        *end = v;
        end = &v->next;
        *n += part;
    }
    unlock(&p->lock);
    return list;
}

void pipe_drop(struct file *f, size_t n)
{
    struct pipe *p = f->priv;

    lock(&p->lock);
    while (n && used_locked(p)) {
        uint64_t ring = in_ring_locked(p), part = ring ? ring : p->pieces->len;
        part = part < n ? part : n;
        if (!ring)
            piece_skip_locked(p, (uint32_t)part);
        p->tail += part;
        n -= part;
    }
    unlock(&p->lock);
    queue_wake(&p->wq);
}

int64_t pipe_readable(struct file *f)
{
    if (f->ops != &pipe_ops)
        return -1;
    struct pipe *p = f->priv;
    lock(&p->lock);
    int64_t n = (int64_t)(p->head - p->tail);
    unlock(&p->lock);
    return n;
}
