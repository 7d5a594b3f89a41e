/* mgc.c - the phases of a collection: mgc.h.
 *
 *   start_g0         sweep what is left; stop the world; barrier on, caches stamped, roots
 *                    listed; start it
 *   drain            workers (one goroutine per P) and assists: roots, then grey objects
 *   finish_g0        when nobody has work: stop the world; flush the barriers' buffers; if that
 *                    gives much new work go on marking, else barrier off, sweep_gen += 2; start
 *                    it; flush the Ps' caches, which are stale now
 *
 * A worker is a goroutine in Go that calls the gate gc_worker for ever. It marks on g0 for a
 * slice and then goes to the tail of its P's queue: against busy goroutines, which run 10 ms
 * each, the slice's length makes the collector's share 25 %; on an idle P it is all. */
#include "runtime/mgc.h"
#include "arch/x86_64/arch.h"
#include "runtime/app.h"
#include "runtime/background.h"
#include "runtime/mbitmap.h"
#include "runtime/mcache.h"
#include "runtime/metrics.h"
#include "runtime/mfinal.h"
#include "runtime/mgcmark.h"
#include "runtime/mgcpacer.h"
#include "runtime/mgcroot.h"
#include "runtime/mheap.h"
#include "runtime/mprof.h"
#include "runtime/scavenge.h"
#include "runtime/sched.h"
#include "runtime/wbbuf.h"
#include "kernel/clock.h"
#include "kernel/options.h"
#include "kernel/print.h"
#include "rt_frames.h"

#define SLICE_UNIT_NS   3300000ll /* per goroutine of 10 ms that waits: 25 % */
#define SLICE_MAX_NS    10000000ll
#define STW_DRAIN       2000      /* objects that the last stop may still scan */
#define STW_DRAIN_BYTES (1ull << 20)
#define ASSIST_MIN      (64ull << 10)
#define ASSIST_WORK_MAX (1ull << 20)
#define FORCED_PERIOD_NS 120000000000ll

struct gc gc = { .trigger = ~0ul, .goal = ~0ul, .percent = 100, .limit = INT64_MAX };
void *gc_pool_cleanup;

static struct lock gc_lock = LOCK_INIT("gc", RANK_GC);
/* [gc_lock] parked, linked by schedlink */
static struct g *idle_workers, *waiters, *assisters, *sweeper;

static struct {
    uint32_t running;      /* [atomic] from before the first stop until after the last */
    uint32_t active;       /* [atomic] workers and assists that may hold work */
    uint32_t workers;      /* [atomic] workers among them: one at least does not park */
    uint32_t finishing;    /* [atomic] */
    uint32_t ending;       /* [atomic] from the last stop until running is 0 */
    bool     enabled;
    bool     forced;
    uint64_t ram_limit;
    uint64_t bytes_marked; /* [atomic] by P's that have published */
    uint64_t scan_work;    /* [atomic] */
    uint64_t roots;        /* bytes */
    uint64_t live_at_start;
    uint64_t runway;       /* bytes allocated while the last cycle marked */
    uint64_t last_marked;  /* bytes, for what to expect of the next one */
    uint64_t relax;        /* bytes: pacer_limiter */
    int64_t  last_end_ns;
    uint64_t assist_ns;    /* this cycle's */
    uint64_t assist_ns_then; /* gc_metrics.assist_ns at the last cycle's end */
    int64_t  start_ns, stop1_ns, mark_ns; /* this cycle's */
    int64_t  cpu_ns, idle_ns; /* [atomic] of workers: beside others, and with nobody waiting */
    int64_t  cpu_total_ns;
} work;

static uint64_t load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }

void gc_init(void) { gc_roots_init(); }

/* ---- pacing ------------------------------------------------------------------------------ */

static uint64_t overhead(void)
{
    uint64_t in_use = load(&mheap.in_use);
    uint64_t frag = in_use > gc.heap_marked ? in_use - gc.heap_marked : 0;

    return load(&mheap.stacks) + load(&mheap.manual) + mheap_metadata() + frag / 2;
}

