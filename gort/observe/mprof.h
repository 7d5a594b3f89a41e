/* mprof.h - the memory profile: which stacks allocated what, sampled once per
 * runtime.MemProfileRate bytes on average.
 *
 * Samples are a Poisson process over the bytes of each span class (their sum is one over all
 * bytes, and such processes have no memory). So the next sample is drawn when a P takes a span:
 * if it falls on one of the span's free objects, the object becomes span.sample_at, at which
 * the allocator's bitmap cache ends. The fast path knows nothing of this: at that object it
 * finds its cache empty, and the slow path, in a gate, samples.
 *
 * A sampled object has a special (SPECIAL_PROFILE), so that its death is counted.
 *
 * What is shown is the state at the end of a cycle: allocations of cycle c count once the
 * sweep of cycle c + 1 has had its chance to free them. Hence the `future` counts. */
#ifndef GORT_OBSERVE_MPROF_H
#define GORT_OBSERVE_MPROF_H

#include <stdbool.h>
#include <stdint.h>

struct g;
struct mspan;
struct mprof_bucket;

/* Where the program keeps runtime.MemProfileRate. Boot. */
void mprof_init(const int64_t *rate);
/* A P has taken s: chooses the object to sample next, if any. */
void mprof_arm(struct mspan *s);
/* Is a large object of so many bytes to be sampled? */
bool mprof_due(uint64_t size);
/* gp, stopped in its gate, has allocated the object at p, which takes `size` bytes. */
void mprof_malloc(struct g *gp, uintptr_t p, uint64_t size);
/* A sampled object has been swept. */
void mprof_free(struct mprof_bucket *b, uint64_t size);

/* The world is stopped: all that were sampled, as what is shown has them. */
struct mprof_view { uint64_t size; const uintptr_t *pc; uint32_t n; uint64_t allocs, frees; };
void mprof_each(void (*fn)(const struct mprof_bucket *b, const struct mprof_view *v));

/* The world is stopped: marking is complete, a new cycle of counts begins. */
void mprof_next_cycle(void);
/* What two cycles ago was allocated, and freed since, is shown from now on. */
void mprof_flush(void);
/* A forced collection has swept all: what it has freed need not wait for the next cycle. */
void mprof_flush_swept(void);

#endif
