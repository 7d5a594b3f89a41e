/* suspend.c - stopping one goroutine at a safe point, for scanning its stack.
 *
 * The suspender owns the stack once it has set G_SCAN in a status that is not running:
 *
 *   RUNNABLE, WAITING, SYSCALL  -> the same | G_SCAN
 *   RUNNING  -> (asked by IPI, preempt_stop) PREEMPTED -> WAITING | G_SCAN
 *   COPYSTACK                   -> wait
 *
 * g_status_set waits while G_SCAN is there, so the goroutine cannot start to run meanwhile.
 * The suspender may itself be asked to stop by another one; it is on g0 in a gate, where its
 * own goroutine's stack is consistent, and its status RUNNING would make the other wait for
 * ever: so two suspenders must not wait for each other. Callers run in a gate of a goroutine
 * whose status they have made WAITING (as a mark worker does), or with the world stopped. */
#include "arch/x86_64/arch.h"
#include "gort/sched/sched.h"
#include "kernel/clock.h"

#define RESEND_NS 100000ll

static bool status_cas(struct g *gp, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&gp->status, &from, to, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

/* Asks the running gp, wherever it runs. G_SCAN keeps it from leaving RUNNING in between: were
 * it to exit, the mark would stop the next goroutine of this g, with nobody to let it go. */
static void request_stop(struct g *gp)
{
    struct m *mp = __atomic_load_n(&gp->m, __ATOMIC_ACQUIRE);

    if (!status_cas(gp, G_RUNNING, G_RUNNING | G_SCAN))
        return;
    __atomic_store_n(&gp->preempt_stop, true, __ATOMIC_SEQ_CST);
    CHECK(status_cas(gp, G_RUNNING | G_SCAN, G_RUNNING),
          "goroutine %lu in status %#x while it is asked to stop", gp->goid, gp->status);
    if (mp && __atomic_load_n(&mp->curg, __ATOMIC_ACQUIRE) == gp)
        preempt_cpu(mp->cpu->id);
}

int suspend_g_try(struct g *gp, uint32_t *was, int64_t *asked)
{
    uint32_t s = g_status(gp);

    switch (s) {
    case G_DEAD:
    case G_IDLE:
        return 0;
    case G_RUNNABLE:
    case G_WAITING:
    case G_SYSCALL:
    case G_PREEMPTED:
        if (!status_cas(gp, s, (s == G_PREEMPTED ? G_WAITING : s) | G_SCAN))
            return -1;
        __atomic_store_n(&gp->preempt_stop, false, __ATOMIC_SEQ_CST);
        *was = s;
        return 1;
    case G_RUNNING:
        if (clock_mono_ns() - *asked > RESEND_NS) {
            request_stop(gp);
            *asked = clock_mono_ns();
        }
        return -1;
    default: /* COPYSTACK, or another suspender's G_SCAN */
        return -1;
    }
}

void resume_g(struct g *gp, uint32_t was)
{
    if (was == G_PREEMPTED) {
        CHECK(status_cas(gp, G_WAITING | G_SCAN, G_WAITING),
              "resume of goroutine %lu in status %#x", gp->goid, gp->status);
        g_ready_tail(gp);
        return;
    }
    CHECK(status_cas(gp, was | G_SCAN, was), "resume of goroutine %lu in status %#x, was %#x",
          gp->goid, gp->status, was);
}
