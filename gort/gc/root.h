/* root.h - the program's global variables, as the collector sees them. */
#ifndef GORT_GC_ROOT_H
#define GORT_GC_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A run of global words with a mask of those that are pointers. */
struct gc_segment {
    uintptr_t lo, hi;
    const uint8_t *mask; /* bit i: word i of [lo, hi) */
};

/* At boot, when the program is loaded: expands the linker's masks. */
void gc_roots_init(void);
/* The segment that holds addr. False: no global that may hold pointers. */
bool gc_segment_of(uintptr_t addr, struct gc_segment *out);
/* All segments, i from 0. False: no more. */
bool gc_segment_get(unsigned i, struct gc_segment *out);
/* Calls fn for every pointer slot of [lo, hi) within the segment. */
void gc_segment_slots(const struct gc_segment *s, uintptr_t lo, uintptr_t hi,
                      void (*fn)(uintptr_t slot, void *arg), void *arg);

#endif
