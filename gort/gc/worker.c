/* worker.c - who marks: workers and those who allocate. See cycle.h.
 *
 * A worker is a goroutine in Go, one per P, that calls the gate gc_worker for ever. It marks on g0
 * for a slice and then goes to the tail of its P's queue. Which slice, depends:
 *
 *   idle         nobody else needs the P: up to 10 ms, but a timer that is due comes first
 *   dedicated    one CPU in four, where others want it: the P's queue goes to the others, the
 *                worker goes on for as long as there is work
 *   fractional   with too few CPUs for that: a slice whose length against the goroutines that
 *                wait, which run 10 ms each, makes the collector's share 25 %
 *
 * So a worker whose P others want lets them run if there are dedicated ones enough. */
#include "arch/x86_64/arch.h"
#include "gort/sched/globq.h"
#include "gort/gc/gc.h"
#include "gort/gc/cycle.h"
#include "gort/gc/mark.h"
#include "gort/gc/root.h"
#include "gort/gc/metrics.h"
#include "gort/sched/runq.h"
#include "gort/sched/sched.h"
#include "gort/gc/wbbuf.h"
#include "kernel/clock.h"
#include "rt_frames.h"

#define SLICE_MAX_NS    10000000ll
#define ASSIST_MIN      (64ull << 10)
#define ASSIST_WORK_MAX (1ull << 20)

static uint64_t load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }

static unsigned others_waiting(const struct p *p)
{
    uint32_t n = __atomic_load_n(&p->runq_tail, __ATOMIC_RELAXED) -
                 __atomic_load_n(&p->runq_head, __ATOMIC_RELAXED);

    return n + (__atomic_load_n(&p->runnext, __ATOMIC_RELAXED) != NULL) +
           (__atomic_load_n(&sched.runq_size, __ATOMIC_RELAXED) != 0);
}

static struct g *take_worker(void)
{
    lock(&gc_lock);
    struct g *gp = gc_idle_workers;
    if (gp)
        gc_idle_workers = gp->schedlink;
    unlock(&gc_lock);
    if (gp)
        gp->schedlink = NULL;
    return gp;
}

/* One worker runs next on this P, the others wherever there is room. */
void gc_wake_workers(void)
{
    struct g *first = take_worker();

    gc_wake_list(&gc_idle_workers);
    if (first)
        g_ready(first);
}

/* ---- marking ----------------------------------------------------------------------------- */

/* There is work for one more worker. No locks held. */
static void wake_worker(void)
{
    if (!__atomic_load_n(&gc_idle_workers, __ATOMIC_RELAXED) || !work_available())
        return;
    struct g *gp = take_worker();
    if (gp)
        g_ready_tail(gp);
}

void gc_publish(struct gcw *w)
{
    gcw_dispose(w);
    __atomic_add_fetch(&gc_cycle.bytes_marked, w->bytes_marked, __ATOMIC_RELAXED);
    __atomic_add_fetch(&gc_cycle.scan_work, w->scan_work, __ATOMIC_RELAXED);
    __atomic_add_fetch(&gc_cycle.scan_stack, w->scan_stack, __ATOMIC_RELAXED);
    __atomic_add_fetch(&gc_cycle.scan_globals, w->scan_globals, __ATOMIC_RELAXED);
    w->bytes_marked = w->scan_work = w->scan_stack = w->scan_globals = 0;
}

bool gc_mark_some(struct p *p)
{
    if (mark_queued(p->gcw, GC_BATCH))
        return true;
    wbbuf_flush(p);
    return mark_queued(p->gcw, GC_BATCH) != 0;
}

static void stop_if_asked(void)
{
    if (!__atomic_load_n(&sched.stopping, __ATOMIC_RELAXED))
        return;
    sched_stop_mid_gate();
}

/* A worker's slice. False: no work was left to take. gives_way: to a timer that is due; against
 * others on its P a worker keeps its share. */
