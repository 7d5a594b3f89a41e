/* background.h - what the scheduler itself does now and then, as sysmon does in Go on Linux.
 *
 * Jobs are run in schedule(), on g0 with a P and no goroutine, by whichever CPU comes first once
 * one is due; the timer interrupt brings it there. They are no timers of the program's: a deadlock
 * is one although a job is still to come. */
#ifndef GORT_BACKGROUND_H
#define GORT_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

/* Runs fn every period ns, for the first time at once. Boot, or a gate. */
void background_every(int64_t period, void (*fn)(void));
/* Runs fn once, soon. Any context, interrupts too; fn is one of a few. Asked for again before it
 * has begun: still once. */
void background_ask(void (*fn)(void));
/* The same, not before `when` (clock_mono_ns). Gates and jobs. */
void background_at(void (*fn)(void), int64_t when);
extern int64_t background_soonest; /* [atomic] */
#define BACKGROUND_ASKED 1 /* its time, when it is due at once */
/* When the next job is due: clock_mono_ns, INT64_MAX = none. Any context. */
static inline int64_t background_next(void)
{
    return __atomic_load_n(&background_soonest, __ATOMIC_SEQ_CST);
}
/* Runs what is due. May cost the CPU its P (a job may stop the world): look again. True if
 * something ran. g0, no locks, no current goroutine. */
bool background_run(void);

#endif
