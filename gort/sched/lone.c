/* lone.c - halting, and how the only CPU of a machine does it: with its P.
 *
 * To give the P up and to take it again is a protocol between CPUs: who makes work looks for idle
 * Ps, and the idler looks at every queue once more (sched.h). Where one CPU has the one P there is
 * nobody else: work comes from interrupts alone, and these leave their mark in cpu->pending. So
 * the P stays RUNNING, and the M is on no list. Whether the program can ever go on is judged the
 * other way, by the last M to go idle: what may be a deadlock is left to that. */
#include "arch/x86_64/arch.h"
#include "gort/sched/hooks.h"
#include "gort/sched/sched.h"

/* A device's interrupt sets `pending` alone, not `wake`: if it came between a look at that and the
 * `hlt`, its packet would wait for the next interrupt. */
void sched_halt(struct m *mp)
{
    uint64_t fl = irq_save();

    if (!mp->cpu->pending || sched.frozen)
        cpu_idle(&mp->wake); /* on again, from its `hlt` on */
    irq_restore(fl);
}

bool sched_halt_alone(struct m *mp)
{
    bool polled = mp->net_polls;

    if (ncpu != 1 || gomaxprocs != 1 || sched.stopping || sched.frozen)
        return false;
    if (!sched.nextwait && program_timers_earliest() == INT64_MAX)
        return false;
    mp->wake = 0;
    if (polled && sched_hooks.net_rest())
        __atomic_or_fetch(&mp->cpu->pending, CPU_PENDING_NET, __ATOMIC_SEQ_CST);
    sched_timer_halt(polled);
    sched_halt(mp);
    mp->fresh_p = true;
    sched_timer_changed(NULL, sched_hooks.sample_due()); /* halting it was not sampled */
    return true;
}