static bool drain(int64_t until, bool gives_way)
{
    for (;;) {
        stop_if_asked();
        if (gc.phase != GC_MARK || (gives_way && cpu_self()->pending))
            return true;
        if (!mark_root_next() && !gc_mark_some(p_self()))
            return false;
        if (clock_mono_ns() > until)
            return true;
        if (__atomic_load_n(&gc_idle_workers, __ATOMIC_RELAXED)) {
            gcw_balance(p_self()->gcw);
            wake_worker();
        }
    }
}

/* A worker that has taken a root is counted in gc_cycle.active until the root is marked, so
 * `active` is read after the roots. */
bool gc_looks_complete(void)
{
    return gc.phase == GC_MARK && mark_roots_taken() &&
           __atomic_load_n(&gc_cycle.active, __ATOMIC_SEQ_CST) == 0 && !work_available();
}

/* ---- workers ------------------------------------------------------------------------------ */

enum role { NOT_NEEDED, IDLE, DEDICATED, FRACTIONAL };

static bool dedicated_take(void)
{
    uint32_t n = __atomic_load_n(&gc_cycle.dedicated, __ATOMIC_RELAXED);

    while (n < gc_cycle.wanted.dedicated)
        if (__atomic_compare_exchange_n(&gc_cycle.dedicated, &n, n + 1, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

/* Goroutines that are locked to this CPU nobody else can run: it is no dedicated worker's. */
static enum role role_take(unsigned others)
{
    if (!others)
        return IDLE;
    if (!__atomic_load_n(&m_self()->lockq, __ATOMIC_RELAXED) && dedicated_take())
        return DEDICATED;
    return gc_cycle.wanted.share ? FRACTIONAL : NOT_NEEDED;
}

static int64_t slice_of(enum role role, unsigned others)
{
    int64_t share = gc_cycle.wanted.share;
    int64_t ns = role == FRACTIONAL ? others * SLICE_NS * share / (1024 - share) : SLICE_MAX_NS;

    return ns < SLICE_MAX_NS ? ns : SLICE_MAX_NS;
}

/* A dedicated worker's P has nothing else to do. */
static void give_queue_away(struct p *p)
{
    struct g *head = NULL, *tail = NULL, *gp;
    unsigned n = 0;
    bool inherit;

    while ((gp = runq_get(p, &inherit))) {
        gp->schedlink = NULL;
        if (tail)
            tail->schedlink = gp;
        else
            head = gp;
        tail = gp;
        n++;
    }
    if (n)
        injectglist(head, tail, n);
}

/* Marks for a slice with the goroutine WAITING, so that others may scan its stack. */
static bool worker_slice(struct g *gp, enum role role, unsigned others)
{
    int64_t t0 = clock_mono_ns();
    bool waited_for = __atomic_load_n(&gc_assisters, __ATOMIC_RELAXED) != NULL;

    gp->wait_reason = WAIT_GC_WORKER_ACTIVE;
    g_status_set(gp, G_RUNNING, G_WAITING);
    if (role == DEDICATED)
        give_queue_away(p_self());
    bool more = drain(t0 + slice_of(role, others), role != FRACTIONAL);
    gc_publish(p_self()->gcw);
    g_status_set(gp, G_WAITING, G_RUNNING);
    int64_t took = clock_mono_ns() - t0;
    __atomic_add_fetch(role == IDLE ? &gc_cycle.idle_ns : &gc_cycle.cpu_ns, took,
                       __ATOMIC_RELAXED);
    __atomic_add_fetch(role == IDLE ? &gc_metrics.idle_worker_ns : &gc_metrics.worker_ns,
                       (uint64_t)took, __ATOMIC_RELAXED);
    if (role == IDLE && waited_for)
        __atomic_add_fetch(&gc_metrics.idle_waited_ns, (uint64_t)took, __ATOMIC_RELAXED);
    gc_limiter_update();
    if (role == DEDICATED)
        __atomic_sub_fetch(&gc_cycle.dedicated, 1, __ATOMIC_SEQ_CST);
    return more;
}

static void park_unless_marking(struct g *gp)
{
    if (gc.phase == GC_MARK)
        return;
    lock(&gc_lock);
    if (gc.phase != GC_MARK)
        gc_park_locked(gp, &gc_idle_workers, WAIT_GC_WORKER_IDLE);
    unlock(&gc_lock);
}

/* The worker goes on as the first of this P, once the timers that are due have run. */
static _Noreturn void go_on_soon(struct g *gp)
{
    gp->wait_reason = WAIT_GC_WORKER_IDLE;
    g_status_set(gp, G_RUNNING, G_WAITING);
    g_ready(gp);
    schedule();
}

void rt_gc_worker(struct gc_worker_frame *f)
{
    struct g *gp = g_calling();

    (void)f;
    park_unless_marking(gp);
    unsigned others = others_waiting(p_self());
    enum role role = role_take(others);
    if (role == NOT_NEEDED)
        gc_step_back(gp);
    __atomic_add_fetch(&gc_cycle.active, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&gc_cycle.workers, 1, __ATOMIC_SEQ_CST);
    bool more = worker_slice(gp, role, others);
    __atomic_sub_fetch(&gc_cycle.active, 1, __ATOMIC_SEQ_CST);
    uint32_t rest = __atomic_sub_fetch(&gc_cycle.workers, 1, __ATOMIC_SEQ_CST);
    if (more) {
        wake_worker();
        if (role == DEDICATED)
            go_on_soon(gp);
        gc_step_back(gp);
    }
    if (gc_looks_complete())
        gc_finish();
    else if (rest > 0) {
        lock(&gc_lock);
        gc_park_locked(gp, &gc_idle_workers, WAIT_GC_WORKER_IDLE);
    }
    gc_step_back(gp);
}

/* ---- those who allocate ------------------------------------------------------------------- */

/* Allocation that outruns the marking must wait for it: with nothing left to mark here, and past
 * the goal, only the end of the cycle helps. So it is if another cycle is due before this one has
 * ended: a virtual CPU may be off its host for long while it flushes the caches. */
static bool must_wait(void)
{
    if (m_self()->locks)
        return false;
    if (gc.phase == GC_MARK)
        return load(&gc.heap_live) > load(&gc.goal) && !gc_limiting();
    return __atomic_load_n(&gc_cycle.ending, __ATOMIC_SEQ_CST) && gc_wanted();
}

bool gc_may_allocate(void) { return !must_wait(); }

bool gc_assist(struct g *gp, size_t size)
{
    uint64_t done = load(&gc_cycle.scan_work), expect = gc_cycle.last_marked + gc_cycle.roots;
    uint64_t left = expect > done ? expect - done : 0;
    uint64_t debt = size > ASSIST_MIN ? size : ASSIST_MIN;
    uint64_t todo = debt * pacer_assist_ratio(left, load(&gc.heap_live), load(&gc.goal)) / 1024;
    struct p *p = p_self();
    uint64_t start = p->gcw->scan_work;
    int64_t t0 = clock_mono_ns();
    bool more = true;

    if (gc_limiting())
        todo = 0; /* and the bucket is looked at, so that this ends */
    todo = todo < ASSIST_WORK_MAX ? todo : ASSIST_WORK_MAX;
    __atomic_add_fetch(&gc_cycle.active, 1, __ATOMIC_SEQ_CST);
    while (more && p->gcw->scan_work - start < todo &&
           !__atomic_load_n(&sched.stopping, __ATOMIC_RELAXED))
        more = gc_mark_some(p);
    gc_publish(p->gcw);
    __atomic_sub_fetch(&gc_cycle.active, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&gc_metrics.assist_ns, (uint64_t)(clock_mono_ns() - t0), __ATOMIC_RELAXED);
    gc_limiter_update();
    if (!more && m_self()->locks == 0 && gc_looks_complete())
        gc_finish();
    if (!more && must_wait())
        return false;
    gp->gc_assist_bytes += (int64_t)debt;
    return true;
}

void rt_gc_assist_wait(struct gc_assist_wait_frame *f)
{
    struct g *gp = g_calling();

    (void)f;
    lock(&gc_lock);
    /* Marking cannot end now: a stop of the world waits for this gate. And who clears `ending`
     * takes gc_lock afterwards. */
    if (must_wait())
        gc_park_locked(gp, &gc_assisters, WAIT_GC_ASSIST_WAIT);
    unlock(&gc_lock);
}

