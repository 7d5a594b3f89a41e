/* select.c - select over several channels. The three passes are after Go's select.go.
 *
 *   1. lock all channels, in order of address; take the first case, in random order, that can go
 *   2. otherwise queue a sudog on each channel and park
 *   3. (selectwoken) lock them again, take the other sudogs off, tell which case it was
 *
 * While parked, several channels may want to wake the goroutine: the one that turns its
 * g.select_done from 0 to 1 has it. g_park_g0 can release one lock only, so select_lock
 * stands for the interval between the unlocking of the channels and the parking: chan_wake
 * passes through it. Several goroutines share one such lock, by hash: who holds it takes
 * locks of higher rank at most and is about to release it. */
#include <stddef.h>
#include "gort/abi/leaf.h"
#include "gort/dying.h"
#include "gort/sched/choice.h"
#include "gort/sync/chan.h"
#include "gort/sync/waitprof.h"
#include "gort/time/timer.h"
#include "rt_frames.h"

struct scase { /* abi: cmd/compile/internal/walk/select.go, scasetype */
    struct hchan *c;
    void *elem;
};

struct sel {
    struct scase *cases;   /* sends first, then receives */
    uint16_t *poll, *lock; /* case numbers: in random order; by address of channel */
    int64_t n, nsends;     /* cases with a channel; sends among all */
    bool bubbled;          /* they all belong to a bubble */
};

static struct hchan *lock_chan(const struct sel *s, int64_t i)
{
    return s->cases[s->lock[i]].c;
}

static void sel_lock(const struct sel *s)
{
    for (int64_t i = 0; i < s->n; i++)
        if (i == 0 || lock_chan(s, i) != lock_chan(s, i - 1))
            lock(&lock_chan(s, i)->lock);
}

static void sel_unlock(const struct sel *s)
{
    for (int64_t i = s->n - 1; i >= 0; i--)
        if (i == 0 || lock_chan(s, i) != lock_chan(s, i - 1))
            unlock(&lock_chan(s, i)->lock);
}

/* Shell sort of the lock order: in place, and few steps for the usual two to four cases. */
static void sort_by_address(const struct sel *s)
{
    static const int gaps[] = { 16001, 4001, 1750, 701, 301, 132, 57, 23, 10, 4, 1 };

    for (unsigned k = 0; k < sizeof gaps / sizeof gaps[0]; k++) {
        int64_t gap = gaps[k];
        for (int64_t i = gap; i < s->n; i++) {
            uint16_t x = s->lock[i];
            uintptr_t key = (uintptr_t)s->cases[x].c;
            int64_t j = i;
            for (; j >= gap && (uintptr_t)lock_chan(s, j - gap) > key; j -= gap)
                s->lock[j] = s->lock[j - gap];
            s->lock[j] = x;
        }
    }
}

/* The poll order: cases that have a channel, shuffled. `order` is uninitialised room for
 * 2 * ncases numbers. */
static void sel_init(struct sel *s, void *cases, void *order, int64_t nsends, int64_t nrecvs)
{
    int64_t ncases = nsends + nrecvs;
    struct g *gp = g_calling();

    *s = (struct sel){ cases, order, (uint16_t *)order + ncases, 0, nsends, true };
    for (int64_t i = 0; i < ncases; i++) {
        if (!s->cases[i].c) {
            s->cases[i].elem = NULL; /* nothing to keep alive */
            continue;
        }
        s->bubbled &= s->cases[i].c->bubble != NULL;
        if (s->cases[i].c->bubble && s->cases[i].c->bubble != gp->bubble)
            gate_panic(gp, GATE_FATAL, "select on synctest channel from outside bubble");
        int64_t j = sched_choice((uint32_t)s->n + 1);
        s->poll[s->n] = s->poll[j];
        s->poll[j] = (uint16_t)i;
        s->n++;
    }
    for (int64_t i = 0; i < s->n; i++)
        s->lock[i] = s->poll[i];
    sort_by_address(s);
}

/* A channel timer among the cases that is due and has put no value there yet. */
static struct hchan *sel_due_timer(const struct sel *s, struct g *gp, int64_t *delay,
                                   int64_t *chosen)
{
    for (int64_t i = 0; i < s->n; i++) {
        struct hchan *c = s->cases[s->poll[i]].c;
        if (c->timer && __atomic_load_n(&c->qcount, __ATOMIC_RELAXED) == 0 &&
            timer_chan_claim(c->timer, gp, delay)) {
            *chosen = s->poll[i];
            return c;
        }
    }
    return NULL;
}

/* Tries case i with all channels locked; unlocks them if it goes through. */
static bool try_send(const struct sel *s, struct scase *k, uint32_t *status)
{
    struct hchan *c = k->c;
    struct sudog *w = NULL;

    *status = CHAN_DONE;
    if (c->closed)
        *status = CHAN_CLOSED;
    else if ((w = sudogq_pop(&c->recvq)))
        chan_hand_to(c, w, k->elem);
    else if (c->qcount < c->dataqsiz)
        ring_put(c, k->elem);
    else
        return false;
    sel_unlock(s);
    if (w)
        chan_wake(w, true);
    return true;
}

static bool try_recv(const struct sel *s, struct scase *k, uint32_t *status)
{
    struct hchan *c = k->c;
    struct sudog *w = c->closed ? NULL : sudogq_pop(&c->sendq);

    *status = CHAN_DONE;
    if (w)
        chan_take_from(c, w, k->elem);
    else if (c->qcount > 0)
        ring_get(c, k->elem);
    else if (c->closed)
        *status = CHAN_CLOSED;
    else
        return false;
    sel_unlock(s);
    if (w)
        chan_wake(w, true);
    if (*status == CHAN_CLOSED)
        chan_zero(c, k->elem);
    return true;
}

