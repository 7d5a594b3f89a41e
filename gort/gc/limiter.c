/* limiter.c - what collecting costs against what the program gets: pacer_limiter_add in pacer.h.
 *
 * Counted are, of all CPUs together: for the collector its workers (those that run on a CPU that
 * nobody else wants only while somebody who allocates waits for them), assists and stops of the
 * world; for the program all else but what the CPUs idle. */
#include "arch/x86_64/arch.h"
#include "gort/gc/cycle.h"
#include "gort/gc/gc.h"
#include "gort/gc/metrics.h"
#include "gort/sched/sched.h"
#include "kernel/clock.h"

#define PERIOD_NS 1000000ll /* the bucket is looked at no more often */

struct cpu_time { uint64_t all, collector, idle; }; /* ns since boot */

static struct pacer_limiter limiter;    /* [updating] */
static struct cpu_time seen;            /* [updating] at the last update */
static int64_t seen_ns;                 /* [atomic] when that was */
static uint32_t updating;               /* [atomic] */

static uint64_t load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }

static struct cpu_time read_time(int64_t now)
{
    uint64_t waited_for = load(&gc_metrics.idle_waited_ns);
    struct cpu_time t = { .all = (uint64_t)now * ncpu };

    t.collector = load(&gc_metrics.worker_ns) + load(&gc_metrics.assist_ns) +
                  load(&gc_metrics.pause_cpu_ns) + waited_for;
    t.idle = load(&gc_metrics.idle_worker_ns) - waited_for;
    for (unsigned i = 0; i < ncpu; i++)
        t.idle += cpu_idle_ns(cpus[i], now);
    return t;
}

static uint64_t rise(uint64_t now, uint64_t then) { return now > then ? now - then : 0; }

static void update(int64_t now)
{
    struct cpu_time t = read_time(now);
    uint64_t collector = rise(t.collector, seen.collector);
    uint64_t other = collector + rise(t.idle, seen.idle);
    bool was = limiter.limiting;

    pacer_limiter_add(&limiter, collector, rise(t.all - seen.all, other), gomaxprocs);
    if (limiter.limiting && !was)
        gc_metrics.limiter_cycle = gc.cycles + (gc.phase != GC_OFF);
    seen = t;
    __atomic_store_n(&seen_ns, now, __ATOMIC_RELAXED);
}

void gc_limiter_update(void)
{
    int64_t now = clock_mono_ns();

    if (now - __atomic_load_n(&seen_ns, __ATOMIC_RELAXED) < PERIOD_NS ||
        __atomic_exchange_n(&updating, 1, __ATOMIC_ACQUIRE))
        return;
    update(now);
    __atomic_store_n(&updating, 0, __ATOMIC_RELEASE);
}

bool gc_limiting(void) { return __atomic_load_n(&limiter.limiting, __ATOMIC_RELAXED); }
