/* sys_io.c - read, write and their relatives. */
#include <string.h>
#include "gort/os/fs/pipe.h"
#include "gort/os/mmap.h"
#include "gort/os/sys.h"

enum { IOV_MAX = 1024 };

/* One attempt at a stream, which waits unless the file is non-blocking. `done` counts what
 * earlier rounds have moved. */
static int64_t stream_read(struct call *c, struct file *f, void *buf, size_t n)
{
    for (;;) {
        int64_t r = f->ops->read(f, buf, n);
        if (r != -L_EAGAIN || file_nonblock(f))
            return r;
        if (!call_wait(c, f->ops->queue(f, false)))
            return SYS_BLOCK;
    }
}

static int64_t stream_write(struct call *c, struct file *f, const void *buf, size_t n)
{
    for (;;) {
        int64_t r = f->ops->write(f, (const char *)buf + c->done, n - c->done);
        if (r >= 0) {
            c->done += (uint64_t)r;
            if (c->done >= n || !f->ops->whole_writes)
                return (int64_t)c->done;
            continue;
        }
        if (r != -L_EAGAIN || file_nonblock(f))
            return c->done ? (int64_t)c->done : r;
        if (!call_wait(c, f->ops->queue(f, true)))
            return SYS_BLOCK;
    }
}

static int64_t node_read(struct file *f, void *buf, size_t n)
{
    return f->inode->ops->read(buf, n);
}

static bool is_node(const struct file *f)
{
    return !f->ops && inode_is(f->inode, L_S_IFCHR);
}

static int64_t rw_check(struct call *c, struct file *f, bool write)
{
    if (!f)
        return -L_EBADF;
    if (write ? !file_writes(f) : !file_reads(f))
        return -L_EBADF;
    c->a[2] = c->a[2] < RW_MAX ? c->a[2] : RW_MAX;
    return user_ok(c, c->a[1], c->a[2], !write) ? 0 : -L_EFAULT;
}

int64_t sys_read(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);
    int64_t err = rw_check(c, f, false);

    if (err)
        return err;
    if (f->ops)
        return stream_read(c, f, (void *)c->a[1], c->a[2]);
    if (is_node(f))
        return node_read(f, (void *)c->a[1], c->a[2]);
    return file_read(f, (void *)c->a[1], c->a[2], -1);
}

int64_t sys_write(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);
    int64_t err = rw_check(c, f, true);

    if (err)
        return err;
    if (f->ops)
        return stream_write(c, f, (void *)c->a[1], c->a[2]);
    if (is_node(f))
        return f->inode->ops->write((void *)c->a[1], c->a[2]);
    return file_write(f, (void *)c->a[1], c->a[2], -1);
}

static int64_t positional(struct call *c, bool write)
{
    struct file *f = call_file(c, c->a[0]);
    int64_t pos = (int64_t)c->a[3], err;

    if (pos < 0)
        return -L_EINVAL;
    if (f && f->ops)
        return -L_ESPIPE;
    err = rw_check(c, f, write);
    if (err)
        return err;
    if (is_node(f))
        return write ? f->inode->ops->write((void *)c->a[1], c->a[2])
                     : node_read(f, (void *)c->a[1], c->a[2]);
    return write ? file_write(f, (void *)c->a[1], c->a[2], pos)
                 : file_read(f, (void *)c->a[1], c->a[2], pos);
}

int64_t sys_pread64(struct call *c) { return positional(c, false); }
int64_t sys_pwrite64(struct call *c) { return positional(c, true); }

static int64_t vec_check(struct call *c, const struct l_iovec *v, size_t n, bool write)
{
    uint64_t total = 0;

    if (n > IOV_MAX)
        return -L_EINVAL;
    if (!user_ok(c, (uint64_t)v, n * sizeof *v, false))
        return -L_EFAULT;
    for (size_t i = 0; i < n; i++) {
        if (v[i].len > RW_MAX || (total += v[i].len) > RW_MAX)
            return -L_EINVAL;
        if (!user_ok(c, v[i].base, v[i].len, !write))
            return -L_EFAULT;
    }
    return 0;
}

