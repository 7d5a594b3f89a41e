/* malloc.h - Go's mallocgc, in C.
 *
 *   Go code -> runtime.mallocgc (overlay, assembly) -> malloc_leaf on the CPU's g0 stack
 *                                                  -> nil? the gate rt_malloc_slow
 *
 * The leaf stub changes stacks and calls C without saving the goroutine: so malloc_leaf may
 * lock and take new spans, but not park, not start a cycle and not look at the goroutine's
 * stack. It answers NULL when one of those is due (large objects, the collector's turn, no
 * memory), and the gate does it all again with the goroutine stopped properly.
 *
 * Why no locks and no atomics in there: a P's caches are touched only by the CPU that holds
 * the P, on its g0 stack, and interrupts that land on kernel code only set flags. */
#ifndef GORT_HEAP_MALLOC_H
#define GORT_HEAP_MALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gort/abi/goabi.h"
#include "gort/heap/mcache.h"

/* Once, at boot, before any P exists. */
void malloc_init(void);

/* `size` bytes for values of typ (NULL or without pointers: raw bytes), zeroed if needzero or
 * if there are pointers. NULL: see above. g0, with a P. */
void *malloc_leaf(size_t size, const struct go_type *typ, bool needzero);

/* For C on g0 with a P: as malloc_leaf for any size, never NULL (out of memory is fatal).
 * Does not start a cycle. What is returned is white or black like any object: keep it where
 * the collector looks. */
void *malloc_gc(size_t size, const struct go_type *typ, bool needzero);

/* Fills *out, a struct go_memstats of mstats.c. World stopped. */
void mem_stats_read(void *out);
/* "fatal error: runtime: out of memory" with a report of what held it. `wanted`: bytes. */
void malloc_out_of_memory(size_t wanted) __attribute__((noreturn)); /* as hooks have its type */

#endif
