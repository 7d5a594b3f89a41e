/* wait.c - the states of system calls: wait.h has the diagram. */
#include "gort/os/wait.h"

#include "gort/g.h"
#include "gort/os/file.h"
#include "gort/os/fs/data.h"
#include "gort/os/instruction.h"
#include "gort/os/mem.h"
#include "gort/os/ostimer.h"
#include "gort/sched/sched.h"
#include "kernel/check.h"
#include "kernel/clock.h"
#include "rt_frames.h"

/* struct calls are never freed: a timer that fires late finds one, though perhaps in use by another
 * system call, and call_expired looks at its deadline. */
static struct {
    struct lock lock;
    struct call *free;           /* [lock] */
} pool = {.lock = LOCK_INIT("calls", RANK_SUDOG)};

static struct {
    struct call *spare;          /* one free call, without a lock */
    struct call *claimed, **end; /* CALL_CLAIMED, in the order of their events */
    struct later *later;         /* to be done without locks */
    struct g *running;           /* whose handler runs; NULL: none */
} percpu[CPU_MAX];               /* [owner] */

/* ---- queues ------------------------------------------------------------------------------- */

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

/* Only its owner puts w on a queue, so w->q can at most become NULL meanwhile. */
void waiter_remove(struct waiter *w)
{
    struct waitq *q = __atomic_load_n(&w->q, __ATOMIC_ACQUIRE);

    if (!q)
        return;
    lock(&q->lock);
    if (w->q) {
        *(w->prev ? &w->prev->next : &q->first) = w->next;
        if (w->next)
            w->next->prev = w->prev;
        w->q = NULL;
    }
    unlock(&q->lock);
}

/* c, CALL_CLAIMED by this CPU, is to run again when calls_run comes to it. */
static void claimed_add(struct call *c)
{
    unsigned cpu = cpu_self()->id;

    c->next = NULL;
    if (!percpu[cpu].claimed)
        percpu[cpu].end = &percpu[cpu].claimed;
    *percpu[cpu].end = c;
    percpu[cpu].end = &c->next;
}

/* An event for c. True: because of it c looks at its object; false: c does so already because of an
 * earlier one. */
static bool call_event(struct call *c)
{
    lock(&c->lock);
    enum call_state was = c->state;
    if (was == CALL_RUNS)
        c->state = CALL_FIRED;
    else if (was == CALL_WAITS)
        c->state = CALL_CLAIMED;
    unlock(&c->lock);
    if (was == CALL_WAITS)
        claimed_add(c);
    return was == CALL_RUNS || was == CALL_WAITS;
}

void call_later(struct later *l)
{
    unsigned cpu = cpu_self()->id;

    l->next = percpu[cpu].later;
    percpu[cpu].later = l;
}

/* The structure that a waiter is part of may be freed as soon as the queue's lock is released: its
 * owner takes that lock to remove the waiter. */
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
        if (w->call ? call_event(w->call) : w->event(w))
            taken |= exclusive;
    }
    unlock(&q->lock);
}

static void register_on(struct call *c, struct waitq *q, bool exclusive)
{
    CHECK(c->nw < CALL_WAITERS, "call %llu waits on %u queues", (unsigned long long)c->num, c->nw);
    c->w[c->nw].call = c;
    c->w[c->nw].exclusive = exclusive;
    waiter_add(q, &c->w[c->nw++]);
}

static bool wait_on(struct call *c, struct waitq *q, bool exclusive)
{
    if (c->queued)
        return false;
    register_on(c, q, exclusive);
    c->queued = true;
    return true;
}

void call_wait_also(struct call *c, struct waitq *q) { register_on(c, q, false); }

bool call_wait(struct call *c, struct waitq *q) { return wait_on(c, q, false); }
bool call_wait_exclusive(struct call *c, struct waitq *q) { return wait_on(c, q, true); }

/* ---- time --------------------------------------------------------------------------------- */

bool call_deadline(struct call *c, int64_t when)
{
    if (!c->deadline) {
        c->deadline = when > 0 ? when : 1;
        if (c->deadline > clock_mono_ns())
            os_timer_set(c->timer, c->deadline);
    }
    return clock_mono_ns() >= c->deadline;
}

/* The timer of c. g0, no locks. */
static void call_expired(void *arg)
{
    struct call *c = arg;

    lock(&c->lock);
    bool due = c->deadline && clock_mono_ns() >= c->deadline;
    unlock(&c->lock);
    if (due)
        call_event(c);
    calls_run();
}

/* Other work of this CPU is a stop of the world, timers, or, at the end of its slice, another
 * goroutine. */
bool call_gives_way(const struct call *c)
{
    return c->borrowed || __atomic_load_n(&c->gp->preempt, __ATOMIC_RELAXED) ||
           __atomic_load_n(&cpu_self()->pending, __ATOMIC_RELAXED);
}

/* SYS_AGAIN is a wait for a moment that takes about as long as a step of the call: the work that is
 * due is done meanwhile, and other goroutines get about as much of the CPU as the call. */
#define REST_NS 20000

static void rest_begin(struct call *c)
{
    c->resting = true;
    c->deadline = clock_mono_ns() + REST_NS;
    os_timer_set(c->timer, c->deadline);
}

static void rest_end(struct call *c)
{
    if (!c->resting)
        return;
    os_timer_set(c->timer, 0);
    c->deadline = 0;
    c->resting = false;
}