static int64_t limit_now(void)
{
    return gc.limit < (int64_t)work.ram_limit ? gc.limit : (int64_t)work.ram_limit;
}

static void pace(void)
{
    struct pacer_in in = { gc.percent, limit_now(), gc.heap_marked, work.roots, overhead(),
                           work.runway, work.relax };
    struct pacer_out out = pacer_compute(&in);

    __atomic_store_n(&gc.goal, out.goal, __ATOMIC_RELAXED);
    __atomic_store_n(&gc.trigger, work.enabled ? out.trigger : ~0ul, __ATOMIC_RELAXED);
}

/* ---- parking and waking ------------------------------------------------------------------ */

static void wake_list(struct g **list)
{
    lock(&gc_lock);
    struct g *gp = *list;
    *list = NULL;
    unlock(&gc_lock);
    while (gp) {
        struct g *next = gp->schedlink;
        gp->schedlink = NULL;
        g_ready_tail(gp);
        gp = next;
    }
}

static _Noreturn void park_on_locked(struct g *gp, struct g **list, enum wait_reason why)
{
    gp->schedlink = *list;
    *list = gp;
    g_park_g0(gp, &gc_lock, why);
}

/* To the tail of this P's queue. */
static _Noreturn void step_back(struct g *gp)
{
    gp->wait_reason = WAIT_GC_WORKER_IDLE;
    g_status_set(gp, G_RUNNING, G_WAITING);
    g_ready_tail(gp);
    schedule();
}

static unsigned others_waiting(const struct p *p)
{
    uint32_t n = __atomic_load_n(&p->runq_tail, __ATOMIC_RELAXED) -
                 __atomic_load_n(&p->runq_head, __ATOMIC_RELAXED);

    return n + (__atomic_load_n(&p->runnext, __ATOMIC_RELAXED) != NULL) +
           (__atomic_load_n(&sched.runq_size, __ATOMIC_RELAXED) != 0);
}

/* ---- the first stop ---------------------------------------------------------------------- */

/* Objects of cached spans from here on are born black. */
static void stamp_caches(void)
{
    for (unsigned i = 0; i < CPU_MAX * 4 && allp[i]; i++) {
        struct mcache *c = allp[i]->mcache;
        for (unsigned spc = 2; spc < NUM_SPAN_CLASSES; spc++)
            if (c->alloc[spc]->nelems)
                c->alloc[spc]->scan_index = c->alloc[spc]->free_index;
        c->tiny = 0; /* its block may be white */
    }
}

static void barrier_set(bool on)
{
    gc.barrier = on;
    gc.blacken = on;
    gc.phase = on ? GC_MARK : GC_OFF;
    __atomic_store_n(app->write_barrier, on, __ATOMIC_SEQ_CST);
}

/* GODEBUG=gcpacertrace=1, much as Go has it. */
static void trace_pacer_begin(void)
{
    uint64_t goal = load(&gc.goal);

    if (!app->debug->gcpacertrace)
        return;
    uint64_t ratio = pacer_assist_ratio(work.last_marked + work.roots, work.live_at_start, goal);
    kprintf("pacer: assist ratio=%lu.%03lu (scan %lu MB in %lu->%lu MB) workers=%u\n",
            (unsigned long)ratio / 1024, (unsigned long)(ratio % 1024 * 1000 / 1024),
            (unsigned long)load(&gc.heap_scan) >> 20, (unsigned long)work.live_at_start >> 20,
            (unsigned long)goal >> 20, gomaxprocs);
}

static void trace_pacer_end(uint64_t live, uint64_t goal, uint64_t expected)
{
    if (!app->debug->gcpacertrace)
        return;
    kprintf("pacer: %u%% CPU (25 exp.) for %lu+%lu+%lu B work (%lu B exp.) in %lu B -> %lu B "
            "(∆goal %ld)\n", (unsigned)(gc.cpu_fraction * 100),
            (unsigned long)gc_metrics.scan_heap, (unsigned long)gc_metrics.scan_stack,
            (unsigned long)gc_metrics.scan_globals, (unsigned long)expected,
            (unsigned long)work.live_at_start, (unsigned long)live, (long)(live - goal));
}

