/* sys_io.c - read, write and their relatives. */
#include <string.h>
#include "gort/os/fs/memfd.h"
#include "gort/os/fs/notify.h"
#include "gort/os/mem.h"
#include "gort/os/mmap.h"
#include "gort/os/pending.h"
#include "gort/os/poll.h"
#include "gort/os/sys.h"
#include "mm/mm.h"

enum { IOV_MAX = 1024 };
enum { CHUNK = 64 << 10 }; /* bytes moved in one step */
enum { BRINGS = 100 };     /* a page that goes as often as it is brought is a fault */

static bool is_node(const struct file *f)
{
    return !f->ops && inode_is(f->inode, L_S_IFCHR);
}

/* ---- what is to be moved ----------------------------------------------------------------- */

static int64_t io_check(const struct file *f, bool write)
{
    return !f || (write ? !file_writes(f) : !file_reads(f)) ? -L_EBADF : 0;
}

/* Does a file's position stay in the range of offsets? c->pos and the bytes are known. */
static int64_t pos_check(const struct call *c, const struct file *f, uint64_t bytes)
{
    int64_t end, at = c->pos < 0 ? __atomic_load_n(&f->pos, __ATOMIC_RELAXED) : c->pos;

    if (f->ops)
        return 0;
    return bytes > INT64_MAX || __builtin_add_overflow(at, (int64_t)bytes, &end) ? -L_EINVAL : 0;
}

/* One buffer: the call's second and third argument. */
static int64_t io_single(struct call *c, const struct file *f, int64_t pos)
{
    if (!user_range(c, c->a[1], c->a[2]))
        return -L_EFAULT;
    c->pos = pos;
    int64_t err = pos_check(c, f, c->a[2]);
    if (err)
        return err;
    c->total = c->a[2] < RW_MAX ? c->a[2] : RW_MAX;
    c->one[0] = (struct l_iovec){c->a[1], c->total};
    c->iov = c->one;
    c->niov = 1;
    return 0;
}

/* Lengths are checked, and cut where the sum gets too large. */
static int64_t vector_sum(struct call *c)
{
    c->total = 0;
    for (unsigned i = 0; i < c->niov; i++) {
        struct l_iovec *v = &c->iov[i];
        if (v->len > INT64_MAX)
            return -L_EINVAL;
        if (!user_range(c, v->base, v->len))
            return -L_EFAULT;
        if (v->len > RW_MAX - c->total)
            v->len = RW_MAX - c->total;
        c->total += v->len;
    }
    return 0;
}

/* A short message in several buffers goes into a stream in one piece, as one in a single buffer. */
static int64_t gather(struct call *c)
{
    size_t at = 0;

    c->gathered = os_alloc_last(c->total);
    if (!c->gathered)
        return -L_ENOMEM;
    for (unsigned i = 0; i < c->niov; at += c->iov[i++].len)
        if (copy_in(c, c->gathered + at, c->iov[i].base, c->iov[i].len))
            return -L_EFAULT;
    if (c->iov != c->one)
        os_free(c->iov, c->niov * sizeof *c->iov);
    c->iov = c->one;
    c->one[0] = (struct l_iovec){(uint64_t)c->gathered, c->total};
    c->niov = 1;
    return 0;
}

/* Several buffers. The program may change its vector later: only this copy counts. */
static int64_t io_vector(struct call *c, const struct file *f, int64_t pos, bool write)
{
    if (c->a[2] > IOV_MAX)
        return -L_EINVAL;
    c->pos = pos;
    c->niov = (unsigned)c->a[2];
    c->iov = c->niov <= CALL_IOVS ? c->one : os_alloc_last(c->niov * sizeof *c->iov);
    if (!c->iov)
        return -L_ENOMEM;
    int64_t err = copy_in(c, c->iov, c->a[1], c->niov * sizeof *c->iov);
    if (!err)
        err = vector_sum(c);
    if (!err && write && f->ops && f->ops->whole_writes && c->niov > 1 && c->total &&
        c->total <= PAGE_SIZE)
        err = gather(c);
    return err ? err : pos_check(c, f, c->total);
}

/* The bytes that follow the c->done bytes of earlier steps, as far as one buffer has them. */
static struct l_iovec io_next(const struct call *c)
{
    uint64_t skip = c->done;
    unsigned i = 0;

    while (i + 1 < c->niov && skip >= c->iov[i].len)
        skip -= c->iov[i++].len;
    uint64_t len = c->niov ? c->iov[i].len - skip : 0;
    return (struct l_iovec){c->niov ? c->iov[i].base + skip : 0, len < CHUNK ? len : CHUNK};
}

