/* leaf.h - C functions that Go calls on the g0 stack without a gate.
 *
 * The stubs are in gort/overlay/wb_amd64.s: they move arguments from Go's registers to C's,
 * change to the CPU's g0 stack, call, change back. The goroutine is not described anywhere
 * meanwhile, so a leaf neither parks, nor stops the world, nor unwinds. The table is a
 * variable of the program, filled by its first slow allocation; until then its slots point
 * to a stub that answers 0. Order: wb_amd64.s. */
#ifndef GORT_ABI_LEAF_H
#define GORT_ABI_LEAF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leaf_table {
    uintptr_t malloc;          /* 0  malloc_leaf */
    uintptr_t newobject;       /* 8  malloc_leaf_type */
    uintptr_t bulk_barrier;    /* 16 wb_bulk */
    uintptr_t wb_flush;        /* 24 wb_flush_leaf */
    const void *mask_in_progress; /* 32 [const] &runtime.inProgress */
    uint64_t installed;        /* 40 */
    uintptr_t yield;           /* 48 yield_leaf */
    uintptr_t chansend;        /* 56 chansend_leaf */
    uintptr_t chanrecv;        /* 64 chanrecv_leaf */
    uintptr_t select;          /* 72 select_leaf */
    uintptr_t random;          /* 80 random_leaf */
    uintptr_t mono;            /* 88 clock_mono_ns (kernel/clock.h) */
    uintptr_t clocks;          /* 96 clocks_leaf */
};

/* The leaves. */
struct go_type;
void *malloc_leaf_type(const struct go_type *t);
void wb_bulk(uintptr_t dst, uintptr_t src, size_t size, const struct go_type *t);
void wb_flush_leaf(void);
/* Those of channels answer 0 if the operation is not that simple: nothing has happened then,
 * and the gate is to be called. */
struct hchan;
uint64_t chansend_leaf(struct hchan *c, const void *elem);
uint64_t chanrecv_leaf(struct hchan *c, void *elem);
uint64_t select_leaf(void *cases, int64_t nsends, int64_t nrecvs); /* the chosen case + 1 */
uint64_t yield_leaf(void); /* 1: there is nobody to yield to */
uint64_t random_leaf(void); /* random_fast of kernel/random.h */
struct clocks { int64_t wall, mono; };
struct clocks clocks_leaf(void); /* ns since 1970, and of the monotonic clock at that moment */

#endif
