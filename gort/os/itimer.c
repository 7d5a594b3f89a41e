/* itimer.c - the one interval timer that raises a signal: setitimer(2), alarm(2).
 *
 * ITIMER_VIRTUAL and ITIMER_PROF are refused: package runtime/pprof needs none here. */
#include "gort/os/ostimer.h"
#include "gort/os/signal.h"
#include "gort/os/sys.h"
#include "kernel/clock.h"

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
enum { L_SIGALRM = 14 };

struct l_itimerval { struct l_timeval interval, value; };

static struct {
    struct lock lock;      /* RANK_FILE */
    int64_t when;          /* [lock] clock_mono_ns; 0: not running */
    int64_t interval;      /* [lock] ns, 0 = once */
    void *timer;           /* [lock] made when first needed */
} it = {.lock = LOCK_INIT("itimer", RANK_FILE)};

/* Timer: g0, no locks. Ticks that were missed are one. */
static void expired(void *arg)
{
    (void)arg;
    lock(&it.lock);
    int64_t now = clock_mono_ns();
    bool due = it.when && now >= it.when;
    if (due && it.interval)
        it.when += ((now - it.when) / it.interval + 1) * it.interval;
    else if (due)
        it.when = 0;
    if (due)
        os_timer_set(it.timer, it.when);
    unlock(&it.lock);
    if (due)
        signal_raise(L_SIGALRM);
}

static struct l_timeval ns_val(int64_t ns)
{
    return (struct l_timeval){ns / 1000000000, ns / 1000 % 1000000};
}

static bool val_ns(struct l_timeval v, int64_t *ns)
{
    if (v.sec < 0 || v.usec < 0 || v.usec > 999999)
        return false;
    if (__builtin_mul_overflow(v.sec, 1000000000, ns) ||
        __builtin_add_overflow(*ns, v.usec * 1000, ns))
        *ns = INT64_MAX / 4;
    if (*ns > INT64_MAX / 4)
        *ns = INT64_MAX / 4;
    return true;
}

/* What is left, at least a microsecond of a timer that runs. */
static struct l_itimerval left_locked(void)
{
    int64_t left = it.when ? it.when - clock_mono_ns() : 0;

    if (it.when && left < 1000)
        left = 1000;
    return (struct l_itimerval){ns_val(it.interval), ns_val(left)};
}

/* 0, or -L_ENOMEM. */
static int set(int64_t value, int64_t interval, struct l_itimerval *old)
{
    lock(&it.lock);
    if (!it.timer)
        it.timer = os_timer_new(expired, NULL);
    if (it.timer) {
        *old = left_locked();
        it.interval = interval;
        it.when = value ? clock_mono_ns() + value : 0;
        os_timer_set(it.timer, it.when);
    }
    unlock(&it.lock);
    return it.timer ? 0 : -L_ENOMEM;
}

int64_t sys_setitimer(struct call *c)
{
    struct l_itimerval new = {0}, old;
    int64_t value, interval;

    if (c->a[1] && copy_in(c, &new, c->a[1], sizeof new))
        return -L_EFAULT;
    if ((int32_t)c->a[0] != ITIMER_REAL || !val_ns(new.value, &value) ||
        !val_ns(new.interval, &interval))
        return -L_EINVAL;
    int err = set(value, interval, &old);
    if (err)
        return err;
    return c->a[2] && copy_out(c, c->a[2], &old, sizeof old) ? -L_EFAULT : 0;
}

int64_t sys_getitimer(struct call *c)
{
    struct l_itimerval now = {0};
    uint32_t which = (uint32_t)c->a[0];

    if (which > ITIMER_PROF)
        return -L_EINVAL;
    lock(&it.lock);
    if (which == ITIMER_REAL)
        now = left_locked();
    unlock(&it.lock);
    return copy_out(c, c->a[1], &now, sizeof now);
}

/* Seconds that were left of the earlier alarm, rounded; never 0 of one that runs. */
int64_t sys_alarm(struct call *c)
{
    struct l_itimerval old;
    int err = set((int64_t)(uint32_t)c->a[0] * 1000000000, 0, &old);

    if (err)
        return err;
    int64_t s = old.value.sec + (old.value.usec >= 500000);
    return !s && old.value.usec ? 1 : s;
}
