/* timerfd.c - timers that are descriptors: timerfd_create(2).
 *
 * A periodic timer is not armed again when it goes off, but when somebody looks at it: then the
 * ticks that have passed meanwhile are counted. So one that nobody reads costs nothing. */
#include "gort/os/mem.h"
#include "gort/os/ostimer.h"
#include "gort/os/sys.h"
#include "gort/time/wall.h"
#include "kernel/clock.h"

#define TFD_ABSTIME       1u
#define TFD_CANCEL_ON_SET 2u

enum { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_BOOTTIME = 7 };

/* Never freed: a timer that fires late still finds a struct timerfd, and looks at `when`. */
struct timerfd {
    struct lock lock;        /* RANK_FILE */
    int64_t when;            /* [lock] clock_mono_ns of the next tick; 0: disarmed */
    int64_t interval;        /* [lock] ns, 0 = once */
    uint64_t ticks;          /* [lock] not yet read */
    bool armed;              /* [lock] the timer runs for `when` */
    bool wall;               /* [const while open] absolute times are of the wall clock */
    struct waitq rq;
    void *timer;             /* [const] */
    struct timerfd *next;    /* [pool.lock] */
};

static struct {
    struct lock lock;
    struct timerfd *free;
} pool = {.lock = LOCK_INIT("timerfds", RANK_FILE)};

static const struct file_ops timer_ops;

static void arm_locked(struct timerfd *t)
{
    t->armed = t->when != 0;
    os_timer_set(t->timer, t->when);
}

/* Counts what has passed. */
static void advance_locked(struct timerfd *t)
{
    int64_t now = clock_mono_ns();

    if (!t->when || now < t->when)
        return;
    uint64_t n = t->interval ? (uint64_t)((now - t->when) / t->interval) + 1 : 1;
    t->ticks += n;
    t->armed = false;
    if (!t->interval ||
        __builtin_add_overflow(t->when, (int64_t)n * t->interval, &t->when))
        t->when = 0;
}

/* Timer: g0, no locks. */
static void tick(void *arg)
{
    struct timerfd *t = arg;

    lock(&t->lock);
    advance_locked(t);
    bool ticks = t->ticks != 0;
    unlock(&t->lock);
    if (ticks)
        queue_wake(&t->rq);
    calls_run();
}

static int64_t timer_read(struct file *f, void *buf, size_t n)
{
    struct timerfd *t = f->priv;
    int64_t r = -L_EAGAIN;

    if (n < sizeof t->ticks)
        return -L_EINVAL;
    lock(&t->lock);
    advance_locked(t);
    if (t->ticks)
        r = user_copy(buf, &t->ticks, sizeof t->ticks) ? -L_EFAULT : (int64_t)sizeof t->ticks;
    if (r > 0)
        t->ticks = 0;
    if (!t->ticks && t->when && !t->armed)
        arm_locked(t);
    unlock(&t->lock);
    return r;
}

static int64_t timer_write(struct file *f, const void *buf, size_t n)
{
    (void)f, (void)buf, (void)n;
    return -L_EINVAL;
}

static unsigned timer_poll(struct file *f)
{
    struct timerfd *t = f->priv;

    lock(&t->lock);
    unsigned r = t->ticks ? L_POLLIN : 0;
    unlock(&t->lock);
    return r;
}

static struct waitq *timer_queue(struct file *f, bool write)
{
    (void)write; /* never writable: nobody waits for that alone */
    return &((struct timerfd *)f->priv)->rq;
}

static void pool_put(struct timerfd *t)
{
    lock(&pool.lock);
    t->next = pool.free;
    pool.free = t;
    unlock(&pool.lock);
}

static void timer_release(struct file *f)
{
    struct timerfd *t = f->priv;

    lock(&t->lock);
    t->when = 0;
    t->armed = false;
    os_timer_set(t->timer, 0);
    unlock(&t->lock);
    pool_put(t);
}

static const struct file_ops timer_ops = {
    .read = timer_read, .write = timer_write, .poll = timer_poll, .queue = timer_queue,
    .release = timer_release, .anon = "[timerfd]",
};