/* Queues gp on all channels, which are locked, in lock order. */
static void sel_enqueue(const struct sel *s, struct g *gp)
{
    struct sudog **link = &gp->waiting;

    CHECK(!gp->waiting, "g %lu: waits twice", (unsigned long)gp->goid);
    gp->param = NULL;
    for (int64_t i = 0; i < s->n; i++) {
        struct scase *k = &s->cases[s->lock[i]];
        struct sudog *w = sudog_acquire();
        w->g = gp;
        w->is_select = true;
        w->elem = k->elem;
        w->c = k->c;
        *link = w;
        link = &w->waitlink;
        sudogq_push(s->lock[i] < s->nsends ? &k->c->sendq : &k->c->recvq, w);
        if (k->c->timer)
            timer_chan_block(k->c->timer);
    }
}

enum { SELECT_LOCKS = 64 };

struct lock *select_lock(const struct g *gp)
{
    static struct lock locks[SELECT_LOCKS] = {
        [0 ... SELECT_LOCKS - 1] = LOCK_INIT("select", RANK_SUDOG)
    };

    return &locks[(uintptr_t)gp / sizeof *gp % SELECT_LOCKS];
}

_Noreturn static void sel_park(const struct sel *s, struct g *gp)
{
    block_start(gp);
    sel_enqueue(s, gp);
    gp->active_stack_chans = true;
    struct lock *l = select_lock(gp);
    lock(l);
    sel_unlock(s);
    g_park_g0(gp, l, s->bubbled && gp->bubble ? WAIT_SYNCTEST_SELECT : WAIT_SELECT);
}

enum { LEAF_CASES = 16 };

/* Tries the cases in random order, each under its own channel's lock. One that can go is a
 * correct choice: it was ready at that moment. That none is ready can only be said with all
 * of them locked, so then it is the gate's turn; so it is for what is rare. */
uint64_t select_leaf(void *cases, int64_t nsends, int64_t nrecvs)
{
    const struct scase *k = cases;
    uint8_t poll[LEAF_CASES];
    int64_t n = nsends + nrecvs;

    if (n > LEAF_CASES)
        return 0;
    for (int64_t i = 0; i < n; i++) {
        if (k[i].c && (k[i].c->timer || k[i].c->bubble))
            return 0;
        int64_t j = sched_choice((uint32_t)i + 1);
        poll[i] = poll[j];
        poll[j] = (uint8_t)i;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t x = poll[i];
        if (x < nsends ? chansend_leaf(k[x].c, k[x].elem) : chanrecv_leaf(k[x].c, k[x].elem))
            return (uint64_t)(x + 1);
    }
    return 0;
}

/* chosen: case number, -1 = default. status: CHAN_DONE, _CLOSED, _PARKED (call selectwoken),
 * _TIMER (call the function of case `chosen`'s timer and start again). */
void rt_selectg(struct selectg_frame *f)
{
    struct g *gp = g_calling();
    struct sel s;

    sel_init(&s, f->cases, f->order, f->nsends, f->nrecvs);
    if (sel_due_timer(&s, gp, &f->delay, &f->chosen)) {
        f->status = CHAN_TIMER;
        return;
    }
    sel_lock(&s);
    for (int64_t i = 0; i < s.n; i++) {
        struct scase *k = &s.cases[s.poll[i]];
        f->chosen = s.poll[i];
        if (s.poll[i] < s.nsends ? try_send(&s, k, &f->status) : try_recv(&s, k, &f->status))
            return;
    }
    f->chosen = -1;
    if (f->block) {
        f->status = CHAN_PARKED;
        sel_park(&s, gp);
    }
    sel_unlock(&s);
    f->status = CHAN_WOULD_BLOCK;
}

/* The stack may have moved meanwhile, so all pointers are given again. `order` still holds the
 * lock order, for the n channels that g.waiting lists. */
void rt_selectwoken(struct selectwoken_frame *f)
{
    struct g *gp = g_calling();
    struct sel s = { f->cases, f->order, (uint16_t *)f->order + f->nsends + f->nrecvs, 0,
                     f->nsends, false };
    struct sudog *first = gp->waiting, *winner = gp->param;

    for (struct sudog *w = first; w; w = w->waitlink)
        s.n++;
    f->chosen = -1;
    sel_lock(&s);
    gp->active_stack_chans = false;
    __atomic_store_n(&gp->select_done, 0, __ATOMIC_SEQ_CST);
    gp->waiting = NULL;
    gp->param = NULL;
    for (int64_t i = 0; i < s.n; i++) {
        struct sudog *w = first;
        struct hchan *c = lock_chan(&s, i);
        first = w->waitlink;
        if (c->timer)
            timer_chan_unblock(c->timer);
        if (w == winner) {
            f->chosen = s.lock[i];
            f->status = w->success ? CHAN_DONE : CHAN_CLOSED;
        } else {
            sudogq_remove(s.lock[i] < s.nsends ? &c->sendq : &c->recvq, w);
        }
        w->is_select = false;
        w->elem = NULL;
        w->waitlink = NULL;
        sudog_release(w);
    }
    sel_unlock(&s);
    block_done(gp, 1);
    CHECK(f->chosen >= 0, "g %lu: select woken by %p, which it does not wait with",
          (unsigned long)gp->goid, (void *)winner);
}

/* select {}: for ever. */
void rt_block(struct block_frame *f)
{
    (void)f;
    g_park_g0(g_calling(), NULL, WAIT_SELECT_NO_CASES);
}
