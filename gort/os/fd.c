/* fd.c - the table of descriptors: blocks of slots, made when first used. */
#include "gort/os/file.h"
#include "gort/os/flock.h"
#include "gort/os/mem.h"
#include "gort/os/sys.h"
#include "kernel/check.h"

enum { BLOCK = 256 };

struct slot { struct file *f; bool cloexec; };

static struct {
    struct lock lock;
    struct slot *block[FD_MAX / BLOCK]; /* [lock] */
    int64_t lowest;                     /* [lock] all below are taken */
} fds = {.lock = LOCK_INIT("fds", RANK_FILE)};

uint64_t fd_limit = FD_MAX;

static inline struct slot *slot_at_locked(int64_t fd, bool make)
{
    if ((uint64_t)fd >= FD_MAX)
        return NULL;
    struct slot **b = &fds.block[(uint64_t)fd / BLOCK];
    if (!*b && make)
        *b = os_alloc(BLOCK * sizeof **b);
    return *b ? *b + (uint64_t)fd % BLOCK : NULL;
}

/* A descriptor has been closed: the table's reference to f goes. */
static void file_closed(struct file *f)
{
    bool flies = f->ops && f->ops->in_flight && f->ops->in_flight(f);

    flock_closed(f->inode);
    file_put(f);
    if (flies)
        file_flies_on();
}

struct file *fd_get(int64_t fd)
{
    lock(&fds.lock);
    struct slot *s = slot_at_locked(fd, false);
    struct file *f = s ? s->f : NULL;
    if (f)
        file_get(f);
    unlock(&fds.lock);
    return f;
}

struct file *call_file(struct call *c, uint64_t fd)
{
    if (!c->file)
        c->file = fd_get((int32_t)fd);
    return c->file;
}

struct inode *fd_inode(int64_t fd, const char **anon)
{
    lock(&fds.lock);
    const struct slot *s = slot_at_locked(fd, false);
    const struct file *f = s ? s->f : NULL;
    struct inode *n = f ? f->inode : NULL;
    if (n) {
        inode_get(n);
        *anon = f->ops ? f->ops->anon : NULL;
    }
    unlock(&fds.lock);
    return n;
}

int64_t fd_install(struct file *f, bool cloexec, int64_t min)
{
    lock(&fds.lock);
    int64_t fd = min > fds.lowest ? min : fds.lowest, limit = (int64_t)fd_limit;
    struct slot *s = NULL;
    for (; fd < limit; fd++) {
        s = slot_at_locked(fd, true);
        if (!s || !s->f)
            break;
    }
    if (fd >= limit || !s) {
        unlock(&fds.lock);
        file_put(f);
        return s || fd >= limit ? -L_EMFILE : -L_ENOMEM;
    }
    *s = (struct slot){f, cloexec};
    if (min <= fds.lowest)
        fds.lowest = fd + 1;
    unlock(&fds.lock);
    return fd;
}

int64_t fd_replace(struct file *f, bool cloexec, int64_t fd)
{
    lock(&fds.lock);
    bool valid = fd >= 0 && fd < (int64_t)fd_limit;
    struct slot *s = valid ? slot_at_locked(fd, true) : NULL;
    struct file *old = s ? s->f : NULL;
    if (s)
        *s = (struct slot){f, cloexec};
    unlock(&fds.lock);
    if (old)
        file_closed(old);
    if (!s)
        file_put(f);
    return s ? fd : valid ? -L_ENOMEM : -L_EBADF;
}

int fd_close(int64_t fd)
{
    lock(&fds.lock);
    struct slot *s = slot_at_locked(fd, false);
    struct file *f = s ? s->f : NULL;
    if (f) {
        s->f = NULL;
        if (fd < fds.lowest)
            fds.lowest = fd;
    }
    unlock(&fds.lock);
    if (!f)
        return -L_EBADF;
    file_closed(f);
    return 0;
}

int fd_cloexec(int64_t fd, int set)
{
    lock(&fds.lock);
    struct slot *s = slot_at_locked(fd, false);
    int r = s && s->f ? 0 : -L_EBADF;
    if (!r && set >= 0)
        s->cloexec = set;
    else if (!r)
        r = s->cloexec;
    unlock(&fds.lock);
    return r;
}

bool fd_next(int64_t *fd)
{
    lock(&fds.lock);
    for (; *fd < (int64_t)FD_MAX; ++*fd) {
        struct slot *s = slot_at_locked(*fd, false);
        if (!s)
            *fd |= BLOCK - 1;
        else if (s->f)
            break;
    }
    unlock(&fds.lock);
    return *fd < (int64_t)FD_MAX;
}
