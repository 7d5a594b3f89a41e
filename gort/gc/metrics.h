/* metrics.h - what the collector counts for runtime/metrics. */
#ifndef GORT_GC_METRICS_H
#define GORT_GC_METRICS_H

#include <stdint.h>
#include "gort/timehist.h"

struct gc_metrics {
    struct time_hist pauses, stopping;     /* each stop: all of it, and until the world stood */
    uint64_t worker_ns, idle_worker_ns, assist_ns; /* [atomic] CPU time of marking */
    uint64_t idle_waited_ns;               /* [atomic] part of idle_worker_ns: somebody waited */
    uint64_t pause_cpu_ns;                 /* of all CPUs */
    uint64_t scavenge_assist_ns, scavenge_bg_ns;   /* [atomic] of giving memory back */
    uint64_t scan_heap, scan_stack, scan_globals; /* bytes, of the last cycle */
    uint64_t limiter_cycle;                /* last cycle in which gc_limiting began */
    uint64_t finalizers_queued, finalizers_run, cleanups_queued, cleanups_run; /* [atomic] */
};
extern struct gc_metrics gc_metrics;

#endif