/* ---- moving it --------------------------------------------------------------------------- */

static int64_t move(const struct call *c, struct file *f, void *buf, size_t n, bool write)
{
    int64_t pos = c->pos < 0 ? -1 : c->pos + (int64_t)c->done;

    if (f->ops)
        return write ? f->ops->write(f, buf, n) : f->ops->read(f, buf, n);
    if (is_node(f)) /* no event of these: nobody watches /dev/null */
        return write ? f->inode->ops->write(buf, n) : f->inode->ops->read(buf, n);
    return write ? file_write(f, buf, n, pos) : file_read(f, buf, n, pos);
}

int64_t file_push(struct file *f, const void *buf, size_t n)
{
    const struct call c = { .pos = -1 };

    return move(&c, f, (void *)buf, n, true);
}

/* A step of at most CHUNK bytes, with pages of the buffer brought where they are missing. A
 * short message goes whole into a stream, or not at all. */
static int64_t io_step(const struct call *c, struct file *f, struct l_iovec v, bool write)
{
    int64_t r = move(c, f, (void *)v.base, v.len, write);

    for (int tries = 0; r == -L_EFAULT && tries < BRINGS; tries++) {
        size_t n = user_present(c, v.base, v.len, write ? VM_R : VM_W);
        if (!n || (n < v.len && f->ops && v.len <= PAGE_SIZE))
            return -L_EFAULT;
        v.len = n;
        r = move(c, f, (void *)v.base, v.len, write);
    }
    return r;
}

/* Moves all the bytes that are left at once. */
static int64_t vector_step(const struct call *c, struct file *f, bool write)
{
    int64_t r = f->ops->vector(f, c->iov, c->niov, c->done, write);

    for (int tries = 0; r == -L_EFAULT && tries < BRINGS; tries++) {
        for (unsigned i = 0; i < c->niov; i++)
            if (user_present(c, c->iov[i].base, c->iov[i].len, write ? VM_R : VM_W) <
                c->iov[i].len)
                return -L_EFAULT;
        r = f->ops->vector(f, c->iov, c->niov, c->done, write);
    }
    return r;
}

/* Is the call complete although fewer bytes have been moved than it asked for? */
static bool io_over(const struct file *f, uint64_t asked, int64_t moved, bool write)
{
    if (moved == 0)
        return true;
    if (!f->ops)
        return false;
    return write ? !f->ops->whole_writes : (uint64_t)moved < asked;
}

static int64_t io_run(struct call *c, struct file *f, bool write)
{
    uint64_t moved = 0; /* in this run */
    bool several = f->ops && f->ops->vector && (c->niov > 1 || (f->ops->messages && c->total));

    do {
        struct l_iovec v = io_next(c);
        int64_t r = several ? vector_step(c, f, write) : io_step(c, f, v, write);
        if (r == -L_EAGAIN && f->ops && !file_nonblock(f) && (write || !c->done)) {
            int64_t patience = f->ops->patience ? f->ops->patience(f, write) : 0;
            if (patience && call_deadline(c, poll_deadline(patience)))
                return c->done ? (int64_t)c->done : r;
            if (!call_wait(c, f->ops->queue(f, write)))
                return SYS_BLOCK;
            continue;
        }
        if (r < 0)
            return c->done ? (int64_t)c->done : r;
        c->done += (uint64_t)r;
        if (several ? !write || f->ops->messages : io_over(f, v.len, r, write))
            break;
        moved += (uint64_t)r;
        if (c->done < c->total && moved >= CHUNK && call_gives_way(c))
            return SYS_AGAIN;
    } while (c->done < c->total);
    return (int64_t)c->done;
}

struct io_count io_counts[CPU_MAX];

static void io_counted(int64_t bytes, bool write)
{
    struct io_count *n = &io_counts[cpu_self()->id];

    *(write ? &n->written_bytes : &n->read_bytes) += (uint64_t)bytes;
    *(write ? &n->writes : &n->reads) += 1;
}

/* SIGPIPE, for the thread that has written. */
void io_broken(struct g *gp)
{
    pending_send(gp, &(struct sig_info){.number = L_SIGPIPE, .pid = 1});
}

/* What others learn of a read or write of f by gp, whose result is r. */
static void io_done(struct g *gp, const struct file *f, int64_t r, bool write)
{
    if (r > 0)
        notify_file(f->inode, write ? NOTIFY_MODIFY : NOTIFY_ACCESS);
    if (r == -L_EPIPE && write && !f->ops->messages)
        io_broken(gp);
    if (r >= 0)
        io_counted(r, write);
}

