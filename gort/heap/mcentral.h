/* mcentral.h - the spans of one span class that no P holds.
 *
 *           refill                        sweep
 *   mcache <------- partial (swept) <------------- partial (unswept)
 *          -------> partial or full (swept)        full (unswept)
 *           uncache
 *
 * Each list exists twice, for this cycle's spans and the last one's: which is which follows
 * from mheap.sweep_gen, so that starting a cycle turns all swept lists into unswept ones by
 * adding 2 to it. */
#ifndef GORT_HEAP_MCENTRAL_H
#define GORT_HEAP_MCENTRAL_H

#include "gort/heap/mspan.h"

struct mcentral {
    struct lock lock;              /* rank MCENTRAL */
    uint8_t spanclass;             /* [const] */
    struct mspan_list partial[2];  /* [lock] some object free; index: sweep_gen / 2 % 2 = swept */
    struct mspan_list full[2];     /* [lock] no object free */
};

void mcentral_init(struct mcentral *c, unsigned spc);
/* A swept span with a free object, owned by the caller. NULL: out of memory. */
struct mspan *mcentral_cache(struct mcentral *c);
/* Takes a span back from a P. */
void mcentral_uncache(struct mcentral *c, struct mspan *s);
/* The sweeper's: a span that waits for sweeping, taken off its list; NULL if there is none. */
struct mspan *mcentral_pop_unswept(struct mcentral *c);
/* Takes a claimed span off its unswept list, if nobody has popped it yet. */
void mcentral_unlist(struct mcentral *c, struct mspan *s);
/* A swept span (also a large one) onto the list where it belongs. */
void mcentral_push_swept(struct mcentral *c, struct mspan *s);

#endif
