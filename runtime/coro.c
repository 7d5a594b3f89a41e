/* coro.c - coroutines: iter.Pull's way between goroutines.
 *
 * A coro always has one goroutine blocked on it. coroswitch blocks the caller in its place
 * and lets that one run. Only one of the two runs at a time: the caller keeps the lock until
 * it is parked, and the other cannot switch back before. iter.Pull makes the goroutine: it is
 * counted from then on, as upstream's.
 *
 * LockOSThread stays with the goroutine that called it: a coroutine runs on any CPU, also when
 * its creator is locked to one. */
#include <stddef.h>
#include "runtime/g.h"
#include "runtime/malloc.h"
#include "runtime/mgc.h"
#include "runtime/synctest.h"
#include "rt_frames.h"

/* The head of coro in overlay/coro.go; lives in the Go heap. */
struct coro {
    struct g *waiting; /* [lock] blocked on it */
    struct lock lock;
};

/* Makes c's goroutine, blocked on it from birth on. */
void rt_coronewg(struct coronewg_frame *f)
{
    struct coro *c = f->c;
    struct g *fresh = g_new(f->start, g_calling(), f->callerpc);

    f->ok = fresh != NULL;
    if (!fresh) {
        if (f->again || m_self()->locks)
            malloc_out_of_memory(STACK_MIN);
        return;
    }
    lock_init(&c->lock, "coro", RANK_NOTIFY);
    fresh->coroarg = c; /* for corostart */
    gc_shade(c);
    if (fresh->bubble)
        bubble_park(fresh, WAIT_COROUTINE);
    fresh->wait_reason = WAIT_COROUTINE;
    if (fresh->bubble)
        bubble_parked(fresh->bubble);
    c->waiting = fresh;
}

void rt_coroswitchg(struct coroswitchg_frame *f)
{
    struct g *gp = g_calling();
    struct coro *c = f->c;

    lock(&c->lock);
    struct g *next = c->waiting;
    f->ok = next != NULL; /* else it has ended */
    if (!next) {
        unlock(&c->lock);
        return;
    }
    c->waiting = gp;
    g_ready(next); /* it cannot switch back before we are parked: c->lock is held */
    g_park_g0(gp, &c->lock, WAIT_COROUTINE);
}

/* The coroutine has ended: whoever waits goes on, and nobody can switch again. */
void rt_coroexitg(struct coroexitg_frame *f)
{
    struct coro *c = f->c;

    lock(&c->lock);
    struct g *next = c->waiting;
    c->waiting = NULL;
    unlock(&c->lock);
    f->ok = next != NULL;
    if (!next)
        return;
    g_ending(g_calling()); /* who goes on does not find it counted */
    g_ready(next);
}
