/* metrics.h - what the scheduler counts for runtime/metrics. */
#ifndef GORT_SCHED_METRICS_H
#define GORT_SCHED_METRICS_H

#include <stdint.h>
#include "gort/timehist.h"

struct sched_metrics {
    struct time_hist pauses_other, stopping_other; /* stops of the world not for the collector */
    struct time_hist latencies;            /* runnable until running, of one stop in eight */
    int64_t mutex_wait_ns;                 /* [atomic] in sync's locks, estimated likewise */
};
extern struct sched_metrics sched_metrics;

#endif
