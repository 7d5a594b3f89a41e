#include "gort/os/fs/pty.h"

#include <stdio.h>
#include <string.h>
#include "gort/os/fs/vfs.h"
#include "gort/os/mem.h"
#include "gort/os/ostimer.h"
#include "gort/os/signal.h"
#include "gort/os/user.h"
#include "kernel/clock.h"

enum { PTY_MAX = 4096, PTS_MAJOR = 136 };
enum { PIECE = 512 };             /* bytes that are moved with the lock held once */
enum { TENTH_NS = 100000000 };    /* the unit of VTIME */

static struct {
    struct lock lock;                /* RANK_FILE */
    struct pty *all[PTY_MAX];        /* [lock] by number */
    struct pty *free;                /* [lock] */
    uint64_t serial;                 /* [lock] */
    struct inode *dir;               /* [const after boot] /dev/pts */
    struct pty *controlling;         /* [lock to write, atomic] or NULL: its master is open */
} ptys = {.lock = LOCK_INIT("ptys", RANK_FILE)};

static const struct file_ops master_ops, slave_ops;

void pty_init(struct inode *pts) { ptys.dir = pts; }

bool pty_is_master(const struct file *f) { return f->ops == &master_ops; }

void pty_changed(struct pty *p)
{
    queue_wake(&p->in_rq);
    queue_wake(&p->in_wq);
    queue_wake(&p->out_rq);
    queue_wake(&p->out_wq);
}

/* ---- the controlling terminal ---------------------------------------------------------------- */

bool pty_is_controlling(const struct pty *p)
{
    return __atomic_load_n(&ptys.controlling, __ATOMIC_RELAXED) == p;
}

int64_t pty_control(struct pty *p)
{
    lock(&ptys.lock);
    struct pty *old = ptys.controlling;
    if (!old)
        __atomic_store_n(&ptys.controlling, p, __ATOMIC_RELAXED);
    unlock(&ptys.lock);
    return !old || old == p ? 0 : -L_EPERM;
}

bool pty_release_control(struct pty *p)
{
    lock(&ptys.lock);
    bool was = ptys.controlling == p;
    if (was)
        __atomic_store_n(&ptys.controlling, NULL, __ATOMIC_RELAXED);
    unlock(&ptys.lock);
    return was;
}

void pty_signal(struct pty *p, uint64_t signals)
{
    for (; signals && pty_is_controlling(p); signals &= signals - 1)
        signal_raise((unsigned)__builtin_ctzll(signals));
}

/* ---- VTIME: how long a read waits for more --------------------------------------------------- */

static void timer_stop_locked(struct pty *p)
{
    p->due = false;
    if (p->when) {
        p->when = 0;
        os_timer_set(p->timer, 0);
    }
}

static void timer_start_locked(struct pty *p)
{
    p->when = clock_mono_ns() + (int64_t)p->l->t.cc[L_VTIME] * TENTH_NS;
    os_timer_set(p->timer, p->when);
}

/* Timer: g0, no locks. */
static void timer_tick(void *arg)
{
    struct pty *p = arg;

    lock(&p->lock);
    bool due = p->when && clock_mono_ns() >= p->when;
    if (due) {
        p->when = 0;
        p->due = true;
    }
    unlock(&p->lock);
    if (due)
        queue_wake(&p->in_rq);
    calls_run();
}

/* Nothing may be read yet: for how long is that so? -L_EAGAIN: until something is typed or the
 * timer goes off; 0: it has. */
static int64_t wait_typing_locked(struct pty *p, bool some)
{
    const uint8_t *cc = p->l->t.cc;
    bool timed = cc[L_VTIME] && (some || !cc[L_VMIN]);

    if (timed && p->due)
        return 0;
    if (timed && !p->when)
        timer_start_locked(p);
    return -L_EAGAIN;
}

/* May a read of n bytes take what there is? 0: yes, be it nothing. */
static int64_t may_read_locked(struct pty *p, size_t n, bool nonblock)
{
    const struct ldisc *l = p->l;
    size_t min = l->t.cc[L_VMIN];

    if (l->t.lflag & L_ICANON)
        return ldisc_readable(l, 0) ? 0 : -L_EAGAIN;
    if (!min && !l->t.cc[L_VTIME])
        return 0;
    min = !min || nonblock ? 1 : min < n ? min : n;
    if (ldisc_readable(l, min))
        return 0;
    return nonblock ? -L_EAGAIN : wait_typing_locked(p, ldisc_readable(l, 1));
}