static void finish_stopped(int64_t t0);
static void publish(struct gcw *w);

/* GODEBUG=gcstoptheworld=1: nothing is concurrent but the sweep; 2: not even that. */
static void whole_cycle_stopped(int64_t t0)
{
    work.stop1_ns = 0;
    work.mark_ns = t0;
    mark_all_stopped();
    publish(p_self()->gcw);
    finish_stopped(t0);
}

static struct g *take_worker(void)
{
    lock(&gc_lock);
    struct g *gp = idle_workers;
    if (gp)
        idle_workers = gp->schedlink;
    unlock(&gc_lock);
    if (gp)
        gp->schedlink = NULL;
    return gp;
}

/* One to run next here, the others wherever there is room. */
static void wake_workers(void)
{
    struct g *first = take_worker();

    wake_list(&idle_workers);
    if (first)
        g_ready(first);
}

/* On g0, in a gate whose frame is read again afterwards: the stop may move the stack. False: a
 * cycle is running already. */
static bool start_g0(bool forced)
{
    if (!work.enabled || __atomic_exchange_n(&work.running, 1, __ATOMIC_SEQ_CST))
        return false;
    sweep_all();
    int64_t t0 = clock_mono_ns();
    time_hist_add(&gc_metrics.stopping, stw_begin(STW_GC_SWEEP_TERM));
    if (gc_pool_cleanup)
        go_call(gc_pool_cleanup, NULL, 0);
    work.forced = forced;
    work.bytes_marked = work.scan_work = 0;
    work.cpu_ns = work.idle_ns = 0;
    work.live_at_start = load(&gc.heap_live);
    stamp_caches();
    barrier_set(true);
    work.start_ns = t0;
    if (app->debug->gcstoptheworld) {
        whole_cycle_stopped(t0);
        return true;
    }
    work.roots = mark_roots_prepare();
    trace_pacer_begin();
    work.mark_ns = stw_end();
    work.stop1_ns = work.mark_ns - t0;
    time_hist_add(&gc_metrics.pauses, work.stop1_ns);
    wake_workers();
    return true;
}

/* While marking lasts allocation is slow: the sooner the workers run the better. So one of
 * them is next on this P, and the goroutine that has started the cycle gives way to it. */
void gc_start_if_wanted(void)
{
    struct g *gp = g_calling();

    if (!gc_wanted() || gc.phase != GC_OFF || m_self()->locks || !start_g0(false))
        return;
    __atomic_store_n(&gp->preempt, true, __ATOMIC_RELAXED);
    __atomic_store_n(&gp->stackguard0, STACK_PREEMPT, __ATOMIC_RELAXED);
}

/* ---- marking ----------------------------------------------------------------------------- */

/* There is work for one more worker. No locks held. */
static void wake_worker(void)
{
    if (!__atomic_load_n(&idle_workers, __ATOMIC_RELAXED) || !work_available())
        return;
    struct g *gp = take_worker();
    if (gp)
        g_ready_tail(gp);
}

static void publish(struct gcw *w)
{
    gcw_dispose(w);
    __atomic_add_fetch(&work.bytes_marked, w->bytes_marked, __ATOMIC_RELAXED);
    __atomic_add_fetch(&work.scan_work, w->scan_work, __ATOMIC_RELAXED);
    w->bytes_marked = w->scan_work = 0;
}

#define BATCH 32 /* objects between two looks at the clock and at who wants this CPU */

/* A few objects; false: none to be had. */
static bool mark_some(struct p *p)
{
    if (mark_queued(p->gcw, BATCH))
        return true;
    wbbuf_flush(p);
    return mark_queued(p->gcw, BATCH) != 0;
}