/* pos -1: the file's own position. */
static int64_t io(struct call *c, bool vector, bool positional, bool write)
{
    int64_t pos = positional ? (int64_t)c->a[3] : -1;
    struct file *f = NULL;

    if (positional && pos < 0)
        return -L_EINVAL;
    f = call_file(c, c->a[0]);
    if (f && f->ops && positional)
        return -L_ESPIPE;
    if (!c->iov) {
        int64_t err = io_check(f, write);
        if (!err)
            err = vector ? io_vector(c, f, pos, write) : io_single(c, f, pos);
        if (err)
            return err;
    }
    int64_t r = vector && !c->total ? 0 : io_run(c, f, write);
    io_done(c->gp, f, r, write);
    return r;
}

/* Sockets and pipes that package net's poller watches: nearly all of their reads and writes are
 * over at once, and a struct call costs more than many of them. A short write is a result like
 * another: the next one says whether there is room by then. */
bool io_at_once(struct g *gp, const uint64_t a[3], bool write, int64_t *r)
{
    struct file *f = fd_get((int32_t)a[0]);

    if (!f)
        return false;
    int64_t moved = -L_EFAULT;
    if (f->ops && file_nonblock(f) && a[2] <= CHUNK && (write ? file_writes(f) : file_reads(f)) &&
        (user_range_low(a[1], a[2]) || user_range_of(gp, a[1], a[2])))
        moved = write ? f->ops->write(f, (void *)a[1], a[2]) : f->ops->read(f, (void *)a[1], a[2]);
    if (moved != -L_EFAULT && moved != -L_EAGAIN) /* nobody learns of one in vain */
        io_done(gp, f, moved, write);
    file_put(f);
    *r = moved;
    return moved != -L_EFAULT;
}

int64_t sys_read(struct call *c) { return io(c, false, false, false); }
int64_t sys_write(struct call *c) { return io(c, false, false, true); }
int64_t sys_pread64(struct call *c) { return io(c, false, true, false); }
int64_t sys_pwrite64(struct call *c) { return io(c, false, true, true); }
int64_t sys_readv(struct call *c) { return io(c, true, false, false); }
int64_t sys_writev(struct call *c) { return io(c, true, false, true); }
int64_t sys_preadv(struct call *c) { return io(c, true, true, false); }
int64_t sys_pwritev(struct call *c) { return io(c, true, true, true); }

/* Of RWF_*, what changes nothing where all is in memory: HIPRI, DSYNC, SYNC, NOWAIT for files.
 * Offset -1 is the file's own position. */
static int64_t io_flagged(struct call *c, bool write)
{
    struct file *f = call_file(c, c->a[0]);

    if (c->a[5] & ~15ull || (f && f->ops && c->a[5] & 8))
        return -L_ENOTSUP;
    return io(c, true, (int64_t)c->a[3] != -1, write);
}

int64_t sys_preadv2(struct call *c) { return io_flagged(c, false); }
int64_t sys_pwritev2(struct call *c) { return io_flagged(c, true); }

/* ---- positions, sizes ---------------------------------------------------------------------- */

/* Directories seek to cookies of readdir.c. */
int64_t sys_lseek(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);
    int64_t off = (int64_t)c->a[1], base = 0;

    if (!f || f->flags & L_O_PATH)
        return -L_EBADF;
    if (f->ops)
        return -L_ESPIPE;
    if (is_node(f))
        return (uint32_t)c->a[2] > L_SEEK_END ? -L_EINVAL : 0;
    bool regular = inode_is(f->inode, L_S_IFREG) && !f->inode->ops;
    switch ((uint32_t)c->a[2]) {
    case L_SEEK_SET:
        break;
    case L_SEEK_CUR:
        base = f->pos;
        break;
    case L_SEEK_END:
        base = regular ? data_size(&f->inode->data) : 0;
        break;
    case L_SEEK_DATA:
    case L_SEEK_HOLE:
        if (!regular)
            return -L_EINVAL;
        off = data_seek(&f->inode->data, off, c->a[2] == L_SEEK_HOLE);
        if (off < 0)
            return off;
        break;
    default:
        return -L_EINVAL;
    }
    if (__builtin_add_overflow(base, off, &off) || off < 0)
        return -L_EINVAL;
    __atomic_store_n(&f->pos, off, __ATOMIC_RELAXED);
    return off;
}

