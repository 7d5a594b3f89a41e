/* synctest.c - see synctest.h. The loop of synctest.Run is Go: overlay/synctest.go. */
#include "gort/sync/synctest.h"
#include <stddef.h>
#include "gort/heap/malloc.h"
#include "gort/gc/gc.h"
#include "gort/sched/sched.h"
#include "gort/time/timer.h"
#include "gort/time/timer_heap.h"
#include "mm/mm.h"
#include "rt_frames.h"

_Static_assert(offsetof(struct bubble, total) == 48 && offsetof(struct bubble, lock) == 64 &&
                   sizeof(struct bubble) == 80, "overlay/synctest.go");

bool wait_is_durable(enum wait_reason why)
{
    switch (why) {
    case WAIT_CHAN_RECV_NIL: case WAIT_CHAN_SEND_NIL: case WAIT_SELECT_NO_CASES: case WAIT_SLEEP:
    case WAIT_SYNC_COND: case WAIT_COROUTINE: case WAIT_SYNCTEST_RUN: case WAIT_SYNCTEST_WAIT:
    case WAIT_SYNCTEST_CHAN_RECV: case WAIT_SYNCTEST_CHAN_SEND: case WAIT_SYNCTEST_SELECT:
    case WAIT_SYNCTEST_WAITGROUP:
        return true;
    default:
        return false;
    }
}

/* The lock is held: whom to wake if nothing in the bubble can go on by itself. */
static struct g *idle_wake_locked(struct bubble *b)
{
    CHECK(b->total >= 0 && b->running >= 0 && b->active >= 0,
          "bubble %lu: %d goroutines, %d running, active %d", (unsigned long)b->id, b->total,
          b->running, b->active);
    if (b->running > 0 || b->active > 0)
        return NULL;
    b->active++;
    int64_t next = timers_when(b->timers);
    return b->waiter && (next == 0 || next > b->now) ? b->waiter : b->root;
}

static void count(struct bubble *b, int total, int running, int active, bool done)
{
    lock(&b->lock);
    b->total += total;
    b->running += running;
    b->active += active;
    b->done |= done;
    struct g *wake = idle_wake_locked(b);
    unlock(&b->lock);
    if (wake)
        g_ready(wake);
}

void bubble_join(struct g *gp) { count(gp->bubble, 1, 1, 0, false); }
void bubble_parked(void *b) { count(b, 0, 0, -1, false); }

void bubble_leave(struct g *gp)
{
    struct bubble *b = gp->bubble;

    count(b, -1, -1, 0, gp == b->main);
}

void bubble_park(struct g *gp, enum wait_reason why)
{
    count(gp->bubble, 0, wait_is_durable(why) ? -1 : 0, 1, false);
}

void bubble_unpark(struct g *gp)
{
    if (wait_is_durable(gp->wait_reason))
        count(gp->bubble, 0, 1, 0, false);
}

/* ---- heaps of timers: reused, never freed -------------------------------------------------- */

static struct lock heaps_lock = LOCK_INIT("bubbles", RANK_NOTIFY);
static struct bubble_heap { struct timers *ts; bool used; struct bubble_heap *next; } *heaps;

static struct timers *heap_get(void)
{
    struct bubble_heap *h;

    lock(&heaps_lock);
    for (h = heaps; h && h->used; h = h->next)
        ;
    if (!h) {
        h = persistent_alloc(sizeof *h, 8, NULL);
        h->ts = timers_new(NULL);
        h->next = heaps;
        heaps = h;
    }
    h->used = true;
    unlock(&heaps_lock);
    return h->ts;
}

static void heap_put(struct timers *ts)
{
    timers_clear(ts);
    lock(&heaps_lock);
    for (struct bubble_heap *h = heaps; h; h = h->next)
        if (h->ts == ts)
            h->used = false;
    unlock(&heaps_lock);
}

void bubbles_roots(void (*visit)(void *ctx, void *obj), void *ctx)
{
    for (struct bubble_heap *h = heaps; h; h = h->next)
        timers_visit(h->ts, visit, ctx);
}

/* ---- gates: the caller is in the bubble, but for bubble_start and bubble_activate ---------- */

/* The caller becomes the root of b and starts fn in it. */
void rt_bubble_start(struct bubble_start_frame *f)
{
    struct g *gp = g_calling();
    struct bubble *b = f->b;

    lock_init(&b->lock, "bubble", RANK_BUBBLE);
    b->timers = heap_get();
    b->root = gp;
    b->total = b->running = b->active = 1;
    gp->bubble = b;
    b->main = g_new(f->fn, gp, f->callerpc);
    if (!b->main)
        malloc_out_of_memory(STACK_MIN);
    g_ready(b->main);
}

void rt_bubble_run_timers(struct bubble_run_timers_frame *f)
{
    (void)f;
    timers_run_bubble(g_bubble(g_calling()));
}

/* The root waits until the bubble is idle. */
void rt_bubble_idle(struct bubble_idle_frame *f)
{
    struct g *gp = g_calling();
    struct bubble *b = gp->bubble;

    (void)f;
    lock(&b->lock);
    b->active--;
    unlock(&b->lock);
    g_park_g0(gp, NULL, WAIT_SYNCTEST_RUN);
}

/* Moves the clock on. False: there is no timer, or time has ended with main. */
void rt_bubble_advance(struct bubble_advance_frame *f)
{
    struct bubble *b = g_bubble(g_calling());
    int64_t next = timers_when(b->timers);

    lock(&b->lock);
    f->more = next != 0 && !b->done;
    if (f->more && next > b->now)
        b->now = next;
    unlock(&b->lock);
}

/* Run returns: how many goroutines are left, the root among them. */
void rt_bubble_end(struct bubble_end_frame *f)
{
    struct bubble *b = g_bubble(g_calling());

    lock(&b->lock);
    f->total = b->total;
    f->done = b->done;
    unlock(&b->lock);
    if (f->total == 1)
        heap_put(b->timers);
}

void rt_bubble_wait(struct bubble_wait_frame *f)
{
    struct g *gp = g_calling();
    struct bubble *b = gp->bubble;

    lock(&b->lock);
    f->ok = b->waiter == NULL;
    if (f->ok)
        b->waiter = gp;
    unlock(&b->lock);
    if (f->ok)
        g_park_g0(gp, NULL, WAIT_SYNCTEST_WAIT);
}

void rt_bubble_waited(struct bubble_waited_frame *f)
{
    struct bubble *b = g_bubble(g_calling());

    (void)f;
    lock(&b->lock);
    b->waiter = NULL;
    b->active--;
    unlock(&b->lock);
}

/* What is not a goroutine keeps b awake (1), or no longer does (-1). */
void rt_bubble_activate(struct bubble_activate_frame *f)
{
    count(f->b, 0, 0, f->delta, false);
}
