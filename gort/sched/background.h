/* background.h - what the runtime does now and then without being called.
 *
 * Whichever CPU comes through schedule() first once a job is due sees to it; the timer interrupt
 * brings it there. Two kinds:
 *
 *   jobs of the scheduler   run right there, on g0 with a P and no goroutine, as sysmon's do in Go
 *                           on Linux: what shows the state of the scheduler must not change it
 *   services                run by a C goroutine (capp/services.c), which takes its turn among the
 *                           others, may be preempted between calls of the kernel, and is seen with
 *                           GOTRACEBACK=system: the scavenger, the collection every two minutes
 *
 * None of them are timers of the program's: a deadlock is one although a job is still to come. */
#ifndef GORT_SCHED_BACKGROUND_H
#define GORT_SCHED_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

/* Runs fn every period ns, for the first time at once. Boot, or a gate. */
void background_every(int64_t period, void (*fn)(void));
/* Runs fn once, soon. Any context, interrupts too; fn is one of a few. Asked for again before it
 * has begun: still once. */
void background_ask(void (*fn)(void));
/* A service: fn is called once, not before `when` (clock_mono_ns), on g0 as in a gate. Gates and
 * services. Boot: before services_start it waits. */
void background_at(void (*fn)(void), int64_t when);
#define BACKGROUND_JOBS 8
/* For the goroutine of the services (capp/services.c): job i, if it is a service and is to be
 * called now; else NULL. */
void (*background_take(unsigned i))(void);
extern int64_t background_soonest; /* [atomic] */
#define BACKGROUND_ASKED 1 /* its time, when it is due at once */
/* When the next job is due: clock_mono_ns, INT64_MAX = none. Any context. */
static inline int64_t background_next(void)
{
    return __atomic_load_n(&background_soonest, __ATOMIC_SEQ_CST);
}
/* Runs what is due, or readies the services' goroutine. May cost the CPU its P (a job may stop the
 * world): look again. True if something was due. g0, no locks, no current goroutine. */
bool background_run(void);

#endif