/* Not served: package os falls back to read and write. */
int64_t sys_copy_file_range(struct call *c) { (void)c; return -L_ENOSYS; }

static int64_t sync_fd(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);

    return !f || f->flags & L_O_PATH ? -L_EBADF : f->ops ? -L_EINVAL : 0;
}

int64_t sys_fsync(struct call *c) { return sync_fd(c); }
int64_t sys_fdatasync(struct call *c) { return sync_fd(c); }
int64_t sys_syncfs(struct call *c) { return sync_fd(c); }
int64_t sys_sync(struct call *c) { (void)c; return 0; }

/* All files are in memory: there is nothing to read ahead. */
int64_t sys_readahead(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);

    if (!f || !file_reads(f))
        return -L_EBADF;
    return f->ops || !inode_is(f->inode, L_S_IFREG) ? -L_EINVAL : 0;
}

int64_t sys_sync_file_range(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);
    int64_t off = (int64_t)c->a[1], n = (int64_t)c->a[2], end;

    if (!f || f->flags & L_O_PATH)
        return -L_EBADF;
    if (c->a[3] & ~7ull || off < 0 || __builtin_add_overflow(off, n, &end) || end < off)
        return -L_EINVAL;
    return f->ops || inode_is(f->inode, L_S_IFCHR) ? -L_ESPIPE : 0;
}

int64_t sys_fadvise64(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);

    return !f ? -L_EBADF : f->ops ? -L_ESPIPE : 0;
}

int64_t sys_ftruncate(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);

    if (!f || f->flags & L_O_PATH)
        return -L_EBADF;
    if (!file_writes(f) || (int64_t)c->a[1] < 0)
        return -L_EINVAL;
    int err = vfs_truncate(f->inode, (int64_t)c->a[1]);
    return err == -L_EISDIR ? -L_EINVAL : err;
}

#define FALLOC_KEEP_SIZE  1u
#define FALLOC_PUNCH_HOLE 2u

/* Memory was out: the pages that the call has made go, all in one. */
static void unallocate(struct inode *n, int64_t off, int64_t end)
{
    for (int64_t at = off; at < end; at += CHUNK)
        mmap_drop_zeros(n, at, end - at < CHUNK ? end - at : CHUNK);
}

/* c->done bytes are there; c->pos is the first page that was not, or -1. */
static int64_t allocate(struct call *c, struct inode *n, int64_t off, int64_t bytes, bool grow)
{
    int64_t end = off + bytes, at = (off & ~(int64_t)(PAGE_SIZE - 1)) + (int64_t)c->done;

    if (!c->done) {
        c->pos = -1;
        if (!data_can_allocate(&n->data, off, bytes))
            return -L_ENOSPC;
    }
    while (at < end) {
        int64_t part = end - at < CHUNK ? end - at : CHUNK;
        int err = data_allocate(&n->data, at, part, &c->pos);
        if (err && c->pos >= 0)
            unallocate(n, c->pos, at + part);
        if (err)
            return err;
        at += part;
        c->done += (uint64_t)part;
        if (at < end && call_gives_way(c))
            return SYS_AGAIN;
    }
    if (grow)
        data_grow(&n->data, end);
    return 0;
}

int64_t sys_fallocate(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);
    int64_t off = (int64_t)c->a[2], n = (int64_t)c->a[3], end;

    if (!f || f->flags & L_O_PATH)
        return -L_EBADF;
    if (off < 0 || n <= 0)
        return -L_EINVAL;
    bool punch = (uint32_t)c->a[1] == (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE);
    if (!punch && (uint32_t)c->a[1] & ~FALLOC_KEEP_SIZE)
        return -L_ENOTSUP;
    if (!file_writes(f))
        return -L_EBADF;
    if (f->ops)
        return -L_ESPIPE;
    if (!inode_is(f->inode, L_S_IFREG) || f->inode->ops)
        return -L_ENODEV;
    if (__builtin_add_overflow(off, n, &end))
        return -L_EFBIG;
    if (punch && f->inode->seals & (SEAL_WRITE | SEAL_FUTURE_WRITE))
        return -L_EPERM;
    if (!punch && f->inode->seals & SEAL_GROW && end > data_size(&f->inode->data))
        return -L_EPERM;
    int64_t r = punch ? mmap_punch(f->inode, off, n) : allocate(c, f->inode, off, n, !c->a[1]);
    if (!r)
        notify_file(f->inode, NOTIFY_MODIFY);
    return r;
}