static void stop_if_asked(void)
{
    if (!__atomic_load_n(&sched.stopping, __ATOMIC_RELAXED))
        return;
    sched_stop_mid_gate();
}

/* A worker's slice. False: no work was left to take. idle: nobody else wants this P just now, so
 * giving way to a timer that is due costs nothing; against others the worker keeps its share. */
static bool drain(int64_t until, bool idle)
{
    for (;;) {
        stop_if_asked();
        if (gc.phase != GC_MARK || (idle && cpu_self()->pending))
            return true;
        if (!mark_root_next() && !mark_some(p_self()))
            return false;
        if (clock_mono_ns() > until)
            return true;
        if (__atomic_load_n(&idle_workers, __ATOMIC_RELAXED)) {
            gcw_balance(p_self()->gcw);
            wake_worker();
        }
    }
}

/* Nobody has work, and nobody can come by any but through the barrier's buffers. Who takes a
 * root is active until it is done, so the order of the questions matters. */
static bool looks_complete(void)
{
    return gc.phase == GC_MARK && mark_roots_taken() &&
           __atomic_load_n(&work.active, __ATOMIC_SEQ_CST) == 0 && !work_available();
}

static void finish_g0(void);

/* Marks for a slice with the goroutine WAITING, so that others may scan its stack. */
static bool worker_slice(struct g *gp)
{
    unsigned others = others_waiting(p_self());
    int64_t slice = others ? (int64_t)others * SLICE_UNIT_NS : SLICE_MAX_NS;
    int64_t t0 = clock_mono_ns();

    gp->wait_reason = WAIT_GC_WORKER_ACTIVE;
    g_status_set(gp, G_RUNNING, G_WAITING);
    bool more = drain(t0 + (slice < SLICE_MAX_NS ? slice : SLICE_MAX_NS), !others);
    publish(p_self()->gcw);
    g_status_set(gp, G_WAITING, G_RUNNING);
    __atomic_add_fetch(others ? &work.cpu_ns : &work.idle_ns, clock_mono_ns() - t0,
                       __ATOMIC_RELAXED);
    return more;
}

void rt_gc_worker(struct gc_worker_frame *f)
{
    struct g *gp = g_calling();

    (void)f;
    if (gc.phase != GC_MARK) {
        lock(&gc_lock);
        if (gc.phase != GC_MARK)
            park_on_locked(gp, &idle_workers, WAIT_GC_WORKER_IDLE);
        unlock(&gc_lock);
    }
    __atomic_add_fetch(&work.active, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&work.workers, 1, __ATOMIC_SEQ_CST);
    bool more = worker_slice(gp);
    __atomic_sub_fetch(&work.active, 1, __ATOMIC_SEQ_CST);
    uint32_t rest = __atomic_sub_fetch(&work.workers, 1, __ATOMIC_SEQ_CST);
    if (more) {
        wake_worker();
        step_back(gp);
    }
    if (looks_complete())
        finish_g0();
    else if (rest > 0) {
        lock(&gc_lock);
        park_on_locked(gp, &idle_workers, WAIT_GC_WORKER_IDLE);
    }
    step_back(gp);
}

/* Allocation that outruns the marking must wait for it: with nothing left to mark here, and past
 * the goal, only the end of the cycle helps. The same if another cycle is wanted before this one
 * has ended: a virtual CPU may be off its host for long while it flushes the caches. */
static bool must_wait(void)
{
    if (m_self()->locks)
        return false;
    if (gc.phase == GC_MARK)
        return load(&gc.heap_live) > load(&gc.goal);
    return __atomic_load_n(&work.ending, __ATOMIC_SEQ_CST) && gc_wanted();
}

bool gc_may_allocate(void) { return !must_wait(); }

