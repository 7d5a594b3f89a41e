/* gstatus.c - the status of goroutines, and how long they wait. */
#include "arch/x86_64/arch.h"
#include "gort/sched/metrics.h"
#include "gort/sched/sched.h"
#include "kernel/clock.h"

struct sched_metrics sched_metrics;

/* runtime/metrics' times of waiting: after one stop in TRACK_PERIOD a goroutine is tracked
 * until it runs again. Called before the change, while gp is the caller's. */
static void track(struct g *gp, uint32_t from, uint32_t to)
{
    int64_t now = clock_mono_ns();

    if (from == G_RUNNABLE)
        gp->runnable_ns += now - gp->track_since;
    else if (from == G_WAITING && waits_for_mutex(gp))
        __atomic_add_fetch(&sched_metrics.mutex_wait_ns, (now - gp->track_since) * TRACK_PERIOD,
                           __ATOMIC_RELAXED);
    gp->track_since = now;
    if (from == G_RUNNABLE && to == G_RUNNING) {
        gp->tracking = false;
        time_hist_add(&sched_metrics.latencies, gp->runnable_ns);
        gp->runnable_ns = 0;
    }
}

/* The collector may hold G_SCAN for a moment: wait it out. */
void g_status_set_slow(struct g *gp, uint32_t from, uint32_t to)
{
    if (gp->tracking)
        track(gp, from, to);
    for (unsigned spins = 0;; spins++) {
        uint32_t seen = from;
        if (__atomic_compare_exchange_n(&gp->status, &seen, to, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
            return;
        CHECK(seen == (from | G_SCAN), "goroutine %lu: status %u where %u was due (to %u)",
              gp->goid, seen, from, to);
        CHECK(spins < 1000000000u, "goroutine %lu: the collector keeps its stack", gp->goid);
        cpu_relax();
    }
}
