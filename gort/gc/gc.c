/* gc.c - the phases of a collection: gc.h.
 *
 *   start_g0         sweep what is left; stop the world; barrier on, caches stamped, roots
 *                    listed; start it
 *   drain            workers (one goroutine per P) and assists: roots, then grey objects
 *   gc_finish        when nobody has work: stop the world; flush the barriers' buffers; if that
 *                    gives much new work go on marking, else barrier off, sweep_gen += 2; start
 *                    it; flush the Ps' caches, which are stale now
 *
 * Who marks, and how much: worker.c. */
#include "gort/gc/gc.h"
#include "arch/x86_64/arch.h"
#include "gort/abi/app.h"
#include "gort/heap/hooks.h"
#include "gort/sched/background.h"
#include "gort/heap/mbitmap.h"
#include "gort/heap/mcache.h"
#include "gort/gc/metrics.h"
#include "gort/gc/final.h"
#include "gort/gc/cycle.h"
#include "gort/gc/leak.h"
#include "gort/gc/mark.h"
#include "gort/gc/pacer.h"
#include "gort/gc/root.h"
#include "gort/gc/trace.h"
#include "gort/heap/mheap.h"
#include "gort/heap/scavenge.h"
#include "gort/sched/sched.h"
#include "gort/heap/stackalloc.h"
#include "gort/gc/wbbuf.h"
#include "kernel/clock.h"
#include "kernel/options.h"
#include "kernel/print.h"
#include "rt_frames.h"

#define SWEEP_SLICE_NS  400000ll
#define STW_DRAIN       2000      /* objects that the last stop may still scan */
#define STW_DRAIN_BYTES (1ull << 20)
#define STACKS_STEP (1ull << 20)
#define TOUCHED_PART 64 /* of the RAM: when so much has been touched the goal is set anew */
#define FORCED_PERIOD_NS 120000000000ll

struct gc gc = { .trigger = ~0ul, .goal = ~0ul, .percent = 100, .limit = INT64_MAX };
struct gc_metrics gc_metrics;
void *gc_pool_cleanup;

struct lock gc_lock = LOCK_INIT("gc", RANK_GC);
struct g *gc_idle_workers, *gc_assisters;
static struct g *waiters, *sweeper; /* [gc_lock] parked, linked by schedlink */
/* [gc_lock] parked for want of memory: `wanting` wait for a collection that the sweeper is to run,
 * `served` for the end of the one that it runs. */
static struct g *wanting, *served;
static bool sweeper_runs; /* [atomic] since its first call */

struct gc_cycle gc_cycle;

static uint64_t load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }

void gc_init(void) { gc_roots_init(); }

/* ---- pacing ------------------------------------------------------------------------------ */

static uint64_t overhead(void)
{
    uint64_t in_use = load(&mheap.in_use);
    uint64_t frag = in_use > gc.heap_marked ? in_use - gc.heap_marked : 0;

    return load(&mheap.stacks) + load(&mheap.manual) + mheap_metadata() + frag / 2;
}

/* The program's limit is held against all that the heap has. The machine's is one of frames: what
 * nobody has touched has none. */
int64_t gc_limit_now(void)
{
    int64_t ram = (int64_t)(gc_cycle.ram_limit + load(&mheap.untouched) - load(&mheap.bss_touched));

    return gc.limit < ram ? gc.limit : ram;
}

static void pace(void)
{
    struct pacer_in in = { gc.percent, gc_limit_now(), gc.heap_marked, gc_cycle.roots, overhead(),
                           gc_cycle.runway };
    struct pacer_out out = pacer_compute(&in);

    __atomic_store_n(&gc.goal, out.goal, __ATOMIC_RELAXED);
    __atomic_store_n(&gc.trigger, gc_cycle.enabled ? out.trigger : ~0ul, __ATOMIC_RELAXED);
}

void gc_stacks_grew(void)
{
    static uint64_t paced; /* [atomic] bytes of stacks at the last time */
    uint64_t stacks = load(&mheap.stacks), seen = load(&paced);

    if (stacks < seen || stacks > seen + STACKS_STEP) {
        __atomic_store_n(&paced, stacks, __ATOMIC_RELAXED);
        pace();
    }
}

/* ---- parking and waking ------------------------------------------------------------------ */

void gc_wake_list(struct g **list)
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

_Noreturn void gc_park_locked(struct g *gp, struct g **list, enum wait_reason why)
{
    gp->schedlink = *list;
    *list = gp;
    g_park_g0(gp, &gc_lock, why);
}