static struct timerfd *timerfd_new(void)
{
    lock(&pool.lock);
    struct timerfd *t = pool.free;
    if (t)
        pool.free = t->next;
    unlock(&pool.lock);
    if (t || !(t = os_alloc(sizeof *t)))
        return t;
    lock_init(&t->lock, "timerfd", RANK_FILE);
    waitq_init(&t->rq);
    t->timer = os_timer_new(tick, t);
    if (t->timer)
        return t;
    os_free(t, sizeof *t);
    return NULL;
}

int64_t sys_timerfd_create(struct call *c)
{
    uint32_t clock = (uint32_t)c->a[0];

    if (c->a[1] & ~(uint64_t)(L_O_CLOEXEC | L_O_NONBLOCK) ||
        (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME))
        return -L_EINVAL;
    struct timerfd *t = timerfd_new();
    if (!t)
        return -L_ENOMEM;
    t->wall = clock == CLOCK_REALTIME;
    t->interval = 0;
    t->ticks = 0;
    struct file *f = file_new_anon(0600, L_O_RDWR | (uint32_t)(c->a[1] & L_O_NONBLOCK),
                                   &timer_ops, t);
    if (!f) {
        pool_put(t);
        return -L_ENOMEM;
    }
    return fd_install(f, c->a[1] & L_O_CLOEXEC, 0);
}

/* *ns of a timespec, saturated; false: it is none. */
static bool spec_ns(struct l_timespec t, int64_t *ns)
{
    if (t.sec < 0 || t.nsec < 0 || t.nsec > 999999999)
        return false;
    if (__builtin_mul_overflow(t.sec, 1000000000, ns) || __builtin_add_overflow(*ns, t.nsec, ns))
        *ns = INT64_MAX;
    return true;
}

static struct l_timespec ns_spec(int64_t ns)
{
    return (struct l_timespec){ns / 1000000000, ns % 1000000000};
}

static struct l_itimerspec current_locked(struct timerfd *t)
{
    advance_locked(t);
    if (t->when && !t->armed)
        arm_locked(t);
    int64_t left = t->when ? t->when - clock_mono_ns() : 0;
    return (struct l_itimerspec){ns_spec(t->interval), ns_spec(t->when && left < 1 ? 1 : left)};
}

/* When a timer set now for `value` goes off; 0: disarmed. Before this moment is now. */
static int64_t due(const struct timerfd *t, int64_t value, bool absolute)
{
    int64_t now = clock_mono_ns(), when;

    if (!value)
        return 0;
    if (absolute)
        value -= t->wall ? wall_now() : now;
    if (value < 0)
        value = 0;
    return __builtin_add_overflow(now, value, &when) ? INT64_MAX : when;
}

/* The timer of descriptor fd, or NULL: *err says why. */
static struct timerfd *call_timer(struct call *c, int64_t *err)
{
    struct file *f = call_file(c, c->a[0]);

    *err = !f ? -L_EBADF : f->ops != &timer_ops ? -L_EINVAL : 0;
    return *err ? NULL : f->priv;
}

int64_t sys_timerfd_settime(struct call *c)
{
    struct l_itimerspec new, old;
    int64_t value, interval, err;

    if (copy_in(c, &new, c->a[2], sizeof new))
        return -L_EFAULT;
    if (c->a[1] & ~(uint64_t)(TFD_ABSTIME | TFD_CANCEL_ON_SET) || !spec_ns(new.value, &value) ||
        !spec_ns(new.interval, &interval))
        return -L_EINVAL;
    struct timerfd *t = call_timer(c, &err);
    if (!t)
        return err;
    lock(&t->lock);
    old = current_locked(t);
    t->ticks = 0;
    t->interval = interval;
    t->when = due(t, value, c->a[1] & TFD_ABSTIME);
    arm_locked(t);
    unlock(&t->lock);
    return c->a[3] && copy_out(c, c->a[3], &old, sizeof old) ? -L_EFAULT : 0;
}

int64_t sys_timerfd_gettime(struct call *c)
{
    int64_t err;
    struct timerfd *t = call_timer(c, &err);

    if (!t)
        return err;
    lock(&t->lock);
    struct l_itimerspec now = current_locked(t);
    bool ticks = t->ticks != 0;
    unlock(&t->lock);
    if (ticks) /* the timer that would have told may be set anew */
        queue_wake(&t->rq);
    return copy_out(c, c->a[1], &now, sizeof now);
}
