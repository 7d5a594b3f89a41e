/* trace.h - what GODEBUG=gctrace=1 and gcpacertrace=1 print. */
#ifndef GORT_GC_TRACE_H
#define GORT_GC_TRACE_H

#include <stdint.h>

/* Of a cycle that has ended, what is gone from gc and gc_cycle by then. Bytes. */
struct gc_trace {
    int64_t mark_ns, stop2_ns;       /* concurrent marking; the last stop */
    uint64_t live, goal, expected;   /* gc.heap_live and gc.goal before it; work expected */
};

/* The world is stopped: marking begins. */
void gc_trace_begin(void);
/* The cycle is counted (gc.cycles). */
void gc_trace_end(const struct gc_trace *t);

#endif
