#include "gort/os/netpoll.h"

#include "gort/dying.h"
#include "gort/g.h"
#include "gort/os/file.h"
#include "gort/os/mem.h"
#include "gort/os/ostimer.h"
#include "kernel/clock.h"
#include "rt_frames.h"

/* Results, as internal/poll numbers them. */
enum { POLL_OK = 0, POLL_CLOSING = 1, POLL_TIMEOUT = 2 };
enum { DIR_READ, DIR_WRITE, DIRS };

/* What the overlay's netpoll.go reads without a lock, so that most resets and most deadlines need
 * no gate. A reset that reads 0 counts as made before the next event, whose mark then stays: only
 * the holder of the lock writes. */
enum { SEEN_READY = 1,       /* an event came since the last reset or wait */
       SEEN_PASSED = 2,      /* the deadline */
       SEEN_CLOSING = 4 };
struct poll_seen {
    uint32_t state[DIRS];    /* [lock to write, atomic reads] */
    int64_t deadline[DIRS];  /* [lock to write, atomic reads] clock_mono_ns; 0 none, -1 passed */
};
_Static_assert(offsetof(struct poll_seen, state) == 0 &&
               offsetof(struct poll_seen, deadline) == 8 && DIR_READ == ('r' & 1) &&
               DIR_WRITE == ('w' & 1), "pollSeen in overlay/netpoll.go");

struct poll_dir {
    struct poll_desc *pd;    /* [const] */
    struct g *waiting;       /* [pd->lock] parked in poll_wait */
    void *timer;             /* [const] */
};

/* Poll descriptors are never freed: a timer that fires late still finds one, and looks at its
 * deadline. */
struct poll_desc {
    struct poll_seen seen;   /* first: the overlay knows */
    struct lock lock;        /* RANK_NOTIFY */
    struct poll_dir dir[DIRS];
    struct waiter w[DIRS];
    struct file *file;       /* [list.lock] not counted; NULL once it is closed */
    uint64_t fd;             /* [list.lock] under which it was opened */
    struct poll_desc *next;  /* [list.lock] of the file, or of the free list */
};

static struct {
    struct lock lock;
    struct poll_desc *free;
} list = {.lock = LOCK_INIT("polldescs", RANK_FILE)};

static int64_t check_locked(const struct poll_desc *pd, unsigned d)
{
    uint32_t s = pd->seen.state[d];

    return s & SEEN_CLOSING ? POLL_CLOSING : s & SEEN_PASSED ? POLL_TIMEOUT : POLL_OK;
}

static void state_set_locked(struct poll_desc *pd, unsigned d, uint32_t bit, bool on)
{
    uint32_t s = pd->seen.state[d];

    __atomic_store_n(&pd->seen.state[d], on ? s | bit : s & ~bit, __ATOMIC_RELAXED);
}

static void deadline_store_locked(struct poll_desc *pd, unsigned d, int64_t when)
{
    __atomic_store_n(&pd->seen.deadline[d], when, __ATOMIC_RELAXED);
    state_set_locked(pd, d, SEEN_PASSED, when < 0);
}

static void poll_woken(struct g *gp)
{
    struct poll_wait_frame *f = g_gate_frame(gp);

    f->result = (int64_t)gp->wake_result;
}

/* Takes the goroutine that waits in direction d off the descriptor and gives it its result;
 * NULL if none waits. */
static struct g *release_locked(struct poll_desc *pd, unsigned d, int64_t result)
{
    struct g *gp = pd->dir[d].waiting;

    if (gp)
        g_wake_with(gp, poll_woken, (uint64_t)result);
    pd->dir[d].waiting = NULL;
    return gp;
}

/* The waiter's event. */
static bool desc_event(struct waiter *w)
{
    struct poll_desc *pd = w->owner;
    unsigned d = (unsigned)(w - pd->w);

    lock(&pd->lock);
    struct g *gp = release_locked(pd, d, check_locked(pd, d));
    if (!gp)
        state_set_locked(pd, d, SEEN_READY, true);
    unlock(&pd->lock);
    if (gp)
        g_ready(gp);
    return true;
}

