#include "gort/os/flock.h"

#include "gort/os/file.h"
#include "gort/os/mem.h"
#include "gort/os/user.h"

/* A lock, on the list of its inode. Its range is lo..hi, both included. */
struct filelock {
    struct filelock *next;
    const struct file *owner; /* NULL: the process (POSIX) */
    bool whole, write;        /* whole: flock(2) */
    int64_t lo, hi;
};

static struct {
    struct lock lock;         /* every inode's list */
    struct waitq released;
} locks = {.lock = LOCK_INIT("filelocks", RANK_FILE),
           .released = {.lock = LOCK_INIT("waitq", RANK_POLL)}};

static bool overlap(const struct filelock *a, const struct filelock *b)
{
    return a->lo <= b->hi && b->lo <= a->hi;
}

/* The first lock that forbids `want`, or NULL. */
static const struct filelock *conflict_locked(const struct inode *n, const struct filelock *want)
{
    for (const struct filelock *l = n->locks; l; l = l->next)
        if (l->whole == want->whole && l->owner != want->owner && (l->write || want->write) &&
            overlap(l, want))
            return l;
    return NULL;
}

static void unlink_free(struct filelock **at)
{
    struct filelock *l = *at;

    *at = l->next;
    os_free(l, sizeof *l);
}

/* Removes the owner's ranges, or its flock, or both. True if there was anything. */
static bool drop_locked(struct inode *n, const struct file *owner, bool ranges, bool wholes)
{
    bool any = false;

    for (struct filelock **at = &n->locks; *at;) {
        const struct filelock *l = *at;
        if (l->owner == owner && (l->whole ? wholes : ranges)) {
            unlink_free(at);
            any = true;
        } else {
            at = &(*at)->next;
        }
    }
    return any;
}

static void drop(struct inode *n, const struct file *owner)
{
    if (!__atomic_load_n(&n->locks, __ATOMIC_SEQ_CST))
        return;
    lock(&locks.lock);
    bool any = drop_locked(n, owner, true, true);
    unlock(&locks.lock);
    if (any)
        queue_wake(&locks.released);
}

void flock_closed(struct inode *n) { drop(n, NULL); }

void flock_file_gone(struct file *f)
{
    drop(f->inode, f);
    /* a call that was under way when the descriptor was closed may have taken the lock after all */
    drop(f->inode, NULL);
}

static void add_locked(struct inode *n, struct filelock *l)
{
    l->next = n->locks;
    __atomic_store_n(&n->locks, l, __ATOMIC_SEQ_CST);
}

/* ---- flock(2) ------------------------------------------------------------------------------ */

enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };

/* As flock(2) specifies, the file's old lock goes first, even if the new one is then refused. */
static int64_t whole_try(struct inode *n, struct filelock *want)
{
    lock(&locks.lock);
    bool any = drop_locked(n, want->owner, false, true);
    bool busy = conflict_locked(n, want);
    if (!busy)
        add_locked(n, want);
    unlock(&locks.lock);
    if (any)
        queue_wake(&locks.released);
    return busy ? -L_EAGAIN : 0;
}

int64_t flock_whole(struct call *c, struct file *f, uint32_t how)
{
    uint32_t op = how & ~(uint32_t)LOCK_NB;

    if (op != LOCK_SH && op != LOCK_EX && op != LOCK_UN)
        return -L_EINVAL;
    if (op == LOCK_UN) {
        lock(&locks.lock);
        bool any = drop_locked(f->inode, f, false, true);
        unlock(&locks.lock);
        if (any)
            queue_wake(&locks.released);
        return 0;
    }
    struct filelock *want = os_alloc(sizeof *want);
    if (!want)
        return -L_ENOMEM;
    *want = (struct filelock){.owner = f, .whole = true, .write = op == LOCK_EX, .hi = INT64_MAX};
    int64_t r = whole_try(f->inode, want);
    while (r == -L_EAGAIN && !(how & LOCK_NB))
        r = call_wait(c, &locks.released) ? whole_try(f->inode, want) : SYS_BLOCK;
    if (r)
        os_free(want, sizeof *want);
    return r;
}

/* ---- ranges --------------------------------------------------------------------------------- */

/* Turns the program's struct flock into offsets of the file. */
static int64_t range_parse(const struct file *f, const struct l_flock *fl, struct filelock *out)
{
    int64_t start = 0, at;

    if (fl->type != L_F_RDLCK && fl->type != L_F_WRLCK && fl->type != L_F_UNLCK)
        return -L_EINVAL;
    if (fl->whence == L_SEEK_CUR)
        start = __atomic_load_n(&f->pos, __ATOMIC_RELAXED);
    else if (fl->whence == L_SEEK_END)
        start = inode_size(f->inode);
    else if (fl->whence != L_SEEK_SET)
        return -L_EINVAL;
    if (__builtin_add_overflow(start, fl->start, &at))
        return -L_EOVERFLOW;
    if (at < 0)
        return -L_EINVAL;
    out->write = fl->type == L_F_WRLCK;
    out->lo = at;
    out->hi = INT64_MAX;
    if (fl->len > 0) {
        if (__builtin_add_overflow(at, fl->len - 1, &out->hi))
            return -L_EOVERFLOW;
    } else if (fl->len < 0) {
        if (__builtin_add_overflow(at, fl->len, &out->lo) || out->lo < 0)
            return -L_EINVAL;
        out->hi = at - 1;
    }
    return 0;
}

