/* sys_fd.c - descriptors: open, close, dup, fcntl, pipes. */
#include <string.h>
#include "gort/os/stdio.h"
#include "gort/os/flock.h"
#include "gort/os/mem.h"
#include "gort/os/fs/memfd.h"
#include "gort/os/fs/nodes.h"
#include "gort/os/fs/notify.h"
#include "gort/os/fs/pipe.h"
#include "gort/os/sys.h"

#define FLAGS_KEPT (L_O_ACCMODE | L_O_APPEND | L_O_NONBLOCK | L_O_SYNC | L_O_DIRECT |          \
                    L_O_LARGEFILE | L_O_DIRECTORY | L_O_NOFOLLOW | L_O_NOATIME | L_O_PATH)
#define FLAGS_SETTABLE (L_O_APPEND | L_O_NONBLOCK | L_O_DIRECT | L_O_NOATIME)

/* ---- open ---------------------------------------------------------------------------- */

static struct file *open_text(const struct call *c, struct inode *n, uint32_t flags)
{
    struct outbuf o = {.thread = n->thread, .gp = c->gp};
    struct file *f = file_new(n, flags, NULL, NULL);

    if (!f)
        return NULL;
    if (n->ops->text)
        n->ops->text(&o);
    f->gen.text = o.text;
    f->gen.text_len = (uint32_t)o.len; /* os_alloc gives less than 4 GiB */
    f->gen.text_cap = (uint32_t)o.cap;
    return f;
}

/* The open file for an inode: 0, SYS_BLOCK (a named pipe without its other end) or an error. */
static int64_t open_inode(struct call *c, struct inode *n, uint32_t flags, struct file **out)
{
    if (flags & L_O_PATH || inode_is(n, L_S_IFDIR))
        *out = file_new(n, flags, NULL, NULL);
    else if (inode_is(n, L_S_IFCHR) && n->ops && n->ops->open)
        return n->ops->open(n, flags, out);
    else if (inode_is(n, L_S_IFCHR) && node_is_console(n))
        *out = stdio_open(-1, flags, n);
    else if (inode_is(n, L_S_IFIFO) && !n->ops)
        return fifo_open(c, n, flags, out);
    else if (inode_is(n, L_S_IFIFO))
        *out = stdio_open((int)n->extra, flags, n);
    else if (inode_is(n, L_S_IFREG) && n->ops)
        *out = (flags & L_O_ACCMODE) ? NULL : open_text(c, n, flags);
    else if (!inode_is(n, L_S_IFREG) && !inode_is(n, L_S_IFCHR))
        return -L_ENXIO;
    else
        *out = file_new(n, flags, NULL, NULL);
    if (!*out)
        return inode_is(n, L_S_IFREG) && n->ops ? -L_EACCES : -L_ENOMEM;
    return 0;
}

static int64_t open_first(struct call *c, uint64_t fd, uint64_t path, uint32_t flags,
                          uint32_t mode, struct file **out)
{
    struct open_result res = {NULL, false};
    struct atpath a;
    int64_t err = at_get(c, fd, path, &a);

    if (!err)
        err = vfs_open(a.dir, a.path, flags, mode, &res);
    at_put(&a);
    if (err)
        return err;
    uint32_t kept = flags & FLAGS_KEPT; /* F_GETFL of a 64-bit system shows O_LARGEFILE always */
    err = open_inode(c, res.inode, flags & L_O_PATH ? kept : kept | L_O_LARGEFILE, out);
    if (!err && !(flags & L_O_PATH))
        notify_file(res.inode, NOTIFY_OPEN);
    if (!err && flags & L_O_TRUNC && !res.created && !(flags & L_O_PATH))
        notify_file(res.inode, NOTIFY_MODIFY);
    inode_put(res.inode);
    return err;
}