bool gc_assist(struct g *gp, size_t size)
{
    uint64_t done = load(&work.scan_work), expect = work.last_marked + work.roots;
    uint64_t left = expect > done ? expect - done : 0;
    uint64_t debt = size > ASSIST_MIN ? size : ASSIST_MIN;
    uint64_t todo = debt * pacer_assist_ratio(left, load(&gc.heap_live), load(&gc.goal)) / 1024;
    struct p *p = p_self();
    uint64_t start = p->gcw->scan_work;
    int64_t t0 = clock_mono_ns();
    bool more = true;

    todo = todo < ASSIST_WORK_MAX ? todo : ASSIST_WORK_MAX;
    __atomic_add_fetch(&work.active, 1, __ATOMIC_SEQ_CST);
    while (more && p->gcw->scan_work - start < todo &&
           !__atomic_load_n(&sched.stopping, __ATOMIC_RELAXED))
        more = mark_some(p);
    publish(p->gcw);
    __atomic_sub_fetch(&work.active, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&gc_metrics.assist_ns, (uint64_t)(clock_mono_ns() - t0), __ATOMIC_RELAXED);
    if (!more && m_self()->locks == 0 && looks_complete())
        finish_g0();
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
        park_on_locked(gp, &assisters, WAIT_GC_ASSIST_WAIT);
    unlock(&gc_lock);
}

/* ---- the last stop ----------------------------------------------------------------------- */

/* World stopped: everything that Ps hold back is marked, if it is little. */
static bool drain_rest(void)
{
    struct p *mine = p_self();

    for (unsigned i = 0; i < CPU_MAX * 4 && allp[i]; i++) {
        wbbuf_flush(allp[i]);
        if (allp[i] != mine)
            publish(allp[i]->gcw);
    }
    uint64_t start = mine->gcw->scan_work;
    for (unsigned n = 0; n < STW_DRAIN; n += BATCH)
        if (mine->gcw->scan_work - start > STW_DRAIN_BYTES || !mark_some(mine))
            break;
    bool done = gcw_empty(mine->gcw) && !work_available();
    publish(mine->gcw);
    return done && !work_available();
}

/* Compares what the cycle has cost with the time since the one before. */
static void limit_cpu(void)
{
    int64_t now = clock_mono_ns();
    uint64_t assists = load(&gc_metrics.assist_ns);
    uint64_t cost = (uint64_t)(work.cpu_ns + work.idle_ns) + assists - work.assist_ns_then;

    work.relax = pacer_limiter(work.relax, cost, (uint64_t)(now - work.last_end_ns) * gomaxprocs);
    if (work.relax)
        gc_metrics.limiter_cycle = gc.cycles + 1;
    work.last_end_ns = now;
    work.assist_ns = assists - work.assist_ns_then;
    work.assist_ns_then = assists;
}

static void end_cycle(void)
{
    barrier_set(false);
    gc.heap_marked = work.last_marked = load(&work.bytes_marked);
    uint64_t live = load(&gc.heap_live);
    work.runway = live > work.live_at_start ? live - work.live_at_start : 0;
    sweep_begin();
    mprof_next_cycle();
    __atomic_store_n(&gc.heap_live, gc.heap_marked, __ATOMIC_RELAXED);
    __atomic_store_n(&gc.heap_scan, load(&work.scan_work), __ATOMIC_RELAXED);
    limit_cpu();
    pace();
}

static void count_cycle(int64_t stop2_ns)
{
    unsigned at = gc.cycles % GC_PAUSES;
    uint64_t pause = (uint64_t)(work.stop1_ns + stop2_ns);

    time_hist_add(&gc_metrics.pauses, stop2_ns);
    gc_metrics.worker_ns += (uint64_t)work.cpu_ns;
    gc_metrics.idle_worker_ns += (uint64_t)work.idle_ns;
    gc_metrics.scan_heap = load(&work.scan_work);
    gc_metrics.scan_stack = mheap_all_stacks();
    gc_metrics.scan_globals =
        work.roots - (work.roots < gc_metrics.scan_stack ? 0 : gc_metrics.scan_stack);
    gc.pause_ns[at] = pause;
    gc.last_wall_ns = gc.pause_end[at] = (uint64_t)clock_wall_ns();
    gc.pause_total_ns += pause;
    work.cpu_total_ns += work.cpu_ns + work.idle_ns + (int64_t)pause * gomaxprocs;
    gc.cpu_fraction = (double)work.cpu_total_ns / ((double)clock_mono_ns() * gomaxprocs);
    gc.forced += work.forced;
    __atomic_store_n(&gc.cycles, gc.cycles + 1, __ATOMIC_RELEASE);
}