static void deadline_passed(void *arg)
{
    struct poll_dir *dir = arg;
    struct poll_desc *pd = dir->pd;
    unsigned d = (unsigned)(dir - pd->dir);
    struct g *gp = NULL;

    lock(&pd->lock);
    if (pd->seen.deadline[d] > 0 && clock_mono_ns() >= pd->seen.deadline[d]) {
        deadline_store_locked(pd, d, -1);
        gp = release_locked(pd, d, POLL_TIMEOUT);
    }
    unlock(&pd->lock);
    if (gp)
        g_ready(gp);
}

static struct poll_desc *desc_new(void)
{
    lock(&list.lock);
    struct poll_desc *pd = list.free;
    if (pd)
        list.free = pd->next;
    unlock(&list.lock);
    if (pd)
        return pd;
    pd = os_alloc(sizeof *pd);
    if (!pd)
        return NULL;
    lock_init(&pd->lock, "polldesc", RANK_NOTIFY);
    for (unsigned d = 0; d < DIRS; d++) {
        pd->dir[d].pd = pd;
        pd->dir[d].timer = os_timer_new(deadline_passed, &pd->dir[d]);
        pd->w[d].owner = pd;
        pd->w[d].event = desc_event;
        if (!pd->dir[d].timer) {
            if (d)
                os_timer_free(pd->dir[0].timer);
            os_free(pd, sizeof *pd);
            return NULL;
        }
    }
    return pd;
}

/* False: this descriptor of the file is polled already. */
static bool file_link(struct file *f, struct poll_desc *pd, uint64_t fd)
{
    lock(&list.lock);
    const struct poll_desc *other = f->pds;
    while (other && other->fd != fd)
        other = other->next;
    if (!other) {
        pd->file = f;
        pd->fd = fd;
        pd->next = f->pds;
        f->pds = pd;
    }
    unlock(&list.lock);
    return !other;
}

static void desc_free(struct poll_desc *pd)
{
    lock(&list.lock);
    pd->next = list.free;
    list.free = pd;
    unlock(&list.lock);
}

/* A descriptor for the file, which the caller holds. 0 or an error. */
static int desc_open(struct file *file, uint64_t fd, struct poll_desc **out)
{
    struct poll_desc *pd = file->ops && file->ops->queue ? desc_new() : NULL;

    if (!pd)
        return file->ops && file->ops->queue ? L_ENOMEM : L_EPERM;
    if (!file_link(file, pd, fd)) {
        desc_free(pd);
        return L_EEXIST;
    }
    pd->seen = (struct poll_seen){{0}, {0}};
    for (unsigned d = 0; d < DIRS; d++)
        waiter_add(file->ops->queue(file, d == DIR_WRITE), &pd->w[d]);
    unsigned now = file->ops->poll(file);
    lock(&pd->lock);
    if (now & (L_POLLIN | L_POLLHUP | L_POLLERR))
        state_set_locked(pd, DIR_READ, SEEN_READY, true);
    if (now & (L_POLLOUT | L_POLLHUP | L_POLLERR))
        state_set_locked(pd, DIR_WRITE, SEEN_READY, true);
    unlock(&pd->lock);
    *out = pd;
    return 0;
}

void rt_poll_open(struct poll_open_frame *f)
{
    struct file *file = fd_get((int64_t)f->fd);
    struct poll_desc *pd = NULL;

    f->err = file ? desc_open(file, f->fd, &pd) : L_EBADF;
    f->ctx = (uintptr_t)pd;
    if (file)
        file_put(file);
}

static void unlink_locked(struct poll_desc *pd)
{
    if (!pd->file)
        return;
    struct poll_desc **pp = &pd->file->pds;
    while (*pp != pd)
        pp = &(*pp)->next;
    *pp = pd->next;
    pd->file = NULL;
    waiter_remove(&pd->w[DIR_READ]);
    waiter_remove(&pd->w[DIR_WRITE]);
}