static int64_t open_at(struct call *c, uint64_t fd, uint64_t path, uint64_t flags, uint64_t mode)
{
    struct file *f = NULL;
    int64_t err;

    if ((flags & L_O_ACCMODE) == L_O_ACCMODE)
        return -L_EINVAL;
    if (flags & L_O_PATH)
        flags &= L_O_PATH | L_O_DIRECTORY | L_O_NOFOLLOW | L_O_CLOEXEC;
    if (c->file) /* the call waits in fifo_open: the file is made already */
        err = fifo_open(c, c->file->inode, c->file->flags, &f);
    else
        err = open_first(c, fd, path, (uint32_t)flags, (uint32_t)mode, &f);
    return err ? err : fd_install(f, flags & L_O_CLOEXEC, 0);
}

int64_t sys_open(struct call *c)
{
    return open_at(c, (uint64_t)L_AT_FDCWD, c->a[0], c->a[1], c->a[2]);
}

int64_t sys_creat(struct call *c)
{
    return open_at(c, (uint64_t)L_AT_FDCWD, c->a[0], L_O_CREAT | L_O_WRONLY | L_O_TRUNC, c->a[1]);
}

int64_t sys_openat(struct call *c) { return open_at(c, c->a[0], c->a[1], c->a[2], c->a[3]); }

int64_t sys_close(struct call *c) { return fd_close((int32_t)c->a[0]); }

/* ---- dup, fcntl ---------------------------------------------------------------------- */

static int64_t dup_at_least(struct file *f, int64_t min, bool cloexec)
{
    if (min < 0 || min >= (int64_t)fd_limit)
        return -L_EINVAL;
    file_get(f);
    return fd_install(f, cloexec, min);
}

int64_t sys_dup(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);

    return f ? dup_at_least(f, 0, false) : -L_EBADF;
}

static int64_t dup_onto(struct call *c, bool cloexec)
{
    struct file *f = call_file(c, c->a[0]);

    if (!f)
        return -L_EBADF;
    file_get(f);
    return fd_replace(f, cloexec, (int32_t)c->a[1]);
}

int64_t sys_dup2(struct call *c)
{
    if ((int32_t)c->a[0] == (int32_t)c->a[1])
        return call_file(c, c->a[0]) ? (int32_t)c->a[0] : -L_EBADF;
    return dup_onto(c, false);
}

int64_t sys_dup3(struct call *c)
{
    if ((int32_t)c->a[0] == (int32_t)c->a[1] || c->a[2] & ~(uint64_t)L_O_CLOEXEC)
        return -L_EINVAL;
    return dup_onto(c, c->a[2] & L_O_CLOEXEC);
}

enum { F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW,
       F_OFD_GETLK = 36, F_OFD_SETLK, F_OFD_SETLKW, F_DUPFD_CLOEXEC = 1030,
       F_SETPIPE_SZ = 1031, F_GETPIPE_SZ = 1032, F_ADD_SEALS = 1033, F_GET_SEALS = 1034 };

int64_t sys_fcntl(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);

    if (!f)
        return -L_EBADF;
    switch ((int)c->a[1]) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return dup_at_least(f, (int32_t)c->a[2], (int)c->a[1] == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return fd_cloexec((int32_t)c->a[0], -1);
    case F_SETFD:
        return fd_cloexec((int32_t)c->a[0], c->a[2] & 1);
    case F_GETFL:
        return f->flags;
    case F_SETFL:
        __atomic_store_n(&f->flags, (f->flags & ~FLAGS_SETTABLE) |
                         ((uint32_t)c->a[2] & FLAGS_SETTABLE), __ATOMIC_RELAXED);
        return 0;
    case F_GETLK:
    case F_OFD_GETLK:
        return flock_range_get(c, f, c->a[2], (int)c->a[1] == F_OFD_GETLK);
    case F_SETLK:
    case F_SETLKW:
        return flock_range_set(c, f, c->a[2], false, (int)c->a[1] == F_SETLKW);
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return flock_range_set(c, f, c->a[2], true, (int)c->a[1] == F_OFD_SETLKW);
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ:
        return pipe_readable(f) < 0 ? -L_EBADF : 65536;
    case F_ADD_SEALS:
        return seals_add(f, (uint32_t)c->a[2]);
    case F_GET_SEALS:
        return seals_get(f);
    default:
        return -L_EINVAL;
    }
}