/* ---- slaves ---------------------------------------------------------------------------------- */

/* One piece of a read. *over: there is no other. */
static int64_t read_piece(struct pty *p, void *buf, size_t n, bool *over)
{
    uint8_t piece[PIECE];
    struct ldisc_part part = ldisc_look(p->l, piece, n < PIECE ? n : PIECE);

    if (user_copy(buf, piece, part.bytes))
        return -L_EFAULT;
    ldisc_eat(p->l, part.eaten);
    *over = part.over || part.bytes == 0;
    return (int64_t)part.bytes;
}

static int64_t slave_read(struct file *f, void *buf, size_t n)
{
    struct pty *p = f->priv;
    int64_t r = 0, done = 0;
    bool over = n == 0;

    lock(&p->lock);
    if (!p->hung && !over)
        r = may_read_locked(p, n, file_nonblock(f));
    over |= p->hung || r < 0;
    if (!over)
        timer_stop_locked(p);
    while (!over && (size_t)done < n) {
        r = read_piece(p, (char *)buf + done, n - (size_t)done, &over);
        over |= r < 0;
        done += r > 0 ? r : 0;
        unlock(&p->lock); /* not for longer than a piece takes */
        lock(&p->lock);
    }
    unlock(&p->lock);
    if (done)
        queue_wake(&p->in_wq);
    return done ? done : r;
}

static int64_t slave_write(struct file *f, const void *buf, size_t n)
{
    struct pty *p = f->priv;
    uint8_t piece[PIECE];
    size_t done = 0, took = 1;

    while (done < n && took) {
        size_t part = n - done < PIECE ? n - done : PIECE;
        part -= user_copy(piece, (const char *)buf + done, part);
        if (!part)
            return done ? (int64_t)done : -L_EFAULT;
        lock(&p->lock);
        bool hung = p->hung;
        took = hung ? 0 : ldisc_output(p->l, piece, part);
        unlock(&p->lock);
        if (hung)
            return done ? (int64_t)done : -L_EIO;
        done += took;
    }
    if (done)
        queue_wake(&p->out_rq);
    return done || !n ? (int64_t)done : -L_EAGAIN;
}

static unsigned slave_poll(struct file *f)
{
    struct pty *p = f->priv;
    unsigned r = 0;

    lock(&p->lock);
    const uint8_t *cc = p->l->t.cc;
    if (p->hung)
        r = L_POLLIN | L_POLLOUT | L_POLLERR | L_POLLHUP;
    else if (ldisc_readable(p->l, cc[L_VTIME] || !cc[L_VMIN] ? 1 : cc[L_VMIN]))
        r |= L_POLLIN;
    if (ldisc_output_room(p->l))
        r |= L_POLLOUT;
    unlock(&p->lock);
    return r;
}

static struct waitq *slave_queue(struct file *f, bool write)
{
    struct pty *p = f->priv;

    return write ? &p->out_wq : &p->in_rq;
}

/* ---- the master ------------------------------------------------------------------------------ */

static int64_t master_read(struct file *f, void *buf, size_t n)
{
    struct pty *p = f->priv;
    uint8_t piece[PIECE];
    size_t done = 0, got = 1;
    bool alone = false;

    while (done < n && got) {
        size_t left = 0;
        lock(&p->lock);
        got = ldisc_out_look(p->l, piece, n - done < PIECE ? n - done : PIECE);
        if (got)
            left = user_copy((char *)buf + done, piece, got);
        if (!left)
            p->l->out_tail += got;
        alone = p->alone;
        unlock(&p->lock);
        if (left)
            return done ? (int64_t)done : -L_EFAULT;
        done += got;
    }
    if (done)
        queue_wake(&p->out_wq);
    return done || !n ? (int64_t)done : alone ? -L_EIO : -L_EAGAIN;
}

/* What is typed, as far as there is room; the signals that it asks for. */
static size_t type_locked(struct pty *p, const uint8_t *piece, size_t n, uint64_t *signals)
{
    size_t took = ldisc_input(p->l, piece, n);

    *signals |= p->l->signals;
    p->l->signals = 0;
    if (took && p->when && p->l->t.cc[L_VMIN]) /* the time between two bytes begins anew */
        timer_start_locked(p);
    return took;
}