static void print_ms(const char *before, int64_t ns)
{
    kprintf("%s%lu.%03lu", before, (unsigned long)(ns / 1000000),
            (unsigned long)(ns / 1000 % 1000));
}

/* GODEBUG=gctrace=1, in Go's format. */
static void trace(int64_t mark_ns, int64_t stop2_ns, uint64_t live_end)
{
    unsigned long mb = 1 << 20;

    kprintf("gc %u @%lu.%03lus %u%%: ", gc.cycles, (unsigned long)(work.start_ns / 1000000000),
            (unsigned long)(work.start_ns / 1000000 % 1000), (unsigned)(gc.cpu_fraction * 100));
    print_ms("", work.stop1_ns);
    print_ms("+", mark_ns);
    print_ms("+", stop2_ns);
    print_ms(" ms clock, ", work.stop1_ns * gomaxprocs);
    print_ms("+", (int64_t)work.assist_ns);
    print_ms("/", work.cpu_ns);
    print_ms("/", work.idle_ns);
    print_ms("+", stop2_ns * gomaxprocs);
    kprintf(" ms cpu, %lu->%lu->%lu MB, %lu MB goal, %lu MB stacks, %lu MB globals, %u P%s\n",
            (unsigned long)work.live_at_start / mb, (unsigned long)live_end / mb,
            (unsigned long)gc.heap_marked / mb, (unsigned long)gc.goal / mb,
            (unsigned long)mheap_all_stacks() / mb, (unsigned long)work.roots / mb, gomaxprocs,
            work.forced ? " (forced)" : "");
}

/* The world has been stopping since t0, and all is marked: the cycle ends. */
static void finish_stopped(int64_t t0)
{
    if (app->debug->gccheckmark)
        gc_checkmark();
    uint64_t live_end = load(&gc.heap_live), goal = load(&gc.goal);
    uint64_t expected = work.last_marked + work.roots;
    end_cycle();
    if (app->debug->gcstoptheworld >= 2) {
        sweep_cached();
        sweep_all();
    }
    __atomic_store_n(&work.ending, 1, __ATOMIC_SEQ_CST);
    int64_t t1 = stw_end();
    if (app->debug->gcstoptheworld < 2)
        sweep_cached();
    work_release();
    count_cycle(t1 - t0);
    mprof_flush();
    if (app->debug->gctrace)
        trace(t0 - work.mark_ns, t1 - t0, live_end);
    trace_pacer_end(live_end, goal, expected);
    __atomic_store_n(&work.running, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&work.ending, 0, __ATOMIC_SEQ_CST);
    wake_list(&waiters);
    wake_list(&assisters);
    wake_list(&sweeper);
}

static void finish_g0(void)
{
    if (__atomic_exchange_n(&work.finishing, 1, __ATOMIC_SEQ_CST))
        return;
    int64_t t0 = clock_mono_ns();
    time_hist_add(&gc_metrics.stopping, stw_begin(STW_GC_MARK_TERM));
    if (!looks_complete() || !drain_rest()) {
        stw_end();
        __atomic_store_n(&work.finishing, 0, __ATOMIC_SEQ_CST);
        return;
    }
    finish_stopped(t0);
    __atomic_store_n(&work.finishing, 0, __ATOMIC_SEQ_CST);
}

/* ---- the collection that nobody asks for ------------------------------------------------- */

