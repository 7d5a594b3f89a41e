/* timehist.h - counts of durations, as runtime/metrics shows them: buckets that double from
 * 256 ns on, each in four equal parts, with one bucket below 0 and one above 2^47 ns. The
 * same borders are computed by timeHistBuckets in gort/overlay/metricvalue.go. */
#ifndef GORT_TIMEHIST_H
#define GORT_TIMEHIST_H

#include <stdint.h>

#define TIME_HIST_MIN_BITS 9
#define TIME_HIST_MAX_BITS 48
#define TIME_HIST_BUCKETS  ((TIME_HIST_MAX_BITS - TIME_HIST_MIN_BITS + 1) * 4 + 2)

struct time_hist { uint64_t count[TIME_HIST_BUCKETS]; }; /* [atomic] */

static inline unsigned time_hist_bucket(int64_t ns)
{
    if (ns < 0)
        return 0;
    unsigned bits = ns ? 64 - (unsigned)__builtin_clzll((uint64_t)ns) : 0;
    if (bits < TIME_HIST_MIN_BITS)
        return 1 + (unsigned)(ns >> (TIME_HIST_MIN_BITS - 3));
    if (bits >= TIME_HIST_MAX_BITS)
        return TIME_HIST_BUCKETS - 1;
    return (bits - TIME_HIST_MIN_BITS + 1) * 4 + 1 + (unsigned)(ns >> (bits - 3) & 3);
}

static inline void time_hist_add(struct time_hist *h, int64_t ns)
{
    __atomic_add_fetch(&h->count[time_hist_bucket(ns)], 1, __ATOMIC_RELAXED);
}

#endif
