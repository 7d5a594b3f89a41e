#include "gort/os/wait.h"

#include <string.h>
#include "gort/g.h"
#include "gort/os/file.h"
#include "gort/os/instruction.h"
#include "gort/os/mem.h"
#include "gort/os/ostimer.h"
#include "gort/sched/sched.h"
#include "kernel/check.h"
#include "kernel/clock.h"
#include "rt_frames.h"

/* Calls are type-stable: a timer that fires late finds a call, though perhaps another one,
 * and calls_expired looks at its deadline. */
static struct {
    struct lock lock;
    struct call *free;           /* [lock] */
} pool = {.lock = LOCK_INIT("calls", RANK_SUDOG)};

static struct {
    struct call *spare;          /* one free call, without a lock */
    struct call *claimed, **end; /* to run again */
    struct later *later;         /* to be done without locks */
} percpu[CPU_MAX];               /* [owner] */

void waitq_init(struct waitq *q)
{
    lock_init(&q->lock, "waitq", RANK_POLL);
    q->first = NULL;
}

void waiter_add(struct waitq *q, struct waiter *w)
{
    lock(&q->lock);
    w->q = q;
    w->prev = NULL;
    w->next = q->first;
    if (w->next)
        w->next->prev = w;
    q->first = w;
    unlock(&q->lock);
}

static void waiter_unlink_locked(struct waiter *w)
{
    struct waitq *q = w->q;

    *(w->prev ? &w->prev->next : &q->first) = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->q = NULL;
}

/* The owner of w: nobody else queues it, so q can only become NULL meanwhile. */
void waiter_remove(struct waiter *w)
{
    struct waitq *q = __atomic_load_n(&w->q, __ATOMIC_ACQUIRE);

    if (!q)
        return;
    lock(&q->lock);
    if (w->q)
        waiter_unlink_locked(w);
    unlock(&q->lock);
}

/* Whoever turns `parked` off owns the call from there on. True: c looks at its object because of
 * this event; false: because of an earlier one. */
static bool call_fire(struct call *c)
{
    lock(&c->lock);
    bool claim = c->parked, first = !c->fired;
    c->fired = true;
    c->parked = false;
    unlock(&c->lock);
    if (!claim)
        return first;
    unsigned cpu = cpu_self()->id;
    c->next = NULL;
    if (!percpu[cpu].claimed)
        percpu[cpu].end = &percpu[cpu].claimed;
    *percpu[cpu].end = c;
    percpu[cpu].end = &c->next;
    return true;
}

void call_later(struct later *l)
{
    unsigned cpu = cpu_self()->id;

    l->next = percpu[cpu].later;
    percpu[cpu].later = l;
}

/* A waiter that is woken may free what it stands in as soon as the queue's lock is released:
 * call_finish takes that lock for every waiter that it finds queued. */
void queue_wake(struct waitq *q)
{
    bool taken = false; /* by an exclusive waiter */

    if (!__atomic_load_n(&q->first, __ATOMIC_SEQ_CST))
        return;
    lock(&q->lock);
    for (struct waiter *w = q->first, *next; w; w = next) {
        next = w->next;
        if (w->exclusive && taken)
            continue;
        bool exclusive = w->exclusive;
        if (w->call ? call_fire(w->call) : w->event(w))
            taken |= exclusive;
    }
    unlock(&q->lock);
}

static bool wait_on(struct call *c, struct waitq *q, bool exclusive)
{
    if (c->queued)
        return false;
    CHECK(c->nw < CALL_WAITERS, "call %llu waits on %u queues", (unsigned long long)c->num, c->nw);
    c->w[c->nw].call = c;
    c->w[c->nw].exclusive = exclusive;
    waiter_add(q, &c->w[c->nw++]);
    c->queued = true;
    return true;
}

bool call_wait(struct call *c, struct waitq *q) { return wait_on(c, q, false); }
bool call_wait_exclusive(struct call *c, struct waitq *q) { return wait_on(c, q, true); }

bool call_deadline(struct call *c, int64_t when)
{
    if (!c->deadline) {
        c->deadline = when > 0 ? when : 1;
        if (c->deadline > clock_mono_ns())
            os_timer_set(c->timer, c->deadline);
    }
    return clock_mono_ns() >= c->deadline;
}

/* Timer of a call: g0, no locks. */
static void call_expired(void *arg)
{
    struct call *c = arg;

    lock(&c->lock);
    bool mine = c->deadline && clock_mono_ns() >= c->deadline;
    unlock(&c->lock);
    if (mine)
        call_fire(c);
    calls_run();
}

/* Work that waits for this CPU: a stop of the world, timers, others at the end of the slice. */
bool call_gives_way(const struct call *c)
{
    return c->borrowed || __atomic_load_n(&c->gp->preempt, __ATOMIC_RELAXED) ||
           __atomic_load_n(&cpu_self()->pending, __ATOMIC_RELAXED);
}

/* The goroutine parks as if it waited, for a moment: what is due comes first, and who else wants
 * the CPU has about as much of it as the call. */
#define REST_NS 20000

static void call_rests(struct call *c)
{
    c->resting = true;
    c->deadline = clock_mono_ns() + REST_NS;
    os_timer_set(c->timer, c->deadline);
}

static void call_rested(struct call *c)
{
    if (c->resting) {
        os_timer_set(c->timer, 0);
        c->deadline = 0;
    }
    c->resting = false;
}

