/* ostimer.h - one-shot timers of system calls and poll descriptors, over gort/time/timer.h. */
#ifndef GORT_OS_OSTIMER_H
#define GORT_OS_OSTIMER_H

#include <stdint.h>

/* Never freed. fn(arg) on g0 without locks, at or after the deadline, perhaps also once after
 * os_timer_set(t, 0): fn looks at its deadline itself. */
void *os_timer_new(void (*fn)(void *), void *arg);
/* (Re)arms at clock_mono_ns() == when; 0 stops. Locks below RANK_TIMERS may be held. */
void os_timer_set(void *timer, int64_t when);

#endif
