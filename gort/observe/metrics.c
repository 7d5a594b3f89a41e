/* metrics.c - the raw numbers behind runtime/metrics that MemStats does not have. */
#include <string.h>
#include "gort/g.h"
#include "gort/gc/gc.h"
#include "gort/gc/metrics.h"
#include "gort/heap/malloc.h"
#include "gort/heap/mheap.h"
#include "gort/sched/metrics.h"
#include "gort/sched/sched.h"
#include "arch/x86_64/arch.h"
#include "kernel/clock.h"
#include "rt_frames.h"

/* metricsC of gort/overlay/metrics.go. */
struct metrics_raw {
    uint64_t percent, limit, goal, marked;
    uint64_t scan_heap, scan_stack, scan_globals;
    uint64_t mark_worker_ns, mark_idle_ns, mark_assist_ns, pause_cpu_ns, idle_ns, total_ns;
    uint64_t scavenge_assist_ns, scavenge_bg_ns;
    uint64_t cleanups_queued, cleanups_run, finalizers_queued, finalizers_run;
    uint64_t gomaxprocs, threads, created, goroutines;
    uint64_t in_syscall, runnable, running, waiting;
    uint64_t committed, limiter_cycle;
    uint64_t large_allocs, large_frees, small_allocs[NUM_CLASSES], small_frees[NUM_CLASSES];
    uint64_t mutex_wait_ns;
    struct time_hist pauses, stopping, pauses_other, stopping_other, latencies;
};

static uint64_t load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }

static void count_goroutines(struct metrics_raw *m)
{
    for (struct g *gp = __atomic_load_n(&allgs, __ATOMIC_ACQUIRE); gp; gp = gp->alllink) {
        if (gp->system)
            continue;
        switch (g_status(gp) & ~(uint32_t)G_SCAN) {
        case G_RUNNABLE:
        case G_PREEMPTED:
            m->runnable++;
            break;
        case G_RUNNING:
        case G_COPYSTACK:
            m->running++;
            break;
        case G_SYSCALL:
            m->in_syscall++;
            break;
        case G_WAITING:
            m->waiting++;
            break;
        default:
            break;
        }
    }
}

static void read_cpu(struct metrics_raw *m)
{
    int64_t now = clock_mono_ns();

    for (unsigned i = 0; i < ncpu; i++)
        m->idle_ns += cpu_idle_ns(cpus[i], now);
    m->total_ns = (uint64_t)now * ncpu;
    m->mark_worker_ns = load(&gc_metrics.worker_ns);
    m->mark_idle_ns = load(&gc_metrics.idle_worker_ns);
    m->mark_assist_ns = load(&gc_metrics.assist_ns);
    m->scavenge_assist_ns = load(&gc_metrics.scavenge_assist_ns);
    m->scavenge_bg_ns = load(&gc_metrics.scavenge_bg_ns);
    m->pause_cpu_ns = load(&gc_metrics.pause_cpu_ns);
}

/* With what CPUs have spun for the runtime's own locks. */
static uint64_t read_mutex_wait(void)
{
    uint64_t ticks = 0;

    for (unsigned i = 0; i < ncpu; i++)
        ticks += load(&cpus[i]->lock_wait);
    return (uint64_t)__atomic_load_n(&sched_metrics.mutex_wait_ns, __ATOMIC_RELAXED) +
           (uint64_t)((unsigned __int128)ticks * 1000000000u / clock_tsc_hz());
}

/* The world is stopped. */
static void read_counters(struct metrics_raw *m)
{
    m->percent = gc.percent < 0 ? ~0ul : (uint64_t)gc.percent;
    m->limit = (uint64_t)gc.limit;
    m->goal = load(&gc.goal);
    m->marked = gc.heap_marked;
    m->scan_heap = gc_metrics.scan_heap;
    m->scan_globals = gc_metrics.scan_globals;
    m->scan_stack = gc_metrics.scan_stack;
    m->cleanups_queued = load(&gc_metrics.cleanups_queued);
    m->cleanups_run = load(&gc_metrics.cleanups_run);
    m->finalizers_queued = load(&gc_metrics.finalizers_queued);
    m->finalizers_run = load(&gc_metrics.finalizers_run);
    m->gomaxprocs = gomaxprocs;
    m->threads = ncpu;
    m->created = load(&sched.goid_gen);
    m->goroutines = __atomic_load_n(&sched.gcount, __ATOMIC_RELAXED);
    m->committed = load(&mheap.committed);
    m->limiter_cycle = gc_metrics.limiter_cycle;
    m->large_allocs = load(&mheap.large_allocs);
    m->large_frees = load(&mheap.large_frees);
    memcpy(m->small_allocs, mheap.small_allocs, sizeof m->small_allocs);
    memcpy(m->small_frees, mheap.small_frees, sizeof m->small_frees);
    m->pauses = gc_metrics.pauses;
    m->stopping = gc_metrics.stopping;
    m->pauses_other = sched_metrics.pauses_other;
    m->stopping_other = sched_metrics.stopping_other;
    m->latencies = sched_metrics.latencies;
    m->mutex_wait_ns = read_mutex_wait();
    read_cpu(m);
}

/* Goroutines may be many: they are counted while they run. All other figures are of one instant. */
void rt_metrics_read(struct metrics_read_frame *f)
{
    struct g *gp = g_calling();
    struct metrics_raw *m = f->out;

    CHECK(f->size == sizeof *m, "metricsC has %ld bytes, not %zu", (long)f->size, sizeof *m);
    memset(m, 0, sizeof *m);
    count_goroutines(m);
    stw_begin(STW_STATS);
    f = g_gate_frame(gp); /* the stop may have moved the stack */
    read_counters(f->out);
    mem_stats_read(f->mem);
    stw_end();
}
