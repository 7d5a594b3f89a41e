/* leak.c - goroutines that can never go on: the profile goroutineleak.
 *
 * A goroutine that waits for a channel, a mutex, a wait group or a condition can only be woken by
 * one that has hold of it. So in a cycle that is asked for it, marking begins without the stacks
 * of goroutines that wait so. What they wait for is then looked at: if it is marked, or is no heap
 * object, its waiter may run, and its stack is marked with all that it leads to; which may let
 * others run. When that comes to rest, those that are left have leaked: nothing that can run leads
 * to what they wait for. They are then marked as usual: a leak is reported, not reclaimed.
 *
 * The world is stopped for all of that cycle's marking. Each round looks at every waiter that is
 * left, so a chain of n goroutines, listed in the wrong order, takes n rounds. */
#include "gort/gc/leak.h"
#include "gort/gc/gc.h"
#include "gort/gc/mark.h"
#include "gort/hchan.h"
#include "gort/heap/mheap.h"
#include "gort/sched/sched.h"

enum { NOT_LEAKED, LEAK_SUSPECT, LEAKED }; /* g.leak */

static struct { bool wanted, main_too; uint64_t found; } leak; /* [stw] */

/* ---- what a goroutine waits for ---------------------------------------------------------- */

static bool waits_for_ever(const struct g *gp)
{
    return gp->wait_reason == WAIT_CHAN_RECV_NIL || gp->wait_reason == WAIT_CHAN_SEND_NIL ||
           gp->wait_reason == WAIT_SELECT_NO_CASES;
}

static bool waits_for_channels(const struct g *gp)
{
    return gp->wait_reason == WAIT_CHAN_RECV || gp->wait_reason == WAIT_CHAN_SEND ||
           gp->wait_reason == WAIT_SELECT;
}

static bool waits_for_sync(const struct g *gp)
{
    return gp->wait_reason >= WAIT_SYNC_COND && gp->wait_reason <= WAIT_SYNC_WAITGROUP;
}

static bool is_suspect(const struct g *gp)
{
    return g_status(gp) == G_WAITING && !gp->system && g_is_go(gp) &&
           (waits_for_ever(gp) || waits_for_channels(gp) || waits_for_sync(gp));
}

static bool is_reached(const void *p)
{
    struct mspan *s = mheap_object_span((uintptr_t)p);

    return !s || mspan_marked(s, mspan_index(s, (uintptr_t)p));
}

static bool may_run(const struct g *gp)
{
    if (waits_for_sync(gp))
        return is_reached(gp->own->elem);
    for (const struct sudog *s = gp->waiting; s; s = s->waitlink)
        if (is_reached(s->c))
            return true;
    return false;
}

/* ---- the cycle --------------------------------------------------------------------------- */

void leak_request(bool main_too)
{
    leak.wanted = true;
    leak.main_too = main_too;
}

bool leak_requested(void) { return leak.wanted; }
uint64_t leak_count(void) { return leak.found; }
bool g_has_leaked(const struct g *gp)
{
    return gp->leak == LEAKED && (g_status(gp) & ~(uint32_t)G_SCAN) == G_WAITING;
}

bool leak_hides(struct g *gp)
{
    if (!leak.wanted)
        return false;
    gp->leak = is_suspect(gp) ? LEAK_SUSPECT : NOT_LEAKED;
    return gp->leak == LEAK_SUSPECT;
}

static void mark_with_all(struct gcw *w, struct g *gp)
{
    mark_stack(w, gp);
    while (mark_queued(w, 1000))
        ;
}

/* Marks those that may run. False: there was none. */
static bool release_some(struct gcw *w)
{
    bool any = false;

    for (struct g *gp = allgs; gp; gp = gp->alllink)
        if (gp->leak == LEAK_SUSPECT && may_run(gp)) {
            gp->leak = NOT_LEAKED;
            mark_with_all(w, gp);
            any = true;
        }
    return any;
}

void leak_settle(struct gcw *w)
{
    if (!leak.wanted)
        return;
    while (release_some(w))
        ;
    leak.found = 0;
    for (struct g *gp = allgs; gp; gp = gp->alllink)
        if (gp->leak == LEAK_SUSPECT) {
            bool hidden = gp->goid == 1 && gp->wait_reason == WAIT_SELECT_NO_CASES &&
                          !leak.main_too;
            gp->leak = hidden ? NOT_LEAKED : LEAKED;
            leak.found += !hidden;
            mark_stack(w, gp);
        }
    while (mark_queued(w, 1000))
        ;
    leak.wanted = false;
}
