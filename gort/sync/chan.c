/* chan.c - send, receive, close. The picture and the parking protocol are in chan.h. After Go's
 * chan.go: a ring, two queues of sudogs, values handed over directly.
 *
 * Write barriers. A value that goes between goroutines directly is the one case in which one
 * goroutine's stack is written by another: the collector thinks of a scanned stack as black.
 * So the pointers in such a value, and those that it overwrites, are shaded (typedmem.c).
 *
 * Timer channels look unbuffered but have one buffered element that Stop and Reset can take
 * back. The timer's function (time.sendTime, Go) sends without blocking, and no lock can be
 * held while Go code runs: a firing therefore carries the timer's `seq` along in its g, and
 * the send, under the channel's lock, is dropped if `seq` has moved on. */
#include "gort/sync/chan.h"
#include <stddef.h>
#include "gort/abi/leaf.h"
#include "gort/dying.h"
#include "gort/heap/typedmem.h"
#include "gort/sync/synctest.h"
#include "gort/sync/waitprof.h"
#include "gort/time/timer.h"
#include "gort/sched/sched.h"
#include "rt_frames.h"

/* overlay/chan.go has these as numbers. */
_Static_assert(sizeof(struct hchan) == 120 && offsetof(struct hchan, lock) == 104, "hchan");
_Static_assert(RANK_HCHAN == 50, "makechan in overlay/chan.go sets this lock rank");

/* ---- queues ------------------------------------------------------------------------------ */

void sudogq_push(struct sudogq *q, struct sudog *s)
{
    s->next = NULL;
    s->prev = q->last;
    if (q->last)
        q->last->next = s;
    else
        __atomic_store_n(&q->first, s, __ATOMIC_RELAXED); /* overlay looks without the lock */
    q->last = s;
}

void sudogq_remove(struct sudogq *q, struct sudog *s)
{
    if (!s->prev && !s->next && q->first != s)
        return; /* its waker was about to take it and lost the race */
    if (s->prev)
        s->prev->next = s->next;
    else
        __atomic_store_n(&q->first, s->next, __ATOMIC_RELAXED);
    if (s->next)
        s->next->prev = s->prev;
    else
        q->last = s->prev;
    s->next = s->prev = NULL;
}

struct sudog *sudogq_pop(struct sudogq *q)
{
    struct sudog *s;