_Noreturn void gc_step_back(struct g *gp)
{
    gp->wait_reason = WAIT_GC_WORKER_IDLE;
    g_status_set(gp, G_RUNNING, G_WAITING);
    g_ready_tail(gp);
    schedule();
}

/* The sweeper goes first: once gc_lock is free, gp may be served. */
void gc_wait_for_memory(struct g *gp)
{
    if (!__atomic_load_n(&sweeper_runs, __ATOMIC_RELAXED))
        return;
    gp->wanted_memory = true;
    lock(&gc_lock);
    struct g *s = sweeper;
    if (s) {
        sweeper = NULL;
        g_ready_tail(s);
    }
    gc_park_locked(gp, &wanting, WAIT_GC_ASSIST_WAIT);
}

/* Those who have wanted memory since the last time wait for the collection that is to come. */
static bool serve_wanting(void)
{
    lock(&gc_lock);
    served = wanting;
    wanting = NULL;
    bool any = served != NULL;
    unlock(&gc_lock);
    return any;
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

static void finish_stopped(int64_t t0);

/* GODEBUG=gcstoptheworld=1: nothing is concurrent but the sweep; 2: not even that. */
static void whole_cycle_stopped(int64_t t0)
{
    gc_cycle.stop1_ns = 0;
    gc_cycle.mark_ns = t0;
    mark_all_stopped();
    gc_publish(p_self()->gcw);
    finish_stopped(t0);
}

enum start { START_PACED, START_FORCED, START_LEAKS, START_LEAKS_MAIN_TOO };

/* On g0, in a gate whose frame is read again afterwards: the stop may move the stack. False: a
 * cycle is running already. */
static bool start_g0(enum start why)
{
    if (!gc_cycle.enabled || __atomic_exchange_n(&gc_cycle.running, 1, __ATOMIC_SEQ_CST))
        return false;
    sweep_all();
    int64_t t0 = clock_mono_ns();
    time_hist_add(&gc_metrics.stopping, stw_begin(STW_GC_SWEEP_TERM));
    if (gc_pool_cleanup)
        go_call(gc_pool_cleanup, NULL, 0);
    gc_cycle.forced = why != START_PACED;
    if (why >= START_LEAKS)
        leak_request(why == START_LEAKS_MAIN_TOO);
    gc_cycle.bytes_marked = gc_cycle.scan_work = 0;
    gc_cycle.scan_stack = gc_cycle.scan_globals = 0;
    gc_cycle.cpu_ns = gc_cycle.idle_ns = 0;
    gc_cycle.wanted = pacer_workers(gomaxprocs);
    gc_cycle.live_at_start = load(&gc.heap_live);
    stamp_caches();
    barrier_set(true);
    gc_cycle.start_ns = t0;
    if (app->debug->gcstoptheworld || leak_requested()) {
        whole_cycle_stopped(t0);
        return true;
    }
    gc_cycle.roots = mark_roots_prepare() + gc_metrics.scan_stack;
    gc_trace_begin();
    gc_cycle.mark_ns = stw_end();
    gc_cycle.stop1_ns = gc_cycle.mark_ns - t0;
    time_hist_add(&gc_metrics.pauses, gc_cycle.stop1_ns);
    gc_wake_workers();
    return true;
}

/* While marking lasts allocation is slow: the sooner the workers run the better. So one of
 * them is next on this P, and the goroutine that has started the cycle gives way to it. */
void gc_start_if_wanted(void)
{
    struct g *gp = g_calling();

    if (!gc_wanted() || gc.phase != GC_OFF || m_self()->locks || !start_g0(START_PACED))
        return;
    __atomic_store_n(&gp->preempt, true, __ATOMIC_RELAXED);
    __atomic_store_n(&gp->stackguard0, STACK_PREEMPT, __ATOMIC_RELAXED);
}

/* A service: a cycle that is due for what has been touched, not for what has been allocated. */
static void collect_if_wanted(void)
{
    if (gc_wanted())
        start_g0(START_PACED);
}

void gc_touched(void)
{
    static uint64_t paced;  /* [atomic] what limits had been raised by at the last time */
    uint64_t now = load(&mheap.untouched) - load(&mheap.bss_touched), seen = load(&paced);
    int64_t moved = (int64_t)(now - seen);

    if ((uint64_t)(moved < 0 ? -moved : moved) < gc_cycle.ram_limit / TOUCHED_PART)
        return;
    __atomic_store_n(&paced, now, __ATOMIC_RELAXED);
    pace();
    if (gc_wanted() && gc.phase == GC_OFF)
        background_at(collect_if_wanted, 1);
}

/* ---- the last stop ----------------------------------------------------------------------- */

/* World stopped: everything that Ps hold back is marked, if it is little. */
static bool drain_rest(void)
{
    struct p *mine = p_self();

    for (unsigned i = 0; i < CPU_MAX * 4 && allp[i]; i++) {
        wbbuf_flush(allp[i]);
        if (allp[i] != mine)
            gc_publish(allp[i]->gcw);
    }
    uint64_t start = mine->gcw->scan_work;
    for (unsigned n = 0; n < STW_DRAIN; n += GC_BATCH)
        if (mine->gcw->scan_work - start > STW_DRAIN_BYTES || !gc_mark_some(mine))
            break;
    bool done = gcw_empty(mine->gcw) && !work_available();
    gc_publish(mine->gcw);
    return done && !work_available();
}

static void count_assists(void)
{
    uint64_t assists = load(&gc_metrics.assist_ns);

    gc_cycle.last_end_ns = clock_mono_ns();
    gc_cycle.assist_ns = assists - gc_cycle.assist_ns_then;
    gc_cycle.assist_ns_then = assists;
}

static void end_cycle(void)
{
    barrier_set(false);
    gc.heap_marked = gc_cycle.last_marked = load(&gc_cycle.bytes_marked);
    uint64_t live = load(&gc.heap_live);
    gc_cycle.runway = live > gc_cycle.live_at_start ? live - gc_cycle.live_at_start : 0;
    sweep_begin();
    sched.gfree_due = sched.gfree_count;
    heap_hooks.cycle_marked();
    __atomic_store_n(&gc.heap_live, gc.heap_marked, __ATOMIC_RELAXED);
    gc_metrics.scan_stack = gc_cycle.scan_stack;
    gc_metrics.scan_globals = gc_cycle.scan_globals;
    gc_cycle.roots = gc_cycle.scan_stack + gc_cycle.scan_globals;
    gc_metrics.scan_heap = load(&gc_cycle.scan_work) - gc_cycle.roots;
    __atomic_store_n(&gc.heap_scan, gc_metrics.scan_heap, __ATOMIC_RELAXED);
    count_assists();
    gc_limiter_update();
    pace();
}

static void count_cycle(int64_t stop2_ns)
{
    unsigned at = gc.cycles % GC_PAUSES;
    uint64_t pause = (uint64_t)(gc_cycle.stop1_ns + stop2_ns);

    time_hist_add(&gc_metrics.pauses, stop2_ns);
    gc_metrics.pause_cpu_ns += pause * gomaxprocs;
    gc.pause_ns[at] = pause;
    gc.last_wall_ns = gc.pause_end[at] = (uint64_t)clock_wall_ns();
    gc.pause_total_ns += pause;
    gc_cycle.cpu_total_ns += gc_cycle.cpu_ns + gc_cycle.idle_ns + (int64_t)pause * gomaxprocs;
    gc.cpu_fraction = (double)gc_cycle.cpu_total_ns / ((double)clock_mono_ns() * gomaxprocs);
    gc.forced += gc_cycle.forced;
    __atomic_store_n(&gc.cycles, gc.cycles + 1, __ATOMIC_RELEASE);
}

/* The cycle ends in steps. First the phase: barrier off, what is unmarked is garbage from here on.
 * Returns when the world runs again. */
static int64_t end_phase(void)
{
    end_cycle();
    if (app->debug->gcstoptheworld >= 2) {
        sweep_cached();
        sweep_all();
    }
    __atomic_store_n(&gc_cycle.ending, 1, __ATOMIC_SEQ_CST);
    int64_t t = stw_end();
    if (app->debug->gcstoptheworld < 2)
        sweep_cached();
    return t;
}

/* Last: the next cycle may begin, and whoever waited for the end of this one goes on. */
static void let_go(void)
{
    __atomic_store_n(&gc_cycle.running, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&gc_cycle.ending, 0, __ATOMIC_SEQ_CST);
    gc_wake_list(&waiters);
    gc_wake_list(&gc_assisters);
    gc_wake_list(&sweeper);
}

/* The world has been stopping since t0, and all is marked. */
static void finish_stopped(int64_t t0)
{
    if (app->debug->gccheckmark)
        gc_checkmark();
    struct gc_trace trace = { .mark_ns = t0 - gc_cycle.mark_ns, .live = load(&gc.heap_live),
                              .goal = load(&gc.goal),
                              .expected = gc_cycle.last_marked + gc_cycle.roots };
    trace.stop2_ns = end_phase() - t0;
    stack_marking_done();
    work_release();
    count_cycle(trace.stop2_ns);
    heap_hooks.cycle_counted();
    gc_trace_end(&trace);
    let_go();
}

void gc_finish(void)
{
    if (__atomic_exchange_n(&gc_cycle.finishing, 1, __ATOMIC_SEQ_CST))
        return;
    int64_t t0 = clock_mono_ns();
    time_hist_add(&gc_metrics.stopping, stw_begin(STW_GC_MARK_TERM));
    if (!gc_looks_complete() || !drain_rest()) {
        stw_end();
        __atomic_store_n(&gc_cycle.finishing, 0, __ATOMIC_SEQ_CST);
        return;
    }
    finish_stopped(t0);
    __atomic_store_n(&gc_cycle.finishing, 0, __ATOMIC_SEQ_CST);
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
    int64_t due = (gc_cycle.last_end_ns ? gc_cycle.last_end_ns : clock_mono_ns()) + forced_period();

    if (due <= clock_mono_ns() && gc.percent >= 0) {
        if (start_g0(START_PACED) && app->debug->gctrace)
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
    gc_cycle.ram_limit = mm.free_bytes + load(&mheap.committed) - mm_kept();
    gc_cycle.enabled = !app->debug->sbrk; /* then nothing is ever reclaimed */
    gc.percent = f->percent;
    gc.limit = f->limit;
    heap_hooks.profile_init(f->profile_rate);
    pace();
    background_at(collect_if_old, clock_mono_ns() + forced_period());
}

/* Says which cycle, when complete, will have begun after this call. running: one is under way
 * that began before: wait for that and ask again. */
void rt_gc_force(struct gc_force_frame *f)
{
    struct g *gp = g_calling();
    uint32_t cycle = __atomic_load_n(&gc.cycles, __ATOMIC_ACQUIRE) + 1;
    bool started = start_g0(f->forced ? START_FORCED : START_PACED);

    f = g_gate_frame(gp);
    f->cycle = cycle;
    f->running = !started && gc_cycle.enabled;
}

/* A whole cycle, of which only sweeping is left. done: false if one is under way: wait for it. */
void rt_gc_find_leaks(struct gc_find_leaks_frame *f)
{
    struct g *gp = g_calling();
    bool done = start_g0(f->main_too ? START_LEAKS_MAIN_TOO : START_LEAKS);

    f = g_gate_frame(gp);
    f->done = done || !gc_cycle.enabled;
}

void rt_gc_leaks(struct gc_leaks_frame *f) { f->n = (int64_t)leak_count(); }

void rt_gc_wait(struct gc_wait_frame *f)
{
    struct g *gp = g_calling();

    if (!gc_cycle.enabled)
        return;
    lock(&gc_lock);
    if (__atomic_load_n(&gc.cycles, __ATOMIC_ACQUIRE) < (uint32_t)f->cycle &&
        __atomic_load_n(&gc_cycle.running, __ATOMIC_SEQ_CST))
        gc_park_locked(gp, &waiters, WAIT_FOR_GC);
    unlock(&gc_lock);
}

void rt_gc_sweep(struct gc_sweep_frame *f)
{
    f->more = true;
    for (int i = 0; i < 64 && f->more; i++)
        f->more = sweep_one() != ~0ul;
    if (!f->more) {
        sweep_all();
        heap_hooks.cycle_swept();
        f->more = gfree_drop_stacks();
    }
    finq_wake();
}

void rt_gc_bgsweep(struct gc_bgsweep_frame *f)
{
    struct g *gp = g_calling();
    int64_t until = clock_mono_ns() + SWEEP_SLICE_NS;
    bool more = true;

    __atomic_store_n(&sweeper_runs, true, __ATOMIC_RELAXED);
    if (f->collected)
        gc_wake_list(&served);
    f->collect = serve_wanting();
    if (f->collect)
        return;
    while (more && clock_mono_ns() < until)
        more = sweep_one() != ~0ul || gfree_drop_stacks();
    finq_wake();
    if (more)
        gc_step_back(gp);
    lock(&gc_lock);
    if (sweep_pending()) {
        unlock(&gc_lock);
        return;
    }
    unlock(&gc_lock);
    scavenge_swept();
    lock(&gc_lock);
    if (sweep_pending() || wanting) {
        unlock(&gc_lock);
        return;
    }
    gc_park_locked(gp, &sweeper, WAIT_GC_SWEEP_WAIT);
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