static int64_t master_write(struct file *f, const void *buf, size_t n)
{
    struct pty *p = f->priv;
    uint8_t piece[PIECE];
    size_t done = 0, took = 1;
    uint64_t signals = 0;

    while (done < n && took) {
        size_t part = n - done < PIECE ? n - done : PIECE;
        part -= user_copy(piece, (const char *)buf + done, part);
        if (!part)
            return done ? (int64_t)done : -L_EFAULT;
        lock(&p->lock);
        took = type_locked(p, piece, part, &signals);
        unlock(&p->lock);
        done += took;
    }
    if (done)
        pty_changed(p); /* lines, echo, room, and output that goes on */
    pty_signal(p, signals);
    return done || !n ? (int64_t)done : -L_EAGAIN;
}

static unsigned master_poll(struct file *f)
{
    struct pty *p = f->priv;

    lock(&p->lock);
    unsigned r = p->alone ? L_POLLHUP : 0;
    if (p->l->out_head != p->l->out_tail)
        r |= L_POLLIN;
    if (ldisc_input_room(p->l))
        r |= L_POLLOUT;
    unlock(&p->lock);
    return r;
}

static struct waitq *master_queue(struct file *f, bool write)
{
    struct pty *p = f->priv;

    return write ? &p->in_wq : &p->out_rq;
}

/* ---- from the first open to the last close --------------------------------------------------- */

static int64_t slave_node_open(struct inode *n, uint32_t flags, struct file **out);
static const struct node_ops slave_node = {.open = slave_node_open};

int pty_of_inode(const struct inode *n)
{
    return n->ops == &slave_node ? (int)((n->rdev & 0xff) | (n->rdev >> 12 & ~0xffull)) : -1;
}

static size_t name_of(const struct pty *p, char name[16])
{
    return (size_t)snprintf(name, 16, "%u", p->index);
}

static struct pty *pool_take(void)
{
    lock(&ptys.lock);
    struct pty *p = ptys.free;
    if (p)
        ptys.free = p->next;
    unlock(&ptys.lock);
    if (p || !(p = os_alloc(sizeof *p)))
        return p;
    lock_init(&p->lock, "pty", RANK_FILE);
    waitq_init(&p->in_rq);
    waitq_init(&p->in_wq);
    waitq_init(&p->out_rq);
    waitq_init(&p->out_wq);
    p->timer = os_timer_new(timer_tick, p);
    if (p->timer)
        return p;
    os_free(p, sizeof *p);
    return NULL;
}

static void pool_put(struct pty *p)
{
    lock(&ptys.lock);
    p->next = ptys.free;
    ptys.free = p;
    unlock(&ptys.lock);
}

/* Gives p the lowest number that is free. */
static bool number_take(struct pty *p)
{
    unsigned i = 0;

    lock(&ptys.lock);
    while (i < PTY_MAX && ptys.all[i])
        i++;
    if (i < PTY_MAX) {
        ptys.all[i] = p;
        p->index = i;
        p->serial = ++ptys.serial;
    }
    unlock(&ptys.lock);
    return i < PTY_MAX;
}

static void pty_put(struct pty *p)
{
    if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    lock(&ptys.lock);
    ptys.all[p->index] = NULL;
    unlock(&ptys.lock);
    lock(&p->lock);
    timer_stop_locked(p);
    unlock(&p->lock);
    if (p->node)
        inode_put(p->node);
    os_free(p->l, sizeof *p->l);
    p->node = NULL;
    p->l = NULL;
    pool_put(p);
}

/* ptys.lock held. A reference to p, which may be NULL, unless it is on its way out. */
static struct pty *ref_locked(struct pty *p)
{
    uint32_t refs = p ? __atomic_load_n(&p->refs, __ATOMIC_RELAXED) : 0;

    while (refs && !__atomic_compare_exchange_n(&p->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
                                                __ATOMIC_RELAXED))
        ;
    return refs ? p : NULL;
}

/* The terminal of a slave's inode, referenced; NULL: it is gone. */
static struct pty *pty_get(const struct inode *n)
{
    lock(&ptys.lock);
    struct pty *p = ptys.all[pty_of_inode(n)];
    if (p && p->serial != n->extra)
        p = NULL;
    p = ref_locked(p);
    unlock(&ptys.lock);
    return p;
}