static int64_t forced_period(void)
{
    return options.forcegc ? (int64_t)options.forcegc * 1000000 : FORCED_PERIOD_NS;
}

/* A program that hardly allocates still has finalizers, weak pointers and free memory: two
 * minutes after the last cycle there is one more. A background job. */
static void collect_if_old(void)
{
    int64_t due = (work.last_end_ns ? work.last_end_ns : clock_mono_ns()) + forced_period();

    if (due <= clock_mono_ns() && gc.percent >= 0) {
        if (start_g0(false) && app->debug->gctrace)
            kprintf("GC forced\n");
        due = clock_mono_ns() + forced_period();
    }
    background_at(collect_if_old, due > clock_mono_ns() ? due : clock_mono_ns() + forced_period());
}

/* ---- gates ------------------------------------------------------------------------------- */

/* The program has read GOGC and GOMEMLIMIT; package runtime is initialised. */
void rt_gc_enable(struct gc_enable_frame *f)
{
    struct mm_stats mm;

    mm_stats_read(&mm);
    work.ram_limit = mm.free_bytes + load(&mheap.committed);
    work.enabled = !app->debug->sbrk; /* then nothing is ever reclaimed */
    gc.percent = f->percent;
    gc.limit = f->limit;
    mprof_init(f->profile_rate);
    pace();
    background_at(collect_if_old, clock_mono_ns() + forced_period());
}

/* Says which cycle, when complete, will have begun after this call. running: one is under way
 * that began before: wait for that and ask again. */
void rt_gc_force(struct gc_force_frame *f)
{
    struct g *gp = g_calling();
    uint32_t cycle = __atomic_load_n(&gc.cycles, __ATOMIC_ACQUIRE) + 1;
    bool started = start_g0(f->forced);

    f = g_gate_frame(gp);
    f->cycle = cycle;
    f->running = !started && work.enabled;
}

void rt_gc_wait(struct gc_wait_frame *f)
{
    struct g *gp = g_calling();

    if (!work.enabled)
        return;
    lock(&gc_lock);
    if (__atomic_load_n(&gc.cycles, __ATOMIC_ACQUIRE) < (uint32_t)f->cycle &&
        __atomic_load_n(&work.running, __ATOMIC_SEQ_CST))
        park_on_locked(gp, &waiters, WAIT_FOR_GC);
    unlock(&gc_lock);
}

void rt_gc_sweep(struct gc_sweep_frame *f)
{
    f->more = true;
    for (int i = 0; i < 64 && f->more; i++)
        f->more = sweep_one() != ~0ul;
    if (!f->more) {
        sweep_all();
        mprof_flush_swept();
    }
    finq_wake();
}

void rt_gc_bgsweep(struct gc_bgsweep_frame *f)
{
    struct g *gp = g_calling();
    int64_t until = clock_mono_ns() + SLICE_UNIT_NS / 8;
    bool more = true;

    (void)f;
    while (more && clock_mono_ns() < until)
        more = sweep_one() != ~0ul;
    finq_wake();
    if (more)
        step_back(gp);
    lock(&gc_lock);
    if (sweep_pending()) {
        unlock(&gc_lock);
        return;
    }
    unlock(&gc_lock);
    scavenge_swept();
    lock(&gc_lock);
    if (sweep_pending()) {
        unlock(&gc_lock);
        return;
    }
    park_on_locked(gp, &sweeper, WAIT_GC_SWEEP_WAIT);
}

void rt_gc_set_percent(struct gc_set_percent_frame *f)
{
    f->old = gc.percent;
    gc.percent = f->percent < 0 ? -1 : f->percent;
    pace();
}

void rt_gc_set_limit(struct gc_set_limit_frame *f)
{
    f->old = gc.limit;
    if (f->limit >= 0)
        gc.limit = f->limit;
    pace();
    scavenge_to_limit();
}

void rt_pool_cleanup_set(struct pool_cleanup_set_frame *f) { gc_pool_cleanup = f->fn; }
