/* preempt.c - what interrupts do to the runtime: the APIC timer and IPIs in the place of
 * SIGURG; for exceptions see fault.c.
 *
 * Everything called *_irq runs in interrupt context: no locks, no FPU, only atomic flags of
 * this CPU and the trap frame. (Makefile: compiled with -mgeneral-regs-only.) */
#include "gort/sched/preempt.h"
#include "arch/x86_64/arch.h"
#include "gort/abi/app.h"
#include "gort/sched/background.h"
#include "gort/sched/hooks.h"
#include "gort/sched/runq.h"
#include "gort/sched/sched.h"
#include "gort/sched/stall.h"
#include "gort/stack/symtab.h"
#include "kernel/clock.h"
#include "kernel/options.h"

/* Room that asyncPreempt, the gate behind it and a stack check need below the interrupted
 * stack pointer: 17 words pushed plus the calls. */
#define ASYNC_PREEMPT_ROOM 256

#define WASTE_NS  20000000ll
#define STRESS_US 200 /* tick of the boot option preemptstress */

static int64_t sooner(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- asynchronous preemption ------------------------------------------------------------- */

/* May the goroutine be stopped exactly at this instruction? Its registers would be saved on
 * its stack and scanned conservatively, so all that matters is that the code keeps no
 * half-done business with the runtime: no runtime package, no assembly, no sequence that the
 * compiler has marked (write barriers), and room on the stack. */
static bool is_async_safe_point(const struct g *gp, const struct trap_frame *tf)
{
    const struct m *mp = gp->m;

    if (!mp || mp->locks || mp->mallocing || !cpu_self()->p)
        return false;
    if (tf->rsp < gp->stack.lo + ASYNC_PREEMPT_ROOM || tf->rsp > gp->stack.hi)
        return false;
    return symtab_async_safe(tf->rip);
}

void inject_call_irq(struct trap_frame *tf, uintptr_t target)
{
    tf->rsp -= 8;
    *(uint64_t *)tf->rsp = tf->rip;
    tf->rip = target;
}

/* Asks the goroutine that this CPU runs to yield: at its next prologue, and at once if the
 * interrupted instruction is a safe point (then the frame is changed and true returned). */
static bool preempt_here_irq(struct trap_frame *tf)
{
    struct cpu *c = cpu_self();
    struct g *gp = c->curg;

    if (!gp)
        return false;
    __atomic_store_n(&gp->preempt, true, __ATOMIC_RELAXED);
    __atomic_store_n(&gp->stackguard0, STACK_PREEMPT, __ATOMIC_RELAXED);
    if (!g_is_go(gp))
        return gp->kind->preempt_irq(gp, tf);
    if (!app_is_text(tf->rip) || app->debug->asyncpreemptoff || !is_async_safe_point(gp, tf))
        return false;
    inject_call_irq(tf, app->async_preempt);
    return true;
}

void preempt_after_fault(struct trap_frame *tf)
{
    const struct cpu *c = cpu_self();

    if (!(__atomic_load_n(&c->pending, __ATOMIC_RELAXED) & CPU_PENDING_PREEMPT) ||
        !g_is_go(c->curg))
        return;
    uint64_t flags = irq_save();
    preempt_here_irq(tf);
    irq_restore(flags);
}

int64_t sched_tick_ns(void)
{
    if (options.stallwatch)
        return STALL_TICK_US * 1000;
    if (!options.preemptstress)
        return SLICE_NS;
    return (int64_t)(options.preempttick ? options.preempttick : STRESS_US) * 1000;
}

/* When the next timer interrupt is due on this CPU; the running goroutine keeps a tick. */
static int64_t next_deadline_irq(int64_t now, bool running)
{
    int64_t t = sched_timers_earliest();

    if (running && t > now + sched_tick_ns())
        t = now + sched_tick_ns();
    return t;
}

static void arm_irq(struct m *mp, int64_t when)
{
    int64_t sample = sched_hooks.sample_due();

    if (when > sample)
        when = sample;
    mp->armed = when;
    timer_arm(when == INT64_MAX ? 0 : when);
}

/* A preemption that found an unsafe instruction is tried again soon. */
#define RETRY_NS 100000ll
#define LATE_NS       50000ll   /* after this, at a retry, others are to do what is due */
#define LATE_AGAIN_NS 1000000ll

/* Wakes one idle CPU, if there is one, with these CPU_PENDING_* bits set; it looks for work. */
static void kick_idle_irq(uint32_t pending)
{
    for (unsigned i = 0; i < ncpu; i++)
        if (allm[i] && __atomic_load_n(&allm[i]->idle, __ATOMIC_RELAXED)) {
            if (pending)
                __atomic_or_fetch(&allm[i]->cpu->pending, pending, __ATOMIC_SEQ_CST);
            m_wake(allm[i]);
            return;
        }
}

/* Has runnext waited too long for this CPU? See wake_soon in sched.c. */
static void wake_check_irq(struct p *p, int64_t now)
{
    if (!p->wake_at || p->wake_at > now)
        return;
    if (!__atomic_load_n(&p->runnext, __ATOMIC_RELAXED)) {
        p->wake_at = 0;
    } else if (p->picks != p->wake_picks) { /* another goroutine than last time */
        p->wake_picks = p->picks;
        p->wake_at = now + WAKE_DELAY_NS;
    } else {
        p->wake_at = 0;
        kick_idle_irq(0);
    }
}

/* Passes `work` that is due here to an idle CPU while this CPU cannot do it, because its goroutine
 * is in the middle of something (a copy of many MB, a loop with asyncpreemptoff=1). */
static void pass_on_irq(struct p *p, uint32_t work, int64_t now)
{
    if (!work) {
        p->late_at = 0;
    } else if (!p->late_at) {
        p->late_at = now + LATE_NS;
    } else if (now >= p->late_at) {
        if (work & CPU_PENDING_TIMER)
            __atomic_store_n(&p->timers_late, 1, __ATOMIC_SEQ_CST);
        kick_idle_irq(work);
        p->late_at = now + LATE_AGAIN_NS;
    }
}

/* Does a CPU sleep with nobody about to wake it? (One on its way to sleep still looks round.) */
static bool somebody_idles_irq(void)
{
    for (unsigned i = 0; i < ncpu; i++) {
        const struct m *mp = allm[i];
        if (mp && __atomic_load_n(&mp->idle, __ATOMIC_RELAXED) && cpu_halts(mp->cpu) &&
            !__atomic_load_n(&mp->kicked, __ATOMIC_RELAXED) && !mp->wake)
            return true;
    }
    return false;
}

/* Does a goroutine wait that somebody should be woken for? One in runnext alone is this CPU's own
 * for WAKE_DELAY_NS: it counts if this P has picked none since the last look. */
static bool work_waits_irq(struct p *p)
{
    bool picked = p->picks != p->waste_picks;

    p->waste_picks = p->picks;
    if (__atomic_load_n(&sched.runq_size, __ATOMIC_RELAXED) ||
        __atomic_load_n(&p->runq_head, __ATOMIC_RELAXED) != p->runq_tail)
        return true;
    return __atomic_load_n(&p->runnext, __ATOMIC_RELAXED) && !picked;
}

/* The boot option conserve, at a tick of a busy CPU. A tick may fall between the queueing of work
 * and the waking of a CPU for it; three of them over 20 ms do not. */
static void check_conservation_irq(struct p *p, int64_t now)
{
    if (!work_waits_irq(p) || !__atomic_load_n(&sched.npidle, __ATOMIC_RELAXED) ||
        __atomic_load_n(&sched.nmspinning, __ATOMIC_RELAXED) || sched.stopping ||
        !somebody_idles_irq()) {
        p->waste_ticks = 0;
        return;
    }
    if (p->waste_ticks++ == 0)
        p->waste_since = now;
    CHECK(p->waste_ticks < 3 || now - p->waste_since <= WASTE_NS,
          "a CPU has been idle for %ld us while %u goroutines wait at P %u and %u in the global "
          "queue", (long)(now - p->waste_since) / 1000, runq_len(p), p->id, sched.runq_size);
}

/* Does anybody wait for this CPU whom schedule() would come to, or has it anything else to do? A
 * goroutine that computes alone keeps its CPU past its slice: to queue it would wake another CPU,
 * which takes it away or comes for nothing. What is queued later finds the slice over at the next
 * tick. A mark worker (not RUNNING: it stands in its gate) asks at its slice's end anew what it is
 * to be. */
static bool somebody_waits_irq(const struct cpu *c, struct p *p)
{
    return __atomic_load_n(&sched.runq_size, __ATOMIC_RELAXED) ||
           __atomic_load_n(&p->runq_head, __ATOMIC_RELAXED) != p->runq_tail ||
           __atomic_load_n(&p->runnext, __ATOMIC_RELAXED) ||
           __atomic_load_n(&c->m->lockq, __ATOMIC_RELAXED) || c->m->net_polls ||
           __atomic_load_n(&sched.handoff, __ATOMIC_RELAXED) ||
           background_next() == BACKGROUND_ASKED || g_status(c->curg) != G_RUNNING;
}

/* Slices: is the running goroutine to give way, to others, or to what schedule() does first? */
static bool must_yield_irq(const struct cpu *c, struct p *p, bool due, int64_t now)
{
    struct m *mp = c->m;
    bool slice_over = p->schedtick == mp->tick_seen && now >= p->slice_start + SLICE_NS;
    /* Goroutines that wake each other pass a slice on, between turns of others who begin new ones:
     * whoever waits behind them in the ring waits for a tick. */
    bool asks = slice_over || now >= p->forced_at + SLICE_NS;

    if (p->schedtick != mp->tick_seen) {
        mp->tick_seen = p->schedtick;
        p->slice_start = now;
    }
    asks = asks && somebody_waits_irq(c, p);
    if (asks)
        p->forced_at = now;
    return due || asks || options.preemptstress || options.stallwatch || c->pending ||
           sched.stopping;
}

/* Timers: when the next interrupt is due. due: p's timers are, and schedule() will run them and arm
 * anew. stuck: the goroutine could not be stopped just here. */
static int64_t next_tick_irq(int64_t now, bool running, bool due, bool stuck)
{
    bool kicking = sched_rekick();
    int64_t next = next_deadline_irq(now, running);

    if (kicking)
        next = sooner(next, now + SLICE_NS);
    if (due && next <= now)
        next = now + SLICE_NS;
    return stuck ? sooner(next, now + RETRY_NS) : next;
}

/* Other CPUs: they get what this one cannot do, and a goroutine that has waited for it too long.
 * Returns `next`, or when this is to be looked at again. */
static int64_t share_work_irq(const struct cpu *c, struct p *p, bool due, bool stuck, int64_t now,
                              int64_t next)
{
    uint32_t work = c->pending & (CPU_PENDING_POLL | CPU_PENDING_NET);

    if (due)
        work |= CPU_PENDING_TIMER;
    pass_on_irq(p, stuck ? work : 0, now);
    wake_check_irq(p, now);
    return p->wake_at ? sooner(next, p->wake_at) : next;
}

/* The P that this CPU runs: NULL if it has none, or stands in sched_stop_here, where the P may go
 * to another M at any moment and its fields are no longer this CPU's. */
static struct p *running_p_irq(const struct cpu *c)
{
    struct p *p = c->p;

    if (!p || __atomic_load_n(&p->status, __ATOMIC_ACQUIRE) != P_RUNNING)
        return NULL;
    return __atomic_load_n(&p->m, __ATOMIC_RELAXED) == c->m ? p : NULL;
}

/* Timers of a P whose CPU cannot run them: whoever comes through schedule() does. */
static bool others_late_irq(const struct p *mine)
{
    for (unsigned i = 0; i < gomaxprocs; i++)
        if (allp[i] != mine && __atomic_load_n(&allp[i]->timers_late, __ATOMIC_RELAXED))
            return true;
    return false;
}

static void timer_irq(struct trap_frame *tf)
{
    struct cpu *c = cpu_self();
    struct m *mp = c->m;
    struct p *p = running_p_irq(c);
    int64_t now = clock_mono_ns();

    if (!mp)
        return;
    sched_hooks.sample_irq(tf, now);
    bool running = c->curg, due = sched_timers_earliest() <= now || others_late_irq(p);
    if (due)
        __atomic_or_fetch(&c->pending, CPU_PENDING_TIMER, __ATOMIC_SEQ_CST);
    bool yields = running && p && must_yield_irq(c, p, due, now);
    if (yields) /* C on g0 looks at this, too */
        __atomic_or_fetch(&c->pending, CPU_PENDING_PREEMPT, __ATOMIC_SEQ_CST);
    bool stuck = yields && !preempt_here_irq(tf);
    if (options.stallwatch)
        stall_tick_irq(tf, stuck, mp->armed < now ? mp->armed : now);
    __atomic_store_n(&mp->wake, 1, __ATOMIC_SEQ_CST);
    mp->ticking = running;
    int64_t next = next_tick_irq(now, running, due, stuck);
    if (options.conserve && running && p)
        check_conservation_irq(p, now);
    if (p)
        next = share_work_irq(c, p, due, stuck, now, next);
    arm_irq(mp, next);
}

static void ipi_irq(struct trap_frame *tf, int kind)
{
    struct cpu *c = cpu_self();

    if (!c->m)
        return;
    if (sched_hooks.sample_due() < c->m->armed) /* a profile begins */
        arm_irq(c->m, c->m->armed);
    if (kind == IPI_WAKE)
        __atomic_store_n(&c->m->kicked, false, __ATOMIC_SEQ_CST);
    if (kind == IPI_PREEMPT) {
        int64_t t = sched_timers_earliest(); /* another CPU may have moved a timer of this P */
        if (t < c->m->armed)
            arm_irq(c->m, t);
        __atomic_or_fetch(&c->pending, CPU_PENDING_PREEMPT, __ATOMIC_SEQ_CST);
        if (!preempt_here_irq(tf) && c->curg) {
            int64_t soon = clock_mono_ns() + RETRY_NS;
            if (c->m->armed > soon)
                arm_irq(c->m, soon);
        }
    }
    __atomic_store_n(&c->m->wake, 1, __ATOMIC_SEQ_CST);
}

void m_wake(struct m *mp)
{
    __atomic_store_n(&mp->wake, 1, __ATOMIC_SEQ_CST);
    if (mp == m_self())
        return;
    __atomic_store_n(&mp->kicked, true, __ATOMIC_SEQ_CST);
    ipi_send(mp->cpu->id, IPI_WAKE);
}

bool sched_rekick(void)
{
    bool any = false;

    for (unsigned i = 0; i < ncpu; i++) {
        struct m *mp = allm[i];
        if (!mp || mp == m_self() || !__atomic_load_n(&mp->kicked, __ATOMIC_RELAXED))
            continue;
        ipi_send(i, IPI_WAKE);
        any = true;
    }
    return any;
}

void preempt_cpu(unsigned cpu)
{
    ipi_send(cpu, IPI_PREEMPT);
}

void sched_timer_changed(struct p *pp, int64_t when)
{
    struct cpu *c = cpu_self();
    struct m *mp = c->m;

    if (!mp || when == INT64_MAX)
        return;
    if (pp && pp != c->p) {
        struct m *other = __atomic_load_n(&pp->m, __ATOMIC_ACQUIRE);
        if (other && other != mp) { /* that CPU has to arm its own timer */
            preempt_cpu(other->cpu->id);
            return;
        }
    }
    uint64_t fl = irq_save();
    if (when < mp->armed)
        arm_irq(mp, when);
    irq_restore(fl);
}

void sched_timer_halt(bool later)
{
    struct m *mp = m_self();

    if (!later) {
        sched_timer_changed(NULL, sched_timers_earliest());
        return;
    }
    /* A CPU that moves a timer to an earlier time after we have looked interrupts us, and ipi_irq
     * looks again. */
    uint64_t fl = irq_save();
    mp->ticking = false; /* the next goroutine asks for its tick */
    arm_irq(mp, sched_timers_earliest());
    irq_restore(fl);
}

int64_t program_timers_earliest(void)
{
    int64_t t = INT64_MAX;
    const struct p *mine = cpu_self()->p;

    for (unsigned i = 0; i < gomaxprocs; i++) {
        struct p *p = allp[i];
        if (p != mine && __atomic_load_n(&p->status, __ATOMIC_RELAXED) == P_RUNNING)
            continue;
        int64_t w = sched_hooks.timers_next(p);
        if (w < t)
            t = w;
    }
    return t;
}

/* In a machine that dies nothing is run any more: what has been due since then would interrupt for
 * ever. */
int64_t sched_timers_earliest(void)
{
    if (__atomic_load_n(&sched.frozen, __ATOMIC_RELAXED))
        return INT64_MAX;
    int64_t t = sooner(program_timers_earliest(), background_next());

    return sched_hooks.net_next ? sooner(t, sched_hooks.net_next()) : t;
}

void preempt_init(void)
{
    arch_hooks.timer = timer_irq;
    arch_hooks.ipi = ipi_irq;
}