static int64_t vec_part(struct file *f, void *buf, size_t n, int64_t pos, bool write)
{
    if (f->ops)
        return write ? f->ops->write(f, buf, n) : f->ops->read(f, buf, n);
    if (is_node(f))
        return write ? f->inode->ops->write(buf, n) : f->inode->ops->read(buf, n);
    return write ? file_write(f, buf, n, pos) : file_read(f, buf, n, pos);
}

/* Goes on behind the c->done bytes of earlier rounds. */
static int64_t vec_round(struct call *c, struct file *f, const struct l_iovec *v, size_t n,
                         int64_t pos, bool write)
{
    uint64_t skip = c->done;

    for (size_t i = 0; i < n; i++) {
        if (skip >= v[i].len) {
            skip -= v[i].len;
            continue;
        }
        uint64_t want = v[i].len - skip;
        int64_t r = vec_part(f, (void *)(v[i].base + skip), want,
                             pos < 0 ? -1 : pos + (int64_t)c->done, write);
        skip = 0;
        if (r < 0)
            return c->done && (r != -L_EAGAIN || !write) ? (int64_t)c->done : r;
        c->done += (uint64_t)r;
        if ((uint64_t)r < want) {
            if (!write || !f->ops)
                break;
            return -L_EAGAIN;
        }
    }
    return (int64_t)c->done;
}

static int64_t vector(struct call *c, int64_t pos, bool write)
{
    struct file *f = call_file(c, c->a[0]);
    const struct l_iovec *v = (void *)c->a[1];
    int64_t r;

    if (!f || (write ? !file_writes(f) : !file_reads(f)))
        return -L_EBADF;
    if (pos >= 0 && f->ops)
        return -L_ESPIPE;
    r = vec_check(c, v, c->a[2], write);
    while (r == 0 || r == -L_EAGAIN) {
        r = vec_round(c, f, v, c->a[2], pos, write);
        if (r != -L_EAGAIN)
            return r;
        if (file_nonblock(f))
            return c->done ? (int64_t)c->done : r;
        if (!call_wait(c, f->ops->queue(f, write)))
            return SYS_BLOCK;
    }
    return r;
}

int64_t sys_readv(struct call *c) { return vector(c, -1, false); }
int64_t sys_writev(struct call *c) { return vector(c, -1, true); }

int64_t sys_preadv(struct call *c)
{
    return (int64_t)c->a[3] < 0 ? -L_EINVAL : vector(c, (int64_t)c->a[3], false);
}

int64_t sys_pwritev(struct call *c)
{
    return (int64_t)c->a[3] < 0 ? -L_EINVAL : vector(c, (int64_t)c->a[3], true);
}

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
        return c->a[2] > L_SEEK_END ? -L_EINVAL : 0;
    bool regular = inode_is(f->inode, L_S_IFREG) && !f->inode->ops;
    switch (c->a[2]) {
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
    if (__builtin_add_overflow(base, off, &off))
        return -L_EOVERFLOW;
    if (off < 0)
        return -L_EINVAL;
    __atomic_store_n(&f->pos, off, __ATOMIC_RELAXED);
    return off;
}

/* Go falls back to read and write. */
int64_t sys_sendfile(struct call *c) { (void)c; return -L_EINVAL; }
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

int64_t sys_fallocate(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);
    int64_t off = (int64_t)c->a[2], n = (int64_t)c->a[3], end;

    if (!f || !file_writes(f))
        return -L_EBADF;
    if (off < 0 || n <= 0)
        return -L_EINVAL;
    if (__builtin_add_overflow(off, n, &end))
        return -L_EFBIG;
    if (f->ops)
        return -L_ESPIPE;
    if (!inode_is(f->inode, L_S_IFREG) || f->inode->ops)
        return -L_ENODEV;
    if (c->a[1] == (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE))
        return mmap_punch(f->inode, off, n);
    if (c->a[1] & ~(uint64_t)FALLOC_KEEP_SIZE)
        return -L_ENOTSUP;
    return data_allocate(&f->inode->data, off, n, !c->a[1]);
}