void poll_file_closed(struct file *f)
{
    lock(&list.lock);
    while (f->pds)
        unlink_locked(f->pds);
    unlock(&list.lock);
}

void rt_poll_close(struct poll_close_frame *f)
{
    struct poll_desc *pd = (void *)f->ctx;

    os_timer_set(pd->dir[DIR_READ].timer, 0);
    os_timer_set(pd->dir[DIR_WRITE].timer, 0);
    lock(&list.lock);
    unlink_locked(pd);
    pd->next = list.free;
    list.free = pd;
    unlock(&list.lock);
}

static unsigned dir_of(int64_t mode) { return mode == 'w' ? DIR_WRITE : DIR_READ; }

void rt_poll_reset(struct poll_reset_frame *f)
{
    struct poll_desc *pd = (void *)f->ctx;
    unsigned d = dir_of(f->mode);

    lock(&pd->lock);
    f->result = check_locked(pd, d);
    if (f->result == POLL_OK)
        state_set_locked(pd, d, SEEN_READY, false);
    unlock(&pd->lock);
}

void rt_poll_wait(struct poll_wait_frame *f)
{
    struct poll_desc *pd = (void *)f->ctx;
    unsigned d = dir_of(f->mode);

    lock(&pd->lock);
    f->result = f->canceled ? POLL_OK : check_locked(pd, d);
    if (f->result == POLL_OK && !(pd->seen.state[d] & SEEN_READY)) {
        if (pd->dir[d].waiting) {
            unlock(&pd->lock);
            /* a bug of the caller's, as in Go's runtime: internal/poll waits once per direction */
            rt_throw("runtime: double wait");
        }
        pd->dir[d].waiting = g_calling();
        g_park_g0(g_calling(), &pd->lock, WAIT_IO);
    }
    if (f->result == POLL_OK)
        state_set_locked(pd, d, SEEN_READY, false);
    unlock(&pd->lock);
}

/* d: ns from now, 0 = none, negative = passed. */
static struct g *deadline_set_locked(struct poll_desc *pd, unsigned i, int64_t d)
{
    int64_t when = d < 0 ? -1 : 0;

    if (d > 0 && __builtin_add_overflow(clock_mono_ns(), d, &when))
        when = INT64_MAX;
    deadline_store_locked(pd, i, when);
    os_timer_set(pd->dir[i].timer, d > 0 ? when : 0);
    return d < 0 ? release_locked(pd, i, check_locked(pd, i)) : NULL;
}

void rt_poll_set_deadline(struct poll_set_deadline_frame *f)
{
    struct poll_desc *pd = (void *)f->ctx;
    struct g *wake[DIRS] = {NULL, NULL};

    lock(&pd->lock);
    if (!(pd->seen.state[DIR_READ] & SEEN_CLOSING)) {
        if (f->mode != 'w')
            wake[DIR_READ] = deadline_set_locked(pd, DIR_READ, f->d);
        if (f->mode != 'r')
            wake[DIR_WRITE] = deadline_set_locked(pd, DIR_WRITE, f->d);
    }
    unlock(&pd->lock);
    for (unsigned i = 0; i < DIRS; i++)
        if (wake[i])
            g_ready(wake[i]);
}

void rt_poll_unblock(struct poll_unblock_frame *f)
{
    struct poll_desc *pd = (void *)f->ctx;
    struct g *wake[DIRS];

    lock(&pd->lock);
    for (unsigned i = 0; i < DIRS; i++) {
        deadline_store_locked(pd, i, 0);
        state_set_locked(pd, i, SEEN_CLOSING, true);
        os_timer_set(pd->dir[i].timer, 0);
        wake[i] = release_locked(pd, i, POLL_CLOSING);
    }
    unlock(&pd->lock);
    for (unsigned i = 0; i < DIRS; i++)
        if (wake[i])
            g_ready(wake[i]);
}
