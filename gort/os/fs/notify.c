/* notify.c - watches, queues of events, and the system calls of inotify: notify.h. */
#include "gort/os/fs/notify.h"

#include <string.h>
#include "gort/os/mem.h"
#include "gort/os/sys.h"

#define IN_ALL         0xfffu
#define IN_Q_OVERFLOW  0x4000u
#define IN_IGNORED     0x8000u
#define IN_ONLYDIR     0x01000000u
#define IN_DONT_FOLLOW 0x02000000u
#define IN_EXCL_UNLINK 0x04000000u
#define IN_MASK_CREATE 0x10000000u
#define IN_MASK_ADD    0x20000000u
#define IN_ISDIR       0x40000000u
#define IN_ONESHOT     0x80000000u
#define IN_KNOWN (IN_ALL | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE |     \
                  IN_MASK_ADD | IN_ONESHOT)

#define FIONREAD 0x541bu

enum { QUEUE_MAX = 16384, BUCKETS = 256 };

struct l_inotify_event { int32_t wd; uint32_t mask, cookie, len; };

/* All of it: [lock]. */
struct event {
    struct event *next;
    struct l_inotify_event head; /* len: of the name, padded with zeros */
    char name[];
};

struct watch {
    struct watch *inode_next, *wd_next;
    struct inotify *in;
    struct inode *inode;
    int32_t wd;
    uint32_t mask;
};

struct inotify {
    struct event *first, *last;
    unsigned events;
    bool overflow;           /* the overflow is on the queue */
    int32_t last_wd;         /* numbers are not used again */
    struct watch *by_wd[BUCKETS];
    struct waitq rq;
};

static struct { struct lock lock; } watching = {.lock = LOCK_INIT("inotify", RANK_FILE)};
uint32_t notify_watches;

static const struct file_ops inotify_ops;

