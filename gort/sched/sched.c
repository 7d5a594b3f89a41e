/* sched.c - picking what runs: see sched.h for the picture. Everything here is on g0. Goroutines,
 * CPUs and processors, and in which order a CPU looks for work, are after Go's proc.go. */
#include "gort/sched/sched.h"
#include "arch/x86_64/arch.h"
#include "gort/dying.h"
#include "gort/hchan.h"
#include "gort/sched/background.h"
#include "gort/sched/choice.h"
#include "gort/sched/globq.h"
#include "gort/sched/hooks.h"
#include "gort/sched/runq.h"
#include "gort/sched/stall.h"
#include "kernel/clock.h"

struct sched_hooks sched_hooks;
struct sched sched = { .lock = LOCK_INIT("sched", RANK_SCHED) };
struct p *allp[CPU_MAX * 4];
unsigned gomaxprocs;
struct m *allm[CPU_MAX];
struct g *allgs;

/* ---- idle Ps and Ms ------------------------------------------------------------------- */

static void pidle_put(struct p *p)
{
    p->m = NULL;
    __atomic_store_n(&p->status, P_IDLE, __ATOMIC_RELEASE);
    p->link = sched.pidle;
    sched.pidle = p;
    __atomic_store_n(&sched.npidle, sched.npidle + 1, __ATOMIC_SEQ_CST);
}

/* sched.lock is held. The P counts as running from here on, before its M has it: stw_begin must
 * wait for it, and pidle_rebuild must not give it away a second time. */
static struct p *pidle_get(void)
{
    struct p *p = sched.pidle;

    if (!p)
        return NULL;
    sched.pidle = p->link;
    p->link = NULL;
    __atomic_store_n(&p->status, P_RUNNING, __ATOMIC_RELEASE);
    __atomic_store_n(&sched.npidle, sched.npidle - 1, __ATOMIC_SEQ_CST);
    return p;
}

/* A goroutine waits in runnext alone. Most likely the running one is about to park and this
 * CPU goes on with it: so it is when two of them talk over a channel, and then an interrupt
 * that wakes another CPU costs more than it wins. It is sent if the goroutine still waits
 * after WAKE_DELAY_NS, by the timer's interrupt (preempt.c). */
static void wake_soon(struct p *p)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* as in wake_p */
    if (__atomic_load_n(&sched.npidle, __ATOMIC_SEQ_CST) == 0 || p->wake_at)
        return;
    p->wake_picks = p->picks;
    int64_t when = clock_mono_ns() + WAKE_DELAY_NS;
    __atomic_store_n(&p->wake_at, when, __ATOMIC_RELEASE);
    sched_timer_changed(p, when);
}

static void p_acquire(struct p *p)
{
    struct cpu *c = cpu_self();

    CHECK(!c->p && !p->m, "P %u: taken twice", p->id);
    c->p = p;
    c->m->fresh_p = true;
    __atomic_store_n(&p->status, P_RUNNING, __ATOMIC_RELEASE);
    /* Whoever moves a timer of p sees this M, or this M sees the timer (sched_timer_changed). */
    __atomic_store_n(&p->m, c->m, __ATOMIC_SEQ_CST);
    sched_timer_changed(p, sched_hooks.timers_next(p));
    sched_timer_changed(NULL, sched_hooks.sample_due()); /* halting it was not sampled */
    p->wake_at = 0; /* its deadline was armed on another CPU, if at all */
    if (p->runnext)
        wake_soon(p);
    sched_hooks.p_ready(p);
}

static struct p *p_release(void)
{
    struct cpu *c = cpu_self();
    struct p *p = c->p;

    c->p = NULL;
    return p;
}

/* Takes mp off the idle list. */
static void midle_remove(struct m *mp)
{
    for (struct m **l = &sched.midle; *l; l = &(*l)->idlelink)
        if (*l == mp) {
            *l = mp->idlelink;
            mp->idle = false;
            sched.nmidle--;
            return;
        }
}

/* There may be work for one more CPU: hands an idle P to an idle M, unless somebody is
 * looking already. */