/* ---- structures --------------------------------------------------------------------------- */

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

/* A call to be filled in; NULL: memory is out. */
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

/* ---- from state to state ------------------------------------------------------------------ */

void call_result(struct syscall6_frame *f, int64_t r)
{
    bool failed = (uint64_t)r > -4096ull;

    f->r1 = failed ? UINT64_MAX : (uint64_t)r;
    f->r2 = failed ? 0 : f->a3; /* RDX, which Linux leaves as it was */
    f->err = failed ? (uint64_t)-r : 0;
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

/* c, which has left CALL_RUNS, is this CPU's: its handler will look again from the beginning. */
static void round_begin(struct call *c)
{
    lock(&c->lock);
    c->state = CALL_RUNS;
    unlock(&c->lock);
    waiters_drop(c);
    rest_end(c);
}

/* Where gp, which is in a system call, takes the results from. */
static void *result_frame(const struct g *gp)
{
    return gp->at_syscall ? instruction_frame(gp) : g_gate_frame(gp);
}

/* Contents of files that have been cut off are freed before the call returns that has done so, by
 * whichever call finds them; it gives way in between. The handler is done, with c->result. */
#define REAP_PAGES 64

bool (*call_reaps)(void);

static bool reap_step(void) { return data_reap(REAP_PAGES) || (call_reaps && call_reaps()); }

static int64_t reap(struct call *c)
{
    while (reap_step())
        if (call_gives_way(c))
            return SYS_AGAIN;
    return c->result;
}

struct g *call_running(void) { return percpu[cpu_self()->id].running; }

struct g *call_caller(void)
{
    struct g *gp = call_running();

    return gp ? gp : g_calling();
}

static int64_t call_step(struct call *c)
{
    struct g **running = &percpu[cpu_self()->id].running;

    *running = c->gp;
    int64_t r = c->run(c);
    *running = NULL;

    if (r == SYS_BLOCK || r == SYS_AGAIN || c->run == reap || !reap_step() ||
        c->frame != result_frame(c->gp)) /* a gate whose calls are over at once */
        return r;
    c->result = r;
    c->run = reap;
    return reap(c);
}

/* Runs c until there is a result, *r, or it has to wait. True: there is; false: c is CALL_WAITS,
 * and its lock is held, so that no event claims it yet. */
static bool call_run(struct call *c, int64_t *r)
{
    while ((*r = call_step(c)) == SYS_BLOCK || *r == SYS_AGAIN) {
        if (*r == SYS_AGAIN)
            rest_begin(c);
        if (!c->borrowed)
            calls_run(); /* the calls that c has woken: this CPU may not come back here */
        lock(&c->lock);
        if (c->state == CALL_RUNS) {
            c->state = CALL_WAITS;
            return false;
        }
        unlock(&c->lock);
        round_begin(c);
    }
    return true;
}

/* c is complete: its results go into the gate's frame, its resources are given back. */
static void call_end(struct call *c, int64_t r)
{
    if (c->deadline)
        os_timer_set(c->timer, 0);
    if (c->nw || c->nmore)
        waiters_drop(c);
    if (c->more)
        os_free(c->more, c->more_cap * sizeof *c->more);
    if (c->iov && c->iov != c->one)
        os_free(c->iov, c->niov * sizeof *c->iov);
    if (c->gathered)
        os_free(c->gathered, c->total);
    if (c->file)
        file_put(c->file);
    call_result(c->frame, r);
    lock(&c->lock);
    c->deadline = 0;
    unlock(&c->lock);
    c->file = NULL;
    c->iov = NULL;
    c->gathered = NULL;
    c->more = NULL;
    c->more_cap = 0;
    call_put(c);
}

/* c, taken off the list of claimed calls, goes on where its event came; its goroutine is parked. */
static void call_again(struct call *c)
{
    struct g *gp = c->gp;
    int64_t r;

    c->borrowed = true;
    round_begin(c);
    if (!call_run(c, &r)) {
        unlock(&c->lock);
        return;
    }
    CHECK(c->frame == result_frame(gp) && g_frame_mine(gp),
          "goroutine %llu: its stack has moved in system call %llu, status %#x",
          (unsigned long long)gp->goid, (unsigned long long)c->num, gp->status);
    call_end(c, r);
    g_ready(gp);
}

static __attribute__((noinline)) void calls_run_all(unsigned cpu)
{
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

void calls_run(void)
{
    unsigned cpu = cpu_id();

    if (__builtin_expect(percpu[cpu].claimed || percpu[cpu].later, 0))
        calls_run_all(cpu);
}

void call_begin(struct g *gp, void *frame, call_fn *run, uint64_t num, const uint64_t a[6])
{
    struct call *c = call_get();
    int64_t r;

    if (!c) {
        call_result(frame, -L_ENOMEM);
        return;
    }
    c->run = run;
    c->num = num;
    __builtin_memcpy(c->a, a, sizeof c->a);
    c->gp = gp;
    c->frame = frame;
    c->done = c->total = 0;
    c->state = CALL_RUNS;
    c->queued = false;
    c->resting = false;
    c->borrowed = false;
    if (!call_run(c, &r)) {
        CHECK(frame == result_frame(gp), "system call %llu waits in a gate that may not",
              (unsigned long long)num);
        g_park_g0(gp, &c->lock, WAIT_SYSCALL); /* call_again completes the call */
    }
    call_end(c, r);
    calls_run();
}
