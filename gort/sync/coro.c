/* coro.c - coroutines: iter.Pull's way between goroutines.
 *
 * A coro always has one goroutine blocked on it. coroswitch blocks the caller in its place
 * and lets that one run. Only one of the two runs at a time: the caller keeps the lock until
 * it is parked, and the other cannot switch back before. iter.Pull makes the goroutine: it is
 * counted from then on, as upstream's.
 *
 * LockOSThread: a coroutine whose creator is locked to an M gets that lock with each switch and
 * gives it back. Whoever switches must be locked as the creator was, or it is a fatal error, as
 * upstream's. */
#include <stddef.h>
#include "gort/dying.h"
#include "gort/g.h"
#include "gort/heap/malloc.h"
#include "gort/gc/gc.h"
#include "gort/sched/mp.h"
#include "gort/sync/synctest.h"
#include "kernel/print.h"
#include "rt_frames.h"

/* The head of coro in overlay/coro.go; lives in the Go heap. */
struct coro {
    struct g *waiting; /* [lock] blocked on it */
    struct lock lock;
    struct m *lockedm; /* [const] that its creator was locked to, */
    uint32_t locked_count; /* and how often */
};

/* gp is about to let the other one run. */
static void check_lock(const struct coro *c, const struct g *gp)
{
    if (c->lockedm == gp->lockedm && c->locked_count == gp->locked_count)
        return;
    kprintf("coro: got thread 0x%lx, want 0x%lx\n", (unsigned long)m_self(),
            (unsigned long)c->lockedm);
    kprintf("coro: got lock internal 0, want 0\n");
    kprintf("coro: got lock external %u, want %u\n", gp->locked_count, c->locked_count);
    rt_throw("coro: OS thread locking must match locking at coroutine creation");
}

static void donate_lock(struct g *gp, struct g *next)
{
    next->lockedm = gp->lockedm;
    next->locked_count = gp->locked_count;
    gp->lockedm = NULL;
    gp->locked_count = 0;
}

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
    c->lockedm = g_calling()->lockedm;
    c->locked_count = g_calling()->locked_count;
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

    check_lock(c, gp);
    lock(&c->lock);
    struct g *next = c->waiting;
    f->ok = next != NULL; /* else it has ended */
    if (!next) {
        unlock(&c->lock);
        return;
    }
    c->waiting = gp;
    donate_lock(gp, next);
    g_ready(next); /* it cannot switch back before we are parked: c->lock is held */
    g_park_g0(gp, &c->lock, WAIT_COROUTINE);
}

/* The coroutine has ended: whoever waits goes on, and nobody can switch again. */
void rt_coroexitg(struct coroexitg_frame *f)
{
    struct coro *c = f->c;

    check_lock(c, g_calling());
    lock(&c->lock);
    struct g *next = c->waiting;
    c->waiting = NULL;
    unlock(&c->lock);
    f->ok = next != NULL;
    if (!next)
        return;
    donate_lock(g_calling(), next);
    g_ending(g_calling()); /* who goes on does not find it counted */
    g_ready(next);
}
