/* metrics.h - what collector and scheduler count for runtime/metrics. */
#ifndef GORT_OBSERVE_METRICS_H
#define GORT_OBSERVE_METRICS_H

#include <stdint.h>
#include "gort/observe/timehist.h"

struct gc_metrics {
    struct time_hist pauses, stopping;     /* each stop: all of it, and until the world stood */
    uint64_t worker_ns, idle_worker_ns, assist_ns; /* [atomic] CPU time of marking */
    uint64_t pause_cpu_ns;                 /* of all CPUs */
    uint64_t scavenge_assist_ns, scavenge_bg_ns;   /* [atomic] of giving memory back */
    uint64_t scan_heap, scan_stack, scan_globals; /* bytes, of the last cycle */
    uint64_t limiter_cycle;                /* last cycle that pacer_limiter made room after */
    uint64_t finalizers_queued, finalizers_run, cleanups_queued, cleanups_run; /* [atomic] */
};
extern struct gc_metrics gc_metrics;

struct sched_metrics {
    struct time_hist pauses_other, stopping_other; /* stops of the world not for the collector */
    struct time_hist latencies;            /* runnable until running, of one stop in eight */
    int64_t mutex_wait_ns;                 /* [atomic] in sync's locks, estimated likewise */
};
extern struct sched_metrics sched_metrics;

#endif