int64_t sys_flock(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);

    return f && !(f->flags & L_O_PATH) ? flock_whole(c, f, (uint32_t)c->a[1]) : -L_EBADF;
}

#define FIONREAD 0x541bu
#define FIONBIO  0x5421u
#define FIOCLEX  0x5451u
#define RNDGETENTCNT 0x80045200u

/* The console is no terminal: isatty is true of pseudo terminals alone. */
int64_t sys_ioctl(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);

    if (!f)
        return -L_EBADF;
    int64_t n = pipe_readable(f) >= 0 ? pipe_readable(f) : stdio_pending(f);
    if (c->a[1] == FIONREAD && n >= 0)
        return copy_out(c, c->a[2], &(int32_t){(int32_t)n}, sizeof(int32_t));
    if (c->a[1] == FIOCLEX)
        return fd_cloexec((int32_t)c->a[0], 1);
    if (c->a[1] == FIONBIO) {
        int32_t on;
        if (copy_in(c, &on, c->a[2], sizeof on))
            return -L_EFAULT;
        uint32_t set = on ? L_O_NONBLOCK : 0;
        __atomic_store_n(&f->flags, (f->flags & ~L_O_NONBLOCK) | set, __ATOMIC_RELAXED);
        return 0;
    }
    if (c->a[1] == RNDGETENTCNT && f->inode && node_is_random(f->inode)) /* random(4): bits */
        return copy_out(c, c->a[2], &(int32_t){256}, sizeof(int32_t));
    if (f->ops && f->ops->ioctl)
        return f->ops->ioctl(c, f, c->a[1], c->a[2]);
    return -L_ENOTTY;
}

/* ---- pipe, eventfd ------------------------------------------------------------------- */

static int64_t make_pipe(struct call *c, uint64_t out, uint64_t flags)
{
    struct file *f[2];
    int32_t fd[2];

    if (flags & ~(uint64_t)(L_O_CLOEXEC | L_O_NONBLOCK | L_O_DIRECT))
        return -L_EINVAL;
    if (pipe_open_pair(f, flags & L_O_NONBLOCK))
        return -L_ENFILE;
    int64_t r = fd_install(f[0], flags & L_O_CLOEXEC, 0);
    if (r < 0) {
        file_put(f[1]);
        return r;
    }
    int64_t w = fd_install(f[1], flags & L_O_CLOEXEC, 0);
    if (w < 0) {
        fd_close(r);
        return w;
    }
    fd[0] = (int32_t)r;
    fd[1] = (int32_t)w;
    int64_t err = copy_out(c, out, fd, sizeof fd);
    if (err) {
        fd_close(r);
        fd_close(w);
    }
    return err;
}

int64_t sys_pipe(struct call *c) { return make_pipe(c, c->a[0], 0); }
int64_t sys_pipe2(struct call *c) { return make_pipe(c, c->a[0], c->a[1]); }

static int64_t make_eventfd(uint64_t initial, uint64_t flags)
{
    struct file *f;

    if (flags & ~(uint64_t)(L_O_CLOEXEC | L_O_NONBLOCK | 1))
        return -L_EINVAL;
    int64_t err = eventfd_open((uint32_t)initial, (uint32_t)flags, &f);
    return err ? err : fd_install(f, flags & L_O_CLOEXEC, 0);
}

int64_t sys_eventfd(struct call *c) { return make_eventfd(c->a[0], 0); }
int64_t sys_eventfd2(struct call *c) { return make_eventfd(c->a[0], c->a[1]); }