uint32_t notify_cookie(void)
{
    static uint32_t last; /* [atomic] */

    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

/* ---- events ------------------------------------------------------------------------------ */

static size_t event_bytes(const struct event *e) { return sizeof e->head + e->head.len; }

/* An event equal to the last one in the queue is not queued again: inotify(7). */
static bool is_repeated(const struct event *last, const struct l_inotify_event *h,
                        const char *name, size_t len)
{
    return last && last->head.wd == h->wd && last->head.mask == h->mask &&
           last->head.cookie == h->cookie && last->head.len == h->len &&
           !memcmp(last->name, name, len) && !(h->mask & IN_IGNORED);
}

static void event_put_locked(struct inotify *in, struct l_inotify_event h, const char *name,
                             size_t len)
{
    h.len = len ? (uint32_t)(len / sizeof h + 1) * (uint32_t)sizeof h : 0;
    if (is_repeated(in->last, &h, name, len))
        return;
    if (in->events >= QUEUE_MAX) {
        if (in->overflow)
            return;
        in->overflow = true;
        h = (struct l_inotify_event){-1, IN_Q_OVERFLOW, 0, 0};
        len = 0;
    }
    struct event *e = os_alloc(sizeof *e + h.len);
    if (!e)
        return; /* as lost as behind an overflow */
    e->head = h;
    memcpy(e->name, name, len);
    *(in->last ? &in->last->next : &in->first) = e;
    in->last = e;
    in->events++;
    queue_wake(&in->rq);
}

static struct event *event_take_locked(struct inotify *in)
{
    struct event *e = in->first;

    in->first = e->next;
    if (!in->first)
        in->last = NULL;
    in->events--;
    if (e->head.mask & IN_Q_OVERFLOW)
        in->overflow = false;
    return e;
}

/* ---- watches ----------------------------------------------------------------------------- */

static struct watch **by_wd_locked(struct inotify *in, int32_t wd)
{
    struct watch **pp = &in->by_wd[(uint32_t)wd % BUCKETS];

    while (*pp && (*pp)->wd != wd)
        pp = &(*pp)->wd_next;
    return pp;
}

/* The inode's list goes last: inode_destroy looks at it without the lock. */
static void watch_end_locked(struct watch *w, bool tell)
{
    struct watch **pp = by_wd_locked(w->in, w->wd);

    *pp = w->wd_next;
    if (tell)
        event_put_locked(w->in, (struct l_inotify_event){w->wd, IN_IGNORED, 0, 0}, "", 0);
    for (pp = &w->inode->watches; *pp != w; pp = &(*pp)->inode_next)
        ;
    __atomic_store_n(pp, w->inode_next, __ATOMIC_RELEASE);
    os_free(w, sizeof *w);
    __atomic_sub_fetch(&notify_watches, 1, __ATOMIC_RELAXED);
}

static void tell_locked(struct inode *watched, uint32_t mask, uint32_t cookie, const char *name,
                        size_t len)
{
    for (struct watch *w = watched->watches, *next; w; w = next) {
        next = w->inode_next;
        if (!(w->mask & mask & IN_ALL))
            continue;
        event_put_locked(w->in, (struct l_inotify_event){w->wd, mask, cookie, 0}, name, len);
        if (w->mask & IN_ONESHOT)
            watch_end_locked(w, true);
    }
}

static uint32_t isdir(const struct inode *n) { return inode_is(n, L_S_IFDIR) ? IN_ISDIR : 0; }

void notify_self(struct inode *n, uint32_t mask)
{
    if (!__atomic_load_n(&n->watches, __ATOMIC_ACQUIRE))
        return;
    uint32_t dir = mask & (NOTIFY_DELETE_SELF | NOTIFY_MOVE_SELF) ? 0 : isdir(n);
    lock(&watching.lock);
    tell_locked(n, mask | dir, 0, "", 0);
    unlock(&watching.lock);
}

void notify_name(struct inode *dir, const char *name, size_t len, const struct inode *n,
                 uint32_t mask, uint32_t cookie)
{
    if (!__atomic_load_n(&dir->watches, __ATOMIC_ACQUIRE))
        return;
    lock(&watching.lock);
    tell_locked(dir, mask | isdir(n), cookie, name, len);
    unlock(&watching.lock);
}

void notify_file(struct inode *n, uint32_t mask)
{
    if (!notify_on())
        return;
    lock(&vfs.lock);
    const struct dentry *d = n->named;
    if (d)
        notify_name(d->dir, d->name, d->name_len, n, mask, 0);
    notify_self(n, mask);
    unlock(&vfs.lock);
}

void notify_gone(struct inode *n)
{
    if (!__atomic_load_n(&n->watches, __ATOMIC_ACQUIRE))
        return;
    lock(&watching.lock);
    tell_locked(n, NOTIFY_DELETE_SELF, 0, "", 0);
    while (n->watches)
        watch_end_locked(n->watches, true);
    unlock(&watching.lock);
}

/* ---- the descriptor ------------------------------------------------------------------------ */

static int64_t inotify_read(struct file *f, void *buf, size_t n)
{
    struct inotify *in = f->priv;
    size_t done = 0;
    int64_t err = -L_EAGAIN;

    lock(&watching.lock);
    while (in->first) {
        size_t bytes = event_bytes(in->first);
        if (bytes > n - done)
            err = -L_EINVAL;
        else if (user_copy((char *)buf + done, &in->first->head, bytes))
            err = -L_EFAULT;
        else
            err = 0;
        if (err)
            break;
        struct event *e = event_take_locked(in);
        os_free(e, sizeof *e + e->head.len);
        done += bytes;
    }
    unlock(&watching.lock);
    return done ? (int64_t)done : err;
}

static int64_t inotify_write(struct file *f, const void *buf, size_t n)
{
    (void)f, (void)buf, (void)n;
    return -L_EBADF;
}

static unsigned inotify_poll(struct file *f)
{
    struct inotify *in = f->priv;

    lock(&watching.lock);
    unsigned r = in->first ? L_POLLIN : 0;
    unlock(&watching.lock);
    return r;
}

static struct waitq *inotify_queue(struct file *f, bool write)
{
    (void)write; /* it is never writable */
    return &((struct inotify *)f->priv)->rq;
}

static int64_t inotify_ioctl(struct call *c, struct file *f, uint64_t request, uint64_t arg)
{
    struct inotify *in = f->priv;
    int32_t bytes = 0;

    if (request != FIONREAD)
        return -L_ENOTTY;
    lock(&watching.lock);
    for (const struct event *e = in->first; e; e = e->next)
        bytes += (int32_t)event_bytes(e);
    unlock(&watching.lock);
    return copy_out(c, arg, &bytes, sizeof bytes);
}

static void inotify_release(struct file *f)
{
    struct inotify *in = f->priv;

    lock(&watching.lock);
    for (unsigned i = 0; i < BUCKETS; i++)
        while (in->by_wd[i])
            watch_end_locked(in->by_wd[i], false);
    unlock(&watching.lock);
    while (in->first) {
        struct event *e = event_take_locked(in);
        os_free(e, sizeof *e + e->head.len);
    }
    os_free(in, sizeof *in);
}

static const struct file_ops inotify_ops = {
    .read = inotify_read, .write = inotify_write, .poll = inotify_poll, .queue = inotify_queue,
    .ioctl = inotify_ioctl, .release = inotify_release, .anon = "inotify",
};

static int64_t inotify_new(uint64_t flags)
{
    if (flags & ~(uint64_t)(L_O_CLOEXEC | L_O_NONBLOCK))
        return -L_EINVAL;
    struct inotify *in = os_alloc(sizeof *in);
    if (!in)
        return -L_ENOMEM;
    waitq_init(&in->rq);
    struct file *f = file_new_anon(0600, (uint32_t)(flags & L_O_NONBLOCK), &inotify_ops, in);
    if (f)
        return fd_install(f, flags & L_O_CLOEXEC, 0);
    os_free(in, sizeof *in);
    return -L_ENOMEM;
}

int64_t sys_inotify_init(struct call *c) { (void)c; return inotify_new(0); }
int64_t sys_inotify_init1(struct call *c) { return inotify_new(c->a[0]); }

/* The descriptor's, or NULL: *err says why. */
static struct inotify *call_inotify(struct call *c, int64_t *err)
{
    struct file *f = call_file(c, c->a[0]);

    *err = !f ? -L_EBADF : f->ops != &inotify_ops ? -L_EINVAL : 0;
    return *err ? NULL : f->priv;
}

static int64_t watch_change_locked(struct watch *w, uint32_t mask)
{
    if (mask & IN_MASK_CREATE)
        return -L_EEXIST;
    mask = mask & IN_MASK_ADD ? w->mask | mask : mask;
    w->mask = mask & (IN_ALL | IN_ONESHOT | IN_EXCL_UNLINK);
    return w->wd;
}

static int64_t watch_add_locked(struct inotify *in, struct inode *n, uint32_t mask)
{
    for (struct watch *w = n->watches; w; w = w->inode_next)
        if (w->in == in)
            return watch_change_locked(w, mask);
    struct watch *w = os_alloc_file(sizeof *w);
    if (!w)
        return -L_ENOSPC;
    *w = (struct watch){.in = in, .inode = n, .inode_next = n->watches, .wd = ++in->last_wd,
                        .mask = mask & (IN_ALL | IN_ONESHOT | IN_EXCL_UNLINK)};
    struct watch **pp = &in->by_wd[(uint32_t)w->wd % BUCKETS];
    w->wd_next = *pp;
    *pp = w;
    __atomic_add_fetch(&notify_watches, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&n->watches, w, __ATOMIC_RELEASE);
    return w->wd;
}

int64_t sys_inotify_add_watch(struct call *c)
{
    uint32_t mask = (uint32_t)c->a[2];
    struct atpath a;
    struct inode *n;
    int64_t err;

    if (!(mask & IN_KNOWN) || (mask & IN_MASK_ADD && mask & IN_MASK_CREATE))
        return -L_EINVAL;
    struct inotify *in = call_inotify(c, &err);
    if (!in)
        return err;
    err = at_get(c, (uint64_t)L_AT_FDCWD, c->a[1], &a);
    if (!err)
        err = vfs_lookup(a.dir, a.path, mask & IN_DONT_FOLLOW ? 0 : WALK_FOLLOW, &n);
    at_put(&a);
    if (err)
        return err;
    int64_t r = -L_ENOTDIR;
    if (!(mask & IN_ONLYDIR) || inode_is(n, L_S_IFDIR)) {
        lock(&watching.lock);
        r = watch_add_locked(in, n, mask);
        unlock(&watching.lock);
    }
    inode_put(n);
    return r;
}

int64_t sys_inotify_rm_watch(struct call *c)
{
    int64_t err;
    struct inotify *in = call_inotify(c, &err);

    if (!in)
        return err;
    lock(&watching.lock);
    struct watch *w = *by_wd_locked(in, (int32_t)c->a[1]);
    if (w)
        watch_end_locked(w, true);
    unlock(&watching.lock);
    return w ? 0 : -L_EINVAL;
}
