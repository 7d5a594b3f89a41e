/* ostimer.h - one-shot timers of system calls and poll descriptors, over gort/time/timer.h. */
#ifndef GORT_OS_OSTIMER_H
#define GORT_OS_OSTIMER_H

#include <stdint.h>

/* A timer, never freed once it has been set; NULL: no memory. fn(arg) on g0 without locks, at or
 * after the deadline, perhaps also once after os_timer_set(t, 0): fn looks at its deadline. */
void *os_timer_new(void (*fn)(void *), void *arg);
void os_timer_free(void *timer);
/* (Re)arms at clock_mono_ns() == when; 0 stops. Locks below RANK_TIMERS may be held. */
void os_timer_set(void *timer, int64_t when);

#endif
