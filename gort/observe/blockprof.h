/* blockprof.h - the block and the mutex profile: which stacks waited, and which made others
 * wait. Counts per stack, for ever; sampled as runtime.SetBlockProfileRate and
 * SetMutexProfileFraction say. sync/waitprof.h has when. */
#ifndef GORT_OBSERVE_BLOCKPROF_H
#define GORT_OBSERVE_BLOCKPROF_H

#include <stdint.h>

struct g;

/* wait_profile.blocked and .held_up of sync/waitprof.h. */
void block_event(struct g *gp, int64_t ns, int64_t skip);
void mutex_event(struct g *gp, int64_t ns, int64_t skip);

#endif
