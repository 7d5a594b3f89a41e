/* wheel.h - timers of the stack: a hierarchical wheel per CPU, slots of a millisecond.
 *
 *   level 0: 256 x 1 ms    level 1: 256 x 256 ms    level 2: 256 x 65.5 s (4.6 hours)
 *
 * Starting and stopping is O(1). A timer fires never early and at most 1 ms late of its slot (a
 * deadline beyond the last level fires at its end; its owner looks at its own clock and starts it
 * again, as owners do whose deadline has moved). A timer that is armed is owned by the wheel:
 * its owner holds a reference for it. */
#ifndef NET_WHEEL_H
#define NET_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

struct net_timer {
    struct net_timer *next, **pprev; /* [wheel.lock] */
    int64_t due;                     /* [wheel.lock] ms */
    void (*fire)(struct net_timer *t); /* [const] no lock held; the wheel's claim passes to it */
    uint16_t cpu;                    /* [wheel.lock] whose wheel */
    bool armed;                      /* [wheel.lock], read by the owner under its own lock */
};

#define WHEEL_NEVER INT64_MAX

void wheel_init(void);
/* Arms t on this CPU for due_ns, or moves it. True: it was not armed, so the wheel has a claim
 * on its owner from now on. The owner's lock is held, so that starts and stops take turns. */
bool wheel_start(struct net_timer *t, int64_t due_ns);
/* True: it was armed and is not any more, so the wheel's claim is the caller's. False: it was
 * not, or fire is about to run and will find the owner's lock taken. */
bool wheel_stop(struct net_timer *t);

#endif
