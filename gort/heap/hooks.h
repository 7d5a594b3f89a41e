/* hooks.h - what allocator and collector need of rooms above them: gort/hooks.c sets it. */
#ifndef GORT_HEAP_HOOKS_H
#define GORT_HEAP_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

struct g;
struct gcw;
struct leaf_table;
struct mprof_bucket;
struct mspan;

struct heap_hooks {
    /* Fills the program's table of leaves; malloc only `with_malloc`. */
    void (*install_leaves)(struct leaf_table *t, bool with_malloc);
    /* Marks what other rooms have as roots. World stopped. */
    void (*mark_roots)(struct gcw *w);

    /* ---- the memory profile: observe/mprof.h ------------------------------------------ */
    /* The program has said where it keeps runtime.MemProfileRate. */
    void (*profile_init)(const int64_t *rate);
    /* A P has taken s: chooses the object to sample next, if any (mspan_sample_at). */
    void (*sample_span)(struct mspan *s);
    /* Is a large object of so many bytes to be sampled? */
    bool (*sample_large)(uint64_t size);
    /* gp, stopped in its gate, has allocated the object at p, which takes `size` bytes. */
    void (*sampled)(struct g *gp, uintptr_t p, uint64_t size);
    /* A sampled object has been swept. */
    void (*sampled_freed)(struct mprof_bucket *b, uint64_t size);
    /* A cycle of the profile's counts ends: all is marked, world stopped; later; all is swept. */
    void (*cycle_marked)(void);
    void (*cycle_counted)(void);
    void (*cycle_swept)(void);
};
extern struct heap_hooks heap_hooks; /* [const after boot] */

#endif