void wake_p(void)
{
    /* The caller's store to a queue comes before these reads: see find_runnable. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&sched.npidle, __ATOMIC_SEQ_CST) == 0 ||
        __atomic_load_n(&sched.nmspinning, __ATOMIC_SEQ_CST) != 0)
        return;
    lock(&sched.lock);
    struct m *mp = sched.midle;
    if (!mp || sched.stopping || sched.nmspinning != 0) {
        unlock(&sched.lock);
        return;
    }
    struct p *p = pidle_get();
    if (p) {
        midle_remove(mp);
        mp->nextp = p;
        mp->spinning = true;
        __atomic_add_fetch(&sched.nmspinning, 1, __ATOMIC_SEQ_CST);
    }
    unlock(&sched.lock);
    if (p)
        m_wake(mp);
}

/* ---- goroutines locked to an M ---------------------------------------------------------- */

/* gp runs on its M alone: queue it there and see that the M gets to it. */
static void lockq_put(struct g *gp)
{
    struct m *mp = gp->lockedm;
    bool kick = false;

    lock(&sched.lock);
    struct g **l = &mp->lockq;
    while (*l)
        l = &(*l)->schedlink;
    gp->schedlink = NULL;
    __atomic_store_n(l, gp, __ATOMIC_RELEASE);
    if (mp->idle && !sched.stopping) {
        struct p *p = pidle_get();
        if (p) {
            midle_remove(mp);
            mp->nextp = p;
            kick = true;
        } else {
            __atomic_store_n(&sched.handoff, true, __ATOMIC_SEQ_CST);
        }
    }
    unlock(&sched.lock);
    if (kick)
        m_wake(mp);
    else if (mp != m_self())
        preempt_cpu(mp->cpu->id);
}

static struct g *lockq_get(struct m *mp)
{
    if (!__atomic_load_n(&mp->lockq, __ATOMIC_RELAXED))
        return NULL;
    lock(&sched.lock);
    struct g *gp = mp->lockq;
    if (gp)
        mp->lockq = gp->schedlink;
    unlock(&sched.lock);
    return gp;
}

/* ---- making runnable --------------------------------------------------------------------- */

/* Waiting for something outside the machine: no deadlock, however long it takes. */
static bool waits_outside(const struct g *gp)
{
    return gp->wait_reason == WAIT_SYSCALL || gp->wait_reason == WAIT_IO;
}

static void ready(struct g *gp, bool next)
{
    if (waits_outside(gp))
        __atomic_sub_fetch(&sched.nextwait, 1, __ATOMIC_SEQ_CST);
    if (gp->block_since)
        gp->own->releasetime = clock_mono_ns();
    if (gp->bubble)
        sched_hooks.bubble_unpark(gp);
    g_status_set(gp, g_parked_status(gp->wait_reason), G_RUNNABLE);
    if (gp->lockedm) {
        lockq_put(gp);
        return;
    }
    struct p *p = p_self();
    if (!p || options.globalqueue) {
        injectglist(gp, gp, 1);
        return;
    }
    if (next && runq_mine_empty(p)) {
        runq_put_alone(p, gp);
        wake_soon(p);
    } else {
        local_put(p, gp, next);
        wake_p();
    }
}

void g_ready(struct g *gp) { ready(gp, true); }
void g_ready_tail(struct g *gp) { ready(gp, false); }

void g_park_g0(struct g *gp, struct lock *l, enum wait_reason why)
{
    void *b = gp->bubble;

    if (b)
        sched_hooks.bubble_park(gp, why);
    gp->wait_reason = why;
    gp->wait_since = 0;
    gp->leak = 0;
    if (waits_outside(gp))
        __atomic_add_fetch(&sched.nextwait, 1, __ATOMIC_SEQ_CST);
    g_status_set(gp, G_RUNNING, g_parked_status(why));
    if (l)
        unlock(l);
    if (b)
        sched_hooks.bubble_parked(b);
    schedule();
}

void g_yield_g0(struct g *gp)
{
    g_status_set(gp, G_RUNNING, G_RUNNABLE);
    if (gp->lockedm) {
        lockq_put(gp);
    } else {
        lock(&sched.lock);
        globq_put_list(gp, gp, 1);
        unlock(&sched.lock);
        wake_p();
    }
    schedule();
}

/* gp, stopped at a safe point, gives way: to a suspender that has asked for it, or to others. */
void g_preempt_g0(struct g *gp)
{
    if (__atomic_load_n(&gp->preempt_stop, __ATOMIC_SEQ_CST)) {
        gp->wait_reason = WAIT_PREEMPTED;
        g_status_set(gp, G_RUNNING, G_PREEMPTED);
        schedule();
    }
    g_yield_g0(gp);
}

/* ---- finding work -------------------------------------------------------------------------- */

/* No M looks after p, or its M cannot: then the asker does. */
static bool others_must_run_timers(struct p *p)
{
    return __atomic_load_n(&p->status, __ATOMIC_RELAXED) == P_IDLE ||
           (__atomic_load_n(&p->timers_late, __ATOMIC_RELAXED) &&
            __atomic_exchange_n(&p->timers_late, 0, __ATOMIC_SEQ_CST));
}

/* Timers that are due, of this P and of Ps that no M looks after, or can; and devices with input.
 * True if a timer has put a goroutine into runnext. */
static bool run_pending(struct p *p)
{
    struct cpu *c = cpu_self();
    uint32_t todo = __atomic_exchange_n(&c->pending, 0, __ATOMIC_SEQ_CST);

    if (todo & CPU_PENDING_POLL)
        sched_hooks.poll();
    if (sched_hooks.net_poll && todo & (CPU_PENDING_NET | CPU_PENDING_TIMER))
        sched_hooks.net_poll(todo & CPU_PENDING_NET ? NET_PACKETS : NET_TIMERS);
    if (!(todo & CPU_PENDING_TIMER))
        return false;
    int64_t now = clock_mono_ns();
    sched_hooks.timers_run(p, now);
    for (unsigned i = 0; i < gomaxprocs; i++)
        if (allp[i] != p && others_must_run_timers(allp[i]))
            sched_hooks.timers_run(allp[i], now);
    sched_timer_changed(p, sched_timers_earliest());
    return p->runnext != NULL;
}

static struct g *steal_work(struct p *p)
{
    unsigned n = gomaxprocs;

    for (int round = 0; round < 4; round++) {
        unsigned start = sched_choice(n);
        for (unsigned i = 0; i < n; i++) {
            struct p *victim = allp[(start + i) % n];
            if (victim == p)
                continue;
            struct g *gp = runq_steal(p, victim, round == 3);
            if (gp)
                return gp;
        }
    }
    return NULL;
}

/* Goroutines locked to this M and all others take turns: neither starves the other.
 * timer: runnext comes from a timer. It goes before the global queue, whose goroutine may
 * keep the CPU for a whole slice, except when that queue's turn has passed twice. */
static struct g *find_local(struct p *p, bool timer, bool *inherit)
{
    struct m *mp = m_self();
    struct g *gp = mp->lockq_turn_over ? NULL : lockq_get(mp);
    uint32_t since = p->schedtick - p->globq_tick;

    *inherit = false;
    if (!gp && since >= GLOBQ_PERIOD && (!timer || since >= 2 * GLOBQ_PERIOD)) {
        p->globq_tick = p->schedtick;
        gp = globq_get(p, true);
    }
    if (!gp)
        gp = runq_get(p, inherit);
    if (!gp)
        gp = globq_get(p, false);
    if (!gp)
        gp = lockq_get(mp);
    mp->lockq_turn_over = gp && gp->lockedm;
    return gp;
}

/* May this M search the others' queues? At most half as many searchers as busy Ps. */
static bool may_spin(struct m *mp)
{
    if (mp->spinning)
        return true;
    uint32_t busy = gomaxprocs - __atomic_load_n(&sched.npidle, __ATOMIC_RELAXED);
    if (2 * __atomic_load_n(&sched.nmspinning, __ATOMIC_RELAXED) >= busy)
        return false;
    mp->spinning = true;
    __atomic_add_fetch(&sched.nmspinning, 1, __ATOMIC_SEQ_CST);
    return true;
}

static void spin_stop(struct m *mp)
{
    if (!mp->spinning)
        return;
    mp->spinning = false;
    __atomic_sub_fetch(&sched.nmspinning, 1, __ATOMIC_SEQ_CST);
}

static bool work_anywhere(struct m *mp)
{
    if (__atomic_load_n(&sched.runq_size, __ATOMIC_SEQ_CST) ||
        __atomic_load_n(&mp->lockq, __ATOMIC_SEQ_CST) ||
        __atomic_load_n(&mp->mid_gate, __ATOMIC_RELAXED))
        return true;
    for (unsigned i = 0; i < gomaxprocs; i++)
        if (!runq_empty(allp[i]))
            return true;
    return false;
}

/* Takes an idle P for this M if there is one. */
static bool p_take_idle(void)
{
    lock(&sched.lock);
    struct p *p = sched.stopping ? NULL : pidle_get();
    unlock(&sched.lock);
    if (p)
        p_acquire(p);
    return p != NULL;
}

/* Is there something that only mp can go on with? sched.lock is held. */
static bool must_run(const struct m *mp)
{
    return mp->lockq || __atomic_load_n(&mp->mid_gate, __ATOMIC_RELAXED);
}

static bool some_must_run(void)
{
    for (unsigned i = 0; i < ncpu; i++)
        if (allm[i] && must_run(allm[i]))
            return true;
    return false;
}

/* All Ms are idle: nothing can ever run again unless a timer or a device says so. An M on the
 * idle list with a goroutine of its own is on its way to take a P. */
static bool deadlocked(void)
{
    return sched.nmidle == ncpu && __atomic_load_n(&sched.nextwait, __ATOMIC_SEQ_CST) == 0 &&
           !sched.stopping && sched.runq_size == 0 && !some_must_run() &&
           program_timers_earliest() == INT64_MAX && sched.started;
}

/* All Ps are busy, so their Ms look after timers; of input they have to be told. */
static void pass_on_pending(struct cpu *c)
{
    uint32_t input = CPU_PENDING_POLL | CPU_PENDING_NET;

    input &= __atomic_exchange_n(&c->pending, 0, __ATOMIC_SEQ_CST);
    if (!input)
        return;
    for (unsigned i = 0; i < ncpu; i++)
        if (cpus[i] != c && __atomic_load_n(&cpus[i]->p, __ATOMIC_RELAXED)) {
            __atomic_or_fetch(&cpus[i]->pending, input, __ATOMIC_SEQ_CST);
            preempt_cpu(i);
            return;
        }
    __atomic_or_fetch(&c->pending, input, __ATOMIC_SEQ_CST); /* one is idle by now */
}

/* Puts mp on the idle list. True if nothing in the program can ever run again. */
static bool midle_put(struct m *mp)
{
    lock(&sched.lock);
    mp->idle = true;
    if (must_run(mp))
        __atomic_store_n(&sched.handoff, true, __ATOMIC_SEQ_CST);
    mp->idlelink = sched.midle;
    sched.midle = mp;
    sched.nmidle++;
    bool dead = !sched.frozen && deadlocked() && !work_anywhere(mp);
    unlock(&sched.lock);
    return dead;
}

/* Takes mp off the idle list, if whoever woke it has not. Returns the P that it was handed; or an
 * idle one, if it sees something to do; or NULL. */
static struct p *midle_get(struct m *mp)
{
    lock(&sched.lock);
    if (mp->idle)
        midle_remove(mp);
    struct p *p = mp->nextp;
    mp->nextp = NULL;
    if (!p && !sched.frozen && !sched.stopping && (mp->cpu->pending || work_anywhere(mp)))
        p = pidle_get();
    unlock(&sched.lock);
    return p;
}

/* Halts, unless work came while this M was on its way to the idle list: who queued that found no
 * idle M to wake. When the machine dies, what is pending stays so, and one CPU goes on alone. */
static void halt(struct cpu *c, struct m *mp)
{
    bool polled = mp->net_polls;
    if (polled && sched_hooks.net_rest())
        __atomic_or_fetch(&c->pending, CPU_PENDING_NET, __ATOMIC_SEQ_CST);
    sched_timer_halt(polled);
    bool look = !sched.stopping && work_anywhere(mp) &&
                __atomic_load_n(&sched.npidle, __ATOMIC_SEQ_CST);
    if ((!look && !c->pending) || sched.frozen) {
        if (sched_rekick())
            sched_timer_changed(NULL, clock_mono_ns() + SLICE_NS);
        sched_halt(mp);
    }
}

static _Noreturn void die_of_deadlock(void)
{
    rt_fatal(__atomic_load_n(&sched.gcount, __ATOMIC_SEQ_CST)
                 ? "all goroutines are asleep - deadlock!"
                 : "no goroutines (main called runtime.Goexit) - deadlock!");
}

/* Sleeps until this M has a P: handed over, or idle when an interrupt or new work wakes it. */
static void wait_p(void)
{
    struct cpu *c = cpu_self();
    struct m *mp = c->m;

    spin_stop(mp); /* its P may have gone to another M, or away with GOMAXPROCS */
    for (;;) {
        __atomic_store_n(&mp->wake, 0, __ATOMIC_SEQ_CST);
        if (midle_put(mp))
            die_of_deadlock();
        halt(c, mp);
        struct p *p = midle_get(mp);
        if (p) {
            p_acquire(p);
            return;
        }
        if (!sched.frozen && c->pending && __atomic_load_n(&sched.npidle, __ATOMIC_SEQ_CST) == 0)
            pass_on_pending(c);
    }
}

void sched_regain_p(void)
{
    struct m *mp = m_self();

    __atomic_store_n(&mp->mid_gate, true, __ATOMIC_SEQ_CST);
    wait_p();
    __atomic_store_n(&mp->mid_gate, false, __ATOMIC_SEQ_CST);
    if (mp->spinning) { /* it was woken to search, but has something else to do */
        spin_stop(mp);
        wake_p();
    }
}

/* Hands this P to an idle M that waits for one to run a goroutine locked to it, or to go on in
 * a gate. */
static bool handoff_p(void)
{
    lock(&sched.lock);
    struct m *mp = sched.midle;
    while (mp && !must_run(mp))
        mp = mp->idlelink;
    if (mp && !sched.stopping) {
        midle_remove(mp);
        struct p *p = p_release();
        p->m = NULL;
        mp->nextp = p;
    } else {
        __atomic_store_n(&sched.handoff, false, __ATOMIC_SEQ_CST);
        mp = NULL;
    }
    unlock(&sched.lock);
    if (mp)
        m_wake(mp);
    return mp != NULL;
}

/* Is a job due? Mostly answered without reading the clock: the timer interrupt that is armed for a
 * job leaves its mark, CPU_PENDING_TIMER, which run_pending takes only after this. */
static bool job_due(void)
{
    int64_t when = background_next();

    return when == BACKGROUND_ASKED ||
           (cpu_self()->pending & CPU_PENDING_TIMER && when <= clock_mono_ns());
}

/* What goes before any goroutine. True if there was something: the P may be another one now, or
 * gone. */
static bool do_duties(struct m *mp)
{
    if (sched.stopping) {
        sched_stop_here();
        return true;
    }
    if (sched.handoff && !mp->fresh_p && handoff_p())
        return true;
    return job_due() && background_run();
}

/* A goroutine from p's own queues or the global one, or stolen from another P. */
static struct g *find_work(struct m *mp, struct p *p, bool *inherit)
{
    bool timer = cpu_self()->pending && run_pending(p);
    struct g *gp = find_local(p, timer, inherit);

    if (timer) /* a slice of its own, not the rest of the one that the timer broke off */
        *inherit = false;
    if (!gp && gomaxprocs > 1 && !options.globalqueue && may_spin(mp))
        gp = steal_work(p);
    if (gp && mp->spinning) { /* the last searcher found work: there may be more */
        spin_stop(mp);
        wake_p();
    }
    return gp;
}

/* There is nothing for mp. It says so by giving its P up, and looks once more (sched.h): if there
 * is something by now it takes a P again. */
static void give_up_p(struct m *mp)
{
    lock(&sched.lock);
    mp->fresh_p = false;
    bool more = sched.stopping || sched.runq_size || mp->lockq || sched.handoff;
    if (!more)
        pidle_put(p_release());
    unlock(&sched.lock);
    if (more)
        return;
    spin_stop(mp);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (work_anywhere(mp) || cpu_self()->pending)
        p_take_idle();
}

/* Returns with a P. */
static struct g *find_runnable(bool *inherit)
{
    struct m *mp = m_self();

    for (;;) {
        struct p *p = p_self();
        if (!p) {
            wait_p();
            continue;
        }
        if (do_duties(mp))
            continue;
        struct g *gp = find_work(mp, p, inherit);
        if (gp)
            return gp;
        if (!sched_halt_alone(mp))
            give_up_p(mp);
    }
}

static _Noreturn void execute(struct g *gp, bool inherit)
{
    struct cpu *c = cpu_self();
    struct m *mp = c->m;

    c->p->picks++;
    if (!inherit)
        c->p->schedtick++;
    gp->m = mp;
    g_status_set(gp, G_RUNNABLE, G_RUNNING);
    gp->wait_reason = WAIT_ZERO;
    gp->async_safe_point = false;
    if (gp->on_wake) {
        gp->on_wake(gp);
        gp->on_wake = NULL;
    }
    __atomic_store_n(&gp->preempt, false, __ATOMIC_RELAXED);
    __atomic_store_n(&gp->stackguard0, gp->stack.lo + STACK_GUARD, __ATOMIC_RELAXED);
    c->curg = gp;
    mp->curg = gp;
    mp->fresh_p = false;
    /* An interrupt from here on finds curg and sets its guard itself; one before has left
     * its mark in pending. */
    __asm__ volatile("" ::: "memory");
    if (c->pending || sched.stopping)
        __atomic_store_n(&gp->stackguard0, STACK_PREEMPT, __ATOMIC_RELAXED);
    if (!mp->ticking) {
        mp->ticking = true;
        sched_timer_changed(c->p, clock_mono_ns() + sched_tick_ns());
    }
    g_switch(gp);
}

/* The next of this P's own queue, if find_runnable would come to the same with all that it looks
 * at; else NULL. Most switches are between goroutines that wake each other. */
static struct g *next_at_once(struct cpu *c, bool *inherit)
{
    struct m *mp = c->m;
    struct p *p = c->p;

    if (!p || c->pending || sched.stopping || sched.handoff || mp->lockq || mp->lockq_turn_over ||
        mp->spinning || p->schedtick - p->globq_tick >= GLOBQ_PERIOD ||
        background_next() == BACKGROUND_ASKED)
        return NULL;
    return runq_get(p, inherit);
}

void schedule(void)
{
    struct cpu *c = cpu_self();
    bool inherit;

    CHECK(c->m->locks == 0, "schedule() with %d locks of M %u held", c->m->locks, c->id);
    DCHECK(c->nheld == 0, "schedule() with spinlock %s held", c->held[0]->name);
    if (options.stallwatch)
        stall_over();
    c->curg = NULL;
    c->m->curg = NULL;
    if (c->m->net_polls && c->p && !sched.stopping)
        sched_hooks.net_poll(NET_LOOK);
    struct g *gp = next_at_once(c, &inherit);
    if (!gp)
        gp = find_runnable(&inherit);
    execute(gp, inherit);
}

struct p *sched_borrow_p(void)
{
    lock(&sched.lock);
    struct p *p = pidle_get();
    unlock(&sched.lock);
    CHECK(p, "no idle P to start with (GOMAXPROCS %u)", gomaxprocs);
    p_acquire(p);
    return p;
}

void sched_return_p(void)
{
    lock(&sched.lock);
    pidle_put(p_release());
    unlock(&sched.lock);
}

void sched_cpu_enter(void)
{
    struct m *mp = m_self();

    mp->armed = INT64_MAX;
    lock(&sched.lock);
    struct p *p = sched.stopping ? NULL : pidle_get();
    unlock(&sched.lock);
    if (p)
        p_acquire(p);
    __asm__ volatile("sti");
    schedule();
}