/* Takes the bytes of `l` out of the owner's other locks. A lock that is cut in two needs a
 * second structure: `spare` becomes it, and the result is true. */
static bool cut_locked(struct inode *n, const struct filelock *l, struct filelock *spare)
{
    bool used = false;

    for (struct filelock **at = &n->locks; *at;) {
        struct filelock *o = *at;
        if (o->whole || o->owner != l->owner || !overlap(o, l)) {
            at = &o->next;
            continue;
        }
        if (o->lo >= l->lo && o->hi <= l->hi) {
            unlink_free(at);
            continue;
        }
        if (o->lo < l->lo && o->hi > l->hi) {
            *spare = *o;
            spare->lo = l->hi + 1;
            o->next = spare;
            used = true;
        }
        if (o->lo < l->lo)
            o->hi = l->lo - 1;
        else
            o->lo = l->hi + 1;
        at = &(*at)->next;
    }
    return used;
}

/* Locks of one owner and kind that touch become one, as F_GETLK shows it. */
static void merge_locked(struct inode *n, struct filelock *l)
{
    for (struct filelock **at = &n->locks; *at;) {
        const struct filelock *o = *at;
        bool touch = (l->lo > 0 && o->hi == l->lo - 1) || (o->lo > 0 && l->hi == o->lo - 1);
        if (o == l || o->whole || o->owner != l->owner || o->write != l->write || !touch) {
            at = &(*at)->next;
            continue;
        }
        l->lo = o->lo < l->lo ? o->lo : l->lo;
        l->hi = o->hi > l->hi ? o->hi : l->hi;
        unlink_free(at);
    }
}

/* `two`: structures for the new lock and for the rest of an old one; unused ones are freed. */
static int64_t range_try(struct inode *n, const struct filelock *want, bool release,
                         struct filelock *two[2])
{
    lock(&locks.lock);
    if (!release && conflict_locked(n, want)) {
        unlock(&locks.lock);
        return -L_EAGAIN;
    }
    if (cut_locked(n, want, two[1]))
        two[1] = NULL;
    if (!release) {
        *two[0] = *want;
        add_locked(n, two[0]);
        merge_locked(n, two[0]);
        two[0] = NULL;
    }
    unlock(&locks.lock);
    queue_wake(&locks.released);
    return 0;
}

/* c->one keeps the parsed range: the program may change its struct flock while the call waits. */
static int64_t range_want(struct call *c, struct file *f, uint64_t arg, bool ofd,
                          struct filelock *want, bool *release)
{
    struct l_flock fl;

    if (!c->done) {
        if (copy_in(c, &fl, arg, sizeof fl))
            return -L_EFAULT;
        if (ofd && fl.pid)
            return -L_EINVAL;
        int64_t err = range_parse(f, &fl, want);
        if (err)
            return err;
        if ((fl.type == L_F_RDLCK && !file_reads(f)) || (fl.type == L_F_WRLCK && !file_writes(f)))
            return -L_EBADF;
        c->one[0] = (struct l_iovec){(uint64_t)want->lo, (uint64_t)want->hi};
        c->one[1] = (struct l_iovec){(uint64_t)fl.type, 0};
        c->done = 1;
    }
    *release = c->one[1].base == L_F_UNLCK;
    *want = (struct filelock){.owner = ofd ? f : NULL, .write = c->one[1].base == L_F_WRLCK,
                              .lo = (int64_t)c->one[0].base, .hi = (int64_t)c->one[0].len};
    return 0;
}

int64_t flock_range_set(struct call *c, struct file *f, uint64_t arg, bool ofd, bool wait)
{
    struct filelock want = {0}, *two[2];
    bool release;
    int64_t r = range_want(c, f, arg, ofd, &want, &release);

    if (r)
        return r;
    two[0] = os_alloc(sizeof want);
    two[1] = os_alloc(sizeof want);
    if (!two[0] || !two[1])
        r = -L_ENOMEM;
    else
        r = range_try(f->inode, &want, release, two);
    while (r == -L_EAGAIN && wait)
        r = call_wait(c, &locks.released) ? range_try(f->inode, &want, release, two) : SYS_BLOCK;
    os_free(two[0], sizeof want);
    os_free(two[1], sizeof want);
    return r;
}

int64_t flock_range_get(struct call *c, struct file *f, uint64_t arg, bool ofd)
{
    struct l_flock fl;
    struct filelock want = {0};

    if (copy_in(c, &fl, arg, sizeof fl))
        return -L_EFAULT;
    if ((ofd && fl.pid) || (fl.type != L_F_RDLCK && fl.type != L_F_WRLCK))
        return -L_EINVAL;
    int64_t err = range_parse(f, &fl, &want);
    if (err)
        return err;
    want.owner = ofd ? f : NULL;
    lock(&locks.lock);
    const struct filelock *l = conflict_locked(f->inode, &want);
    if (l)
        fl = (struct l_flock){.type = l->write ? L_F_WRLCK : L_F_RDLCK, .start = l->lo,
                              .len = l->hi == INT64_MAX ? 0 : l->hi - l->lo + 1,
                              .pid = l->owner ? -1 : 1};
    else
        fl.type = L_F_UNLCK;
    unlock(&locks.lock);
    return copy_out(c, arg, &fl, sizeof fl);
}
