/* waitprof.h - what the block and the mutex profile see: waits of goroutines for each other.
 *
 *   parks: block_start   is readied: own->releasetime   goes on: block_done, at its own gate
 *
 * The profiles themselves are observe/blockprof.c. */
#ifndef GORT_SYNC_WAITPROF_H
#define GORT_SYNC_WAITPROF_H

#include "gort/hchan.h"
#include "gort/sync/chan.h"
#include "kernel/clock.h"

struct wait_profile {
    int64_t block_rate, mutex_rate; /* [atomic] 0 = off; SetBlockProfileRate,
                                       SetMutexProfileFraction */
    /* gp, at a gate, has waited for ns, or has made another wait; the profile leaves out `skip` of
     * its frames. [const after boot] */
    void (*blocked)(struct g *gp, int64_t ns, int64_t skip);
    void (*held_up)(struct g *gp, int64_t ns, int64_t skip);
};
extern struct wait_profile wait_profile;

/* gp, at its gate, is about to wait for others. When it is readied comes to stand in its sudog. */
static inline void block_start(struct g *gp)
{
    bool on = __atomic_load_n(&wait_profile.block_rate, __ATOMIC_RELAXED) != 0;

    gp->block_since = on ? clock_mono_ns() : 0;
    if (on && !gp->own)
        gp->own = sudog_acquire();
}

/* gp has waited and stands at a gate again. */
static inline void block_done(struct g *gp, int64_t skip)
{
    int64_t since = gp->block_since;

    gp->block_since = 0;
    if (since)
        wait_profile.blocked(gp, gp->own->releasetime - since, skip);
}

/* The time, if waits for mutexes are profiled, else 0. */
static inline int64_t mutex_start(void)
{
    return __atomic_load_n(&wait_profile.mutex_rate, __ATOMIC_RELAXED) ? clock_mono_ns() : 0;
}

/* gp, at its gate, wakes one that has waited since then. */
static inline void mutex_done(struct g *gp, int64_t since, int64_t skip)
{
    if (since)
        wait_profile.held_up(gp, clock_mono_ns() - since, skip);
}

#endif
