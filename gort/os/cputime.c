/* cputime.c - CPU time, and what is told of it: getrusage(2), times(2). */
#include "gort/os/cputime.h"

#include "arch/x86_64/arch.h"
#include "gort/os/sys.h"
#include "gort/sched/sched.h"
#include "kernel/clock.h"
#include "mm/mm.h"

enum { RUSAGE_CHILDREN = -1, RUSAGE_SELF, RUSAGE_THREAD };

int64_t cputime_idle(unsigned i) { return (int64_t)cpu_idle_ns(cpus[i], clock_mono_ns()); }

int64_t cputime_of(unsigned i)
{
    int64_t now = clock_mono_ns(), busy = now - (int64_t)cpu_idle_ns(cpus[i], now);

    return busy > 0 ? busy : 0;
}

int64_t cputime_all(void)
{
    int64_t busy = 0;

    for (unsigned i = 0; i < ncpu; i++)
        busy += cputime_of(i);
    return busy;
}

struct switches switches_of(unsigned thread)
{
    struct switches n = {0};

    for (unsigned i = 0; i < ncpu; i++)
        if (!thread || thread == i + 1)
            n.taken += __atomic_load_n(&cpus[i]->preempts, __ATOMIC_RELAXED);
    uint64_t all = thread ? 0 : sched_switches();
    n.given = all > n.taken ? all - n.taken : 0;
    return n;
}

/* All of it is user time: nothing tells when a CPU is in a gate. */
int64_t sys_getrusage(struct call *c)
{
    struct l_rusage u = {0};
    struct mm_stats mm;
    int who = (int32_t)c->a[0];

    if (who < RUSAGE_CHILDREN || who > RUSAGE_THREAD)
        return -L_EINVAL;
    if (who != RUSAGE_CHILDREN) { /* there are none */
        int64_t busy = who == RUSAGE_SELF ? cputime_all() : cputime_of(cpu_self()->id);
        u.utime = (struct l_timeval){busy / 1000000000, busy / 1000 % 1000000};
        mm_stats_read(&mm);
        struct switches n = switches_of(who == RUSAGE_SELF ? 0 : cpu_self()->id + 1);
        u.rest[0] = (int64_t)(mm.most_used >> 10); /* maxrss */
        u.rest[12] = (int64_t)n.given;             /* nvcsw */
        u.rest[13] = (int64_t)n.taken;             /* nivcsw */
    }
    return copy_out(c, c->a[1], &u, sizeof u);
}

int64_t sys_times(struct call *c)
{
    int64_t t[4] = {cputime_all() / 10000000, 0, 0, 0};

    return c->a[0] && copy_out(c, c->a[0], t, sizeof t) ? -L_EFAULT : clock_mono_ns() / 10000000;
}
