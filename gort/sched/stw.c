/* stw.c - stopping the world: every P but the caller's stands still, at a safe point.
 *
 * A P stops where it passes sched_stop_here: in schedule(), or in a gate that is to stop
 * the world itself and has to wait for its turn. Running goroutines get there by a
 * preemption, which is sent again while the stopper waits: an IPI that met an unsafe
 * instruction has only set the goroutine's guard. */
#include "arch/x86_64/arch.h"
#include "gort/sched/hooks.h"
#include "gort/sched/metrics.h"
#include "gort/sched/preempt.h"
#include "gort/sched/sched.h"
#include "kernel/clock.h"

#define RESEND_NS 200000ll

/* Counts the Ps that run, the caller's aside, and asks their CPUs. */
static void preempt_running(void)
{
    struct p *mine = p_self();

    for (unsigned i = 0; i < gomaxprocs; i++) {
        struct p *p = allp[i];
        struct m *mp = __atomic_load_n(&p->m, __ATOMIC_ACQUIRE);
        if (p != mine && mp && __atomic_load_n(&p->status, __ATOMIC_ACQUIRE) == P_RUNNING)
            preempt_cpu(mp->cpu->id);
    }
}

/* A P that is being handed to an idle M (nextp) counts as running: its M stops it. */
static unsigned count_running(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < gomaxprocs; i++)
        if (allp[i] != p_self() &&
            __atomic_load_n(&allp[i]->status, __ATOMIC_ACQUIRE) == P_RUNNING)
            n++;
    return n;
}

static bool try_begin(void)
{
    lock(&sched.lock);
    bool mine = !sched.stopping;
    if (mine) {
        __atomic_store_n(&sched.stopping, 1, __ATOMIC_SEQ_CST);
        sched.stopper = m_self();
    }
    unlock(&sched.lock);
    return mine;
}

static enum stw_reason stopped_why; /* [stopper] */
static int64_t stopped_since;       /* [stopper] when the stopping began */

/* The collector counts its own pauses: they are not whole stops. */
static bool for_gc(enum stw_reason why)
{
    return why == STW_GC_SWEEP_TERM || why == STW_GC_MARK_TERM;
}

int64_t stw_begin(enum stw_reason why)
{
    while (!try_begin())
        sched_stop_mid_gate();
    int64_t start = clock_mono_ns();
    stopped_why = why;
    stopped_since = start;
    preempt_running();
    int64_t sent = clock_mono_ns();
    while (count_running() != 0) {
        cpu_relax();
        if (clock_mono_ns() - sent > RESEND_NS) {
            preempt_running();
            sent = clock_mono_ns();
        }
    }
    int64_t took = clock_mono_ns() - start;
    if (!for_gc(why))
        time_hist_add(&sched_metrics.stopping_other, took);
    return took;
}

int64_t stw_end(void)
{
    if (!for_gc(stopped_why))
        time_hist_add(&sched_metrics.pauses_other, clock_mono_ns() - stopped_since);
    lock(&sched.lock);
    sched.stopper = NULL;
    __atomic_store_n(&sched.stopping, 0, __ATOMIC_SEQ_CST);
    unlock(&sched.lock);
    int64_t now = clock_mono_ns();
    for (unsigned i = 0; i < ncpu; i++) {
        struct m *mp = allm[i];
        if (mp && mp != m_self())
            m_wake(mp);
    }
    return now;
}

/* The P may be taken away while it stands here: GOMAXPROCS shrinks, and the P then has no M or
 * another one. The caller sees cpu_self()->p == NULL then. Only its own CPU writes cpu->p, and only
 * outside of interrupts: what the handlers of this CPU have read of it stays so until they end. */
void sched_stop_here(void)
{
    struct cpu *c = cpu_self();
    bool running = false;

    if (!c->p)
        return;
    __atomic_store_n(&c->p->status, P_GCSTOP, __ATOMIC_SEQ_CST);
    while (!running) {
        __atomic_store_n(&c->m->wake, 0, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&sched.stopping, __ATOMIC_SEQ_CST))
            cpu_idle(&c->m->wake);
        lock(&sched.lock);
        if (c->p->m != c->m) {
            c->p = NULL;
            running = true;
        } else if (!sched.stopping) {
            __atomic_store_n(&c->p->status, P_RUNNING, __ATOMIC_SEQ_CST);
            running = true;
        }
        unlock(&sched.lock);
    }
    if (c->p) /* the stop may have been a cycle's last */
        sched_hooks.p_ready(c->p);
}

void sched_stop_mid_gate(void)
{
    sched_stop_here();
    if (!cpu_self()->p)
        sched_regain_p();
}
