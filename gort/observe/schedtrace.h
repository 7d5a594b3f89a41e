/* schedtrace.h - GODEBUG=schedtrace=N,scheddetail=1: the scheduler's state as text, in the
 * format of Go's runtime. */
#ifndef GORT_OBSERVE_SCHEDTRACE_H
#define GORT_OBSERVE_SCHEDTRACE_H

#include <stdbool.h>

/* One state. Reads without locks what other CPUs change: numbers need not fit together. g0. */
void sched_trace(bool detail);
/* Before a fatal error's message, if GODEBUG asks for traces at all. */
void sched_trace_dying(void);
/* What the serial key shows: CPUs, goroutines. Stops the world for it. g0, no locks. */
void sched_dump(void);

#endif
