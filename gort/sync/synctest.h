/* synctest.h - bubbles: goroutines with a clock of their own, for testing/synctest.
 *
 * A bubble is the goroutine that called synctest.Run (its root), the one that Run started
 * (main), and all that these start. Its clock stands still while any of them could run, or is
 * blocked on something that the outside can end. When all are durably blocked, on channels of
 * the bubble, in a select over such, in Sleep, Cond.Wait ..., somebody is woken:
 *
 *   a timer is due        root, which runs the bubble's timers
 *   somebody is in Wait   that goroutine
 *   otherwise             root, which moves the clock on to the next timer, or gives up
 *
 * `active` counts what keeps a bubble awake besides running goroutines: a park under way, and
 * a wake-up that its goroutine has not taken note of yet. A goroutine that is woken lowers it. */
#ifndef GORT_SYNC_SYNCTEST_H
#define GORT_SYNC_SYNCTEST_H

#include "gort/g.h"
#include "gort/time/bubble.h"

/* sched_hooks.bubble_*: with gp->bubble set; locks up to RANK_TIMER may be held. */
void bubble_join(struct g *gp);                           /* gp is new */
void bubble_leave(struct g *gp);                          /* gp has ended */
void bubble_park(struct g *gp, enum wait_reason why);     /* before it waits ... */
void bubble_parked(void *bubble);                         /* ... and when it does */
void bubble_unpark(struct g *gp);                         /* before it is made runnable */
bool wait_is_durable(enum wait_reason why);

/* Pointers of timers in bubbles' heaps: roots. World stopped. */
void bubbles_roots(void (*visit)(void *ctx, void *obj), void *ctx);

#endif