    while ((s = q->first)) {
        uint32_t waiting = 0;
        sudogq_remove(q, s);
        if (!s->is_select ||
            __atomic_compare_exchange_n(&s->g->select_done, &waiting, 1, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return s;
    }
    return NULL;
}

/* ---- elements ------------------------------------------------------------------------------ */

bool chan_drain(struct hchan *c)
{
    bool any = c->qcount > 0;

    while (c->qcount > 0)
        ring_get(c, NULL);
    return any;
}

void chan_zero(const struct hchan *c, void *elem)
{
    if (elem)
        typed_clear(c->elemtype, elem);
}

void chan_hand_to(struct hchan *c, struct sudog *s, const void *elem)
{
    if (s->elem)
        typed_move(c->elemtype, s->elem, elem);
    s->elem = NULL;
}

/* With a ring, which is full: its head for us, the waiter's value into the slot that becomes
 * free, which is the new tail. */
void chan_take_from(struct hchan *c, struct sudog *s, void *elem)
{
    if (c->dataqsiz) {
        ring_get(c, elem);
        ring_put(c, s->elem);
    } else if (elem) {
        typed_move(c->elemtype, elem, s->elem);
    }
    s->elem = NULL;
}

/* ---- parking and waking --------------------------------------------------------------------- */

/* sudog.ticket of one who receives or sends: how many frames of ours are on its stack. */
enum { FRAMES_SEND = 1, FRAMES_RECV };

/* gp, the caller, waits in q of c, which is locked. active_stack_chans stands before the
 * status changes, so whoever moves gp's stack finds that it must lock c. */
_Noreturn static void chan_park(struct g *gp, struct hchan *c, struct sudogq *q, void *elem,
                                enum wait_reason why)
{
    struct sudog *s = sudog_own(gp);

    s->elem = elem;
    s->c = c;
    gp->waiting = s;
    gp->param = NULL;
    gp->active_stack_chans = true;
    s->ticket = q == &c->recvq ? FRAMES_RECV : FRAMES_SEND;
    block_start(gp);
    sudogq_push(q, s);
    if (c->timer)
        timer_chan_block(c->timer);
    g_park_g0(gp, &c->lock, why);
}

/* gp waits no longer. How it went. */
static uint32_t wait_end(struct g *gp, struct sudog *s)
{
    CHECK(s && s == gp->waiting && s == gp->param && !s->elem,
          "g %lu: woken by %p, waited with %p", (unsigned long)gp->goid, gp->param,
          (void *)gp->waiting);
    gp->waiting = NULL;
    gp->param = NULL;
    gp->active_stack_chans = false;
    sudog_own_done(s);
    return s->success ? CHAN_DONE : CHAN_CLOSED;
}

/* gp.on_wake: gp is about to run, and its wait ends. */
static void chan_waited(struct g *gp)
{
    struct sudog *s = gp->own;
    void *frame = g_gate_frame(gp);

    if (s->ticket == FRAMES_RECV)
        ((struct chanrecvg_frame *)frame)->status = wait_end(gp, s);
    else
        ((struct chansendg_frame *)frame)->status = wait_end(gp, s);
}

void chan_wake(struct sudog *s, bool success)
{
    struct g *gp = s->g;

    gp->param = s;
    s->success = success;
    if (s->is_select) { /* it may still be between its unlocks and its parking */
        lock(select_lock(gp));
        unlock(select_lock(gp));
    } else {
        gp->on_wake = !s->c->timer && !gp->block_since ? chan_waited : NULL;
    }
    g_ready(gp);
}

void rt_chanwoken(struct chanwoken_frame *f)
{
    struct g *gp = g_calling();
    struct sudog *s = gp->waiting;

    CHECK(s && s->c == f->c, "g %lu: waited on %p", (unsigned long)gp->goid, (void *)f->c);
    if (f->c->timer)
        timer_chan_unblock(f->c->timer);
    f->status = wait_end(gp, s);
    block_done(gp, s->ticket);
}

/* A bubble's channels are its own. */
static void bubble_check(struct g *gp, const struct hchan *c, const char *what)
{
    if (c->bubble && c->bubble != gp->bubble)
        gate_panic(gp, GATE_FATAL, what);
}

/* ---- leaves: what need not wait, see leaf.h ---------------------------------------------- */

/* Somebody waits for c, or it is closed: true if that has taken *elem. Unlocks. */
static __attribute__((noinline)) bool send_locked(struct hchan *c, const void *elem)
{
    struct sudog *s = c->closed ? NULL : sudogq_pop(&c->recvq);
    bool room = !c->closed && c->qcount < c->dataqsiz; /* all that waited were called elsewhere */

    if (s)
        chan_hand_to(c, s, elem);
    else if (room)
        ring_put(c, elem);
    unlock(&c->lock);
    if (s)
        chan_wake(s, true);
    return s || room;
}

/* c <- *elem, if somebody waits for it or the ring has room. The first look is without the
 * lock: whatever it sees, the gate looks again. */
uint64_t chansend_leaf(struct hchan *c, const void *elem)
{
    if (!c || c->timer || c->bubble ||
        (__atomic_load_n(&c->qcount, __ATOMIC_RELAXED) == c->dataqsiz &&
         !__atomic_load_n(&c->recvq.first, __ATOMIC_RELAXED)))
        return false;
    lock(&c->lock);
    if (c->closed || c->recvq.first)
        return send_locked(c, elem);
    bool room = c->qcount < c->dataqsiz;
    if (room)
        ring_put(c, elem);
    unlock(&c->lock);
    return room;
}

/* Somebody waits to send: true if there was a value. Unlocks. */
static __attribute__((noinline)) bool recv_locked(struct hchan *c, void *elem)
{
    struct sudog *s = c->closed ? NULL : sudogq_pop(&c->sendq);
    bool any = c->qcount > 0;

    if (s)
        chan_take_from(c, s, elem);
    else if (any)
        ring_get(c, elem);
    unlock(&c->lock);
    if (s)
        chan_wake(s, true);
    return s || any;
}

/* *elem = <-c, if there is a value. */
uint64_t chanrecv_leaf(struct hchan *c, void *elem)
{
    if (!c || c->timer || c->bubble ||
        (__atomic_load_n(&c->qcount, __ATOMIC_RELAXED) == 0 &&
         !__atomic_load_n(&c->sendq.first, __ATOMIC_RELAXED)))
        return false;
    lock(&c->lock);
    if (c->sendq.first)
        return recv_locked(c, elem);
    bool any = c->qcount > 0;
    if (any)
        ring_get(c, elem);
    unlock(&c->lock);
    return any;
}

/* ---- gates ------------------------------------------------------------------------------ */

/* c <- *elem */
void rt_chansendg(struct chansendg_frame *f)
{
    struct g *gp = g_calling();
    struct hchan *c = f->c;
    struct sudog *s;

    if (!c)
        g_park_g0(gp, NULL, WAIT_CHAN_SEND_NIL);
    bubble_check(gp, c, "send on synctest channel from outside bubble");
    lock(&c->lock);
    if (c->timer && !timer_chan_may_send(c->timer, gp)) {
        unlock(&c->lock);
        f->status = CHAN_WOULD_BLOCK;
    } else if (c->closed) {
        unlock(&c->lock);
        f->status = CHAN_CLOSED;
    } else if ((s = sudogq_pop(&c->recvq))) {
        chan_hand_to(c, s, f->elem);
        unlock(&c->lock);
        f->status = CHAN_DONE;
        chan_wake(s, true);
    } else if (c->qcount < c->dataqsiz) {
        ring_put(c, f->elem);
        unlock(&c->lock);
        f->status = CHAN_DONE;
    } else if (!f->block) {
        unlock(&c->lock);
        f->status = CHAN_WOULD_BLOCK;
    } else {
        f->status = CHAN_PARKED;
        chan_park(gp, c, &c->sendq, f->elem,
                  c->bubble ? WAIT_SYNCTEST_CHAN_SEND : WAIT_CHAN_SEND);
    }
}

/* *elem = <-c */
void rt_chanrecvg(struct chanrecvg_frame *f)
{
    struct g *gp = g_calling();
    struct hchan *c = f->c;
    struct sudog *s;

    if (!c)
        g_park_g0(gp, NULL, WAIT_CHAN_RECV_NIL);
    bubble_check(gp, c, "receive on synctest channel from outside bubble");
    if (c->timer && __atomic_load_n(&c->qcount, __ATOMIC_RELAXED) == 0 &&
        timer_chan_claim(c->timer, gp, &f->delay)) {
        f->status = CHAN_TIMER;
        return;
    }
    lock(&c->lock);
    if (c->closed && c->qcount == 0) {
        unlock(&c->lock);
        chan_zero(c, f->elem);
        f->status = CHAN_CLOSED;
    } else if (!c->closed && (s = sudogq_pop(&c->sendq))) {
        chan_take_from(c, s, f->elem);
        unlock(&c->lock);
        f->status = CHAN_DONE;
        chan_wake(s, true);
    } else if (c->qcount > 0) {
        ring_get(c, f->elem);
        unlock(&c->lock);
        f->status = CHAN_DONE;
    } else if (!f->block) {
        unlock(&c->lock);
        f->status = CHAN_WOULD_BLOCK;
    } else {
        f->status = CHAN_PARKED;
        chan_park(gp, c, &c->recvq, f->elem,
                  c->bubble ? WAIT_SYNCTEST_CHAN_RECV : WAIT_CHAN_RECV);
    }
}

/* All waiters of q, to be woken without success: onto *list, the last first, as upstream wakes
 * them. */
static void waiters_collect(struct hchan *c, struct sudogq *q, struct sudog **list)
{
    struct sudog *s;

    while ((s = sudogq_pop(q))) {
        if (q == &c->recvq)
            chan_zero(c, s->elem);
        s->elem = NULL;
        s->next = *list;
        *list = s;
    }
}

/* close(c): receivers get zero values, senders panic. CHAN_CLOSED: it was closed already. */
void rt_chanclose(struct chanclose_frame *f)
{
    struct hchan *c = f->c;
    struct sudog *list = NULL, *s;

    bubble_check(g_calling(), c, "close of synctest channel from outside bubble");
    lock(&c->lock);
    if (c->closed) {
        unlock(&c->lock);
        f->status = CHAN_CLOSED;
        return;
    }
    __atomic_store_n(&c->closed, 1, __ATOMIC_RELEASE);
    waiters_collect(c, &c->recvq, &list);
    waiters_collect(c, &c->sendq, &list);
    unlock(&c->lock);
    f->status = CHAN_DONE;
    while ((s = list)) {
        list = s->next;
        s->next = NULL; /* once awake, its goroutine frees it */
        chan_wake(s, false);
    }
}
