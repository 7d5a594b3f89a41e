/* blockprof.h - the block and the mutex profile: which stacks waited, and which made others
 * wait. Counts per stack, for ever; sampled as runtime.SetBlockProfileRate and
 * SetMutexProfileFraction say.
 *
 *   parks: block_start   is readied: g.block_until   goes on: block_done, at its own gate */
#ifndef GORT_OBSERVE_BLOCKPROF_H
#define GORT_OBSERVE_BLOCKPROF_H

#include <stdint.h>

struct g;

/* gp, at its gate, is about to wait for others. */
void block_start(struct g *gp);
/* gp has waited and stands at a gate again; the profile leaves out `skip` of its frames. */
void block_done(struct g *gp, int64_t skip);
/* The time, if waits for mutexes are profiled, else 0. */
int64_t mutex_start(void);
/* gp, at its gate, wakes one that has waited since then. */
void mutex_done(struct g *gp, int64_t since, int64_t skip);

#endif
