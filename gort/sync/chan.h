/* chan.h - channels: what chan.c, select.c and timer.c know of each other.
 *
 *   hchan --buf--> ring of dataqsiz elements          (sendx, recvx, qcount)
 *     |---recvq--> sudog <-> sudog ...  goroutines that wait for a value
 *     `---sendq--> sudog <-> sudog ...  goroutines that wait for room, with their values
 *
 * A channel is one object of the Go heap, made by makechan in overlay/chan.go; its lock and
 * its queues are C's. At least one queue is empty, unless one select both sends and receives
 * on the channel. A value in the ring means that nobody waits to receive; room in the ring,
 * that nobody waits to send.
 *
 * Parking. A gate that must wait writes CHAN_PARKED as its status and parks with the channel
 * locked. The waker hands over the value (into the waiter's stack: it stands still as long as
 * the channel is locked), sets sudog.success and g.param, and readies it: it writes nothing
 * else of the waiter, whose stack the collector may move once the channel is unlocked. Who waits
 * in a select, for a timer, or is timed for the block profile calls a second gate then
 * (selectwoken, chanwoken), which frees its sudogs and learns the result. For the others
 * (g.on_wake) execute() does that, before they run again: a stack is its goroutine's CPU's by
 * then, and the status in the gate's frame becomes what came of the wait. So no C state
 * survives a park but what g.waiting leads to. */
#ifndef GORT_SYNC_CHAN_H
#define GORT_SYNC_CHAN_H

#include <stdbool.h>
#include <stdint.h>
#include "gort/g.h"
#include "gort/hchan.h"
#include "gort/heap/typedmem.h"

enum chan_status {
    CHAN_WOULD_BLOCK, /* non-blocking: nothing done */
    CHAN_DONE,        /* sent, or a value received */
    CHAN_CLOSED,      /* received the zero value; or a send that must panic */
    CHAN_PARKED,      /* was parked, and the rest is left to do: call chanwoken/selectwoken */
    CHAN_TIMER,       /* timer of the channel is due: call its function, then try again */
};

/* sudog.c. Acquired ones are zeroed. g0, locks below RANK_SUDOG may be held. */
struct sudog *sudog_acquire(void);
void sudog_release(struct sudog *s);

/* gp's own sudog, for waiting on one thing. Whoever takes it off a queue leaves its links NULL. */
static inline struct sudog *sudog_own(struct g *gp)
{
    if (__builtin_expect(!gp->own, 0))
        gp->own = sudog_acquire();
    CHECK(!gp->own->g, "g %lu: waits twice", (unsigned long)gp->goid);
    gp->own->g = gp;
    return gp->own;
}

static inline void sudog_own_done(struct sudog *s)
{
    s->g = NULL;
    s->c = NULL;
}

/* ---- with the channel locked (chan.c) ------------------------------------------------ */
void sudogq_push(struct sudogq *q, struct sudog *s);
/* First waiter that is still to be had (a select that another channel has woken is not). */
struct sudog *sudogq_pop(struct sudogq *q);
void sudogq_remove(struct sudogq *q, struct sudog *s);
static inline void *ring_slot(const struct hchan *c, uint64_t i)
{
    return (char *)c->buf + i * c->elemsize;
}

static inline uint64_t ring_after(const struct hchan *c, uint64_t i)
{
    return i + 1 == c->dataqsiz ? 0 : i + 1;
}

static inline void ring_put(struct hchan *c, const void *elem)
{
    typed_move(c->elemtype, ring_slot(c, c->sendx), elem);
    c->sendx = ring_after(c, c->sendx);
    __atomic_store_n(&c->qcount, c->qcount + 1, __ATOMIC_RELEASE);
}

static inline void ring_get(struct hchan *c, void *elem) /* elem may be NULL */
{
    void *from = ring_slot(c, c->recvx);

    if (elem)
        typed_move(c->elemtype, elem, from);
    typed_clear(c->elemtype, from);
    c->recvx = ring_after(c, c->recvx);
    __atomic_store_n(&c->qcount, c->qcount - 1, __ATOMIC_RELEASE);
}

/* s, just taken from the queue, gets *elem / gives its value to elem. Call chan_wake after
 * unlocking. */
void chan_hand_to(struct hchan *c, struct sudog *s, const void *elem);
void chan_take_from(struct hchan *c, struct sudog *s, void *elem);
/* Empties the ring of a timer's channel. True if there was anything. */
bool chan_drain(struct hchan *c);

/* ---- unlocked --------------------------------------------------------------------------- */
void chan_wake(struct sudog *s, bool success);
/* Held by gp's select from its queueing until it is parked. */
struct lock *select_lock(const struct g *gp);
void chan_zero(const struct hchan *c, void *elem); /* elem may be NULL */

#endif