static void waiters_drop(struct call *c)
{
    for (unsigned i = 0; i < c->nw; i++)
        waiter_remove(&c->w[i]);
    for (unsigned i = 0; i < c->nmore; i++) {
        waiter_remove(&c->more[i]);
        file_put(c->more[i].file);
    }
    c->nw = c->nmore = 0;
    c->queued = false;
}

static struct call *call_new(void)
{
    struct call *c = os_alloc_last(sizeof *c);

    if (!c)
        return NULL;
    lock_init(&c->lock, "call", RANK_NOTIFY);
    c->timer = os_timer_new(call_expired, c);
    if (c->timer)
        return c;
    os_free(c, sizeof *c);
    return NULL;
}

/* NULL: memory is out. */
static struct call *call_get(void)
{
    unsigned cpu = cpu_self()->id;
    struct call *c = percpu[cpu].spare;

    if (c) {
        percpu[cpu].spare = NULL;
        return c;
    }
    lock(&pool.lock);
    c = pool.free;
    if (c)
        pool.free = c->next;
    unlock(&pool.lock);
    return c ? c : call_new();
}

static void call_put(struct call *c)
{
    unsigned cpu = cpu_self()->id;

    if (!percpu[cpu].spare) {
        percpu[cpu].spare = c;
        return;
    }
    lock(&pool.lock);
    c->next = pool.free;
    pool.free = c;
    unlock(&pool.lock);
}

static void result_set(struct syscall6_frame *f, int64_t r)
{
    bool failed = (uint64_t)r > -4096ull;

    f->r1 = failed ? UINT64_MAX : (uint64_t)r;
    f->r2 = failed ? 0 : f->a3; /* RDX, which Linux leaves as it was */
    f->err = failed ? (uint64_t)-r : 0;
}

/* Results in the gate's frame, resources given back. The g may run once it is readied. */
void call_finish(struct call *c, int64_t r)
{
    if (c->deadline)
        os_timer_set(c->timer, 0);
    if (c->nw || c->nmore)
        waiters_drop(c);
    if (c->more)
        os_free(c->more, c->more_cap * sizeof *c->more);
    if (c->iov && c->iov != c->one)
        os_free(c->iov, c->niov * sizeof *c->iov);
    if (c->file)
        file_put(c->file);
    result_set(c->frame, r);
    lock(&c->lock);
    c->deadline = 0;
    unlock(&c->lock);
    c->file = NULL;
    c->iov = NULL;
    c->more = NULL;
    c->more_cap = 0;
}

/* c blocks unless an event has come since it queued itself. True: parked, c->lock held. */
static bool call_parks(struct call *c)
{
    lock(&c->lock);
    if (!c->fired) {
        c->parked = true;
        return true;
    }
    c->fired = false;
    unlock(&c->lock);
    waiters_drop(c);
    return false;
}

/* Where gp, which is in a system call, takes the results from. */
static void *result_frame(const struct g *gp)
{
    return gp->at_syscall ? instruction_frame(gp) : g_gate_frame(gp);
}

/* A claimed call runs again: nobody else looks at it until it has parked. */
static void call_again(struct call *c)
{
    struct g *gp = c->gp;
    int64_t r;

    c->fired = false;
    c->borrowed = true;
    waiters_drop(c);
    call_rested(c);
    while ((r = call_dispatch(c)) == SYS_BLOCK || r == SYS_AGAIN) {
        if (r == SYS_AGAIN)
            call_rests(c);
        if (call_parks(c)) {
            unlock(&c->lock);
            return;
        }
        call_rested(c);
    }
    CHECK(c->frame == result_frame(gp) && g_frame_mine(gp),
          "goroutine %llu: its stack has moved in system call %llu, status %#x",
          (unsigned long long)gp->goid, (unsigned long long)c->num, gp->status);
    call_finish(c, r);
    call_put(c);
    g_ready(gp);
}

void calls_run(void)
{
    unsigned cpu = cpu_self()->id;

    while (percpu[cpu].claimed || percpu[cpu].later) {
        struct later *l = percpu[cpu].later;
        if (l) {
            percpu[cpu].later = l->next;
            l->fn(l);
            continue;
        }
        struct call *c = percpu[cpu].claimed;
        percpu[cpu].claimed = c->next;
        call_again(c);
    }
}

void call_start(struct g *gp, void *frame, uint64_t num, const uint64_t a[6])
{
    struct call *c = call_get();
    int64_t r;

    if (!c) {
        result_set(frame, -L_ENOMEM);
        return;
    }
    c->num = num;
    memcpy(c->a, a, sizeof c->a);
    c->gp = gp;
    c->frame = frame;
    c->done = 0;
    c->fired = false;
    c->queued = false;
    c->resting = false;
    c->borrowed = false;
    while ((r = call_dispatch(c)) == SYS_BLOCK || r == SYS_AGAIN) {
        if (r == SYS_AGAIN)
            call_rests(c);
        calls_run(); /* those that this call has woken: it may not come back here */
        if (call_parks(c)) {
            CHECK(frame == result_frame(gp), "system call %llu waits in a gate that may not",
                  (unsigned long long)num);
            g_park_g0(gp, &c->lock, WAIT_SYSCALL);
        }
        call_rested(c);
    }
    call_finish(c, r);
    call_put(c);
    calls_run();
}