/* The name of p in /dev/pts. */
static int name_make(struct pty *p)
{
    char name[16];
    size_t len = name_of(p, name);
    uint64_t low = p->index & 0xff, high = (uint64_t)(p->index & ~0xffu) << 12;

    p->node = inode_new(L_S_IFCHR | 0620);
    if (!p->node)
        return -L_ENOMEM;
    p->node->synthetic = true;
    p->node->ops = &slave_node;
    p->node->extra = p->serial;
    *(uint64_t *)(uintptr_t)&p->node->rdev = PTS_MAJOR << 8 | low | high;
    lock(&vfs.lock);
    int err = dentry_add(ptys.dir, name, len, p->node);
    unlock(&vfs.lock);
    return err;
}

static void name_remove(struct pty *p)
{
    char name[16];
    size_t len = name_of(p, name);

    lock(&vfs.lock);
    struct dentry *d = dentry_find(ptys.dir, name, len);
    if (d && d->inode == p->node)
        dentry_remove(d);
    unlock(&vfs.lock);
}

/* A terminal with a number, and one reference. */
static struct pty *pty_new(int64_t *err)
{
    struct pty *p = pool_take();

    *err = -L_ENOMEM;
    if (!p)
        return NULL;
    p->l = os_alloc(sizeof *p->l);
    if (!p->l || !number_take(p)) {
        *err = p->l ? -L_ENOSPC : -L_ENOMEM;
        os_free(p->l, sizeof *p->l);
        p->l = NULL;
        pool_put(p);
        return NULL;
    }
    ldisc_init(p->l);
    p->locked = true;
    p->hung = p->alone = p->exclusive = false;
    p->slaves = 0;
    p->size = (struct l_winsize){0};
    p->ispeed = p->ospeed = 38400;
    __atomic_store_n(&p->refs, 1, __ATOMIC_RELEASE);
    return p;
}

int64_t pty_open_master(struct inode *n, uint32_t flags, struct file **out)
{
    int64_t err;
    struct pty *p = pty_new(&err);

    if (!p)
        return err;
    err = name_make(p);
    *out = err ? NULL : file_new(n, flags, &master_ops, p);
    if (*out)
        return 0;
    if (!err)
        name_remove(p);
    pty_put(p);
    return err ? err : -L_ENOMEM;
}

/* Counts one slave more, or less. */
static bool slave_count(struct pty *p, bool more)
{
    lock(&p->lock);
    bool refused = more && (p->hung || p->locked);
    if (!refused)
        p->slaves += more ? 1 : -1u;
    if (!refused)
        p->alone = p->slaves == 0;
    unlock(&p->lock);
    return !refused;
}

int64_t pty_open_slave(struct pty *p, struct inode *n, uint32_t flags, struct file **out)
{
    if (!slave_count(p, true))
        return -L_EIO;
    *out = file_new(n, flags, &slave_ops, p);
    if (*out)
        __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
    else
        slave_count(p, false);
    return *out ? 0 : -L_ENOMEM;
}

static int64_t opened_slave(struct pty *p, struct inode *n, uint32_t flags, struct file **out)
{
    int64_t err = pty_open_slave(p, n, flags, out);

    pty_put(p);
    return err;
}

static int64_t slave_node_open(struct inode *n, uint32_t flags, struct file **out)
{
    struct pty *p = pty_get(n);

    return p ? opened_slave(p, n, flags, out) : -L_EIO;
}

int64_t pty_open_controlling(struct inode *n, uint32_t flags, struct file **out)
{
    lock(&ptys.lock);
    struct pty *p = ref_locked(ptys.controlling);
    unlock(&ptys.lock);
    return p ? opened_slave(p, n, flags, out) : -L_ENXIO;
}

static void slave_release(struct file *f)
{
    struct pty *p = f->priv;

    slave_count(p, false);
    pty_changed(p);
    pty_put(p);
}

static void master_release(struct file *f)
{
    struct pty *p = f->priv;

    name_remove(p);
    lock(&p->lock);
    p->hung = true;
    unlock(&p->lock);
    pty_changed(p);
    if (pty_release_control(p)) {
        signal_raise(L_SIGHUP);
        signal_raise(L_SIGCONT);
    }
    pty_put(p);
}

static const struct file_ops slave_ops = {
    .read = slave_read, .write = slave_write, .poll = slave_poll, .queue = slave_queue,
    .ioctl = pty_ioctl, .release = slave_release, .whole_writes = true,
};

static const struct file_ops master_ops = {
    .read = master_read, .write = master_write, .poll = master_poll, .queue = master_queue,
    .ioctl = pty_ioctl, .release = master_release, .whole_writes = true,
};
