/* pages.h - the heap's pages, for spans.c: mheap.c finds them and sees to their frames.
 *
 * What takes pages returns the first one's number, PA_NONE: out of memory. *zero: those with frames
 * hold zeros. g0, no locks at or above RANK_MHEAP. */
#ifndef GORT_HEAP_PAGES_H
#define GORT_HEAP_PAGES_H

#include "gort/heap/mheap.h"

/* With frames behind all of them; a few come from the P's cache. */
size_t pages_take(size_t npages, bool *zero);
/* As pages_take, and frames that are kept for the kernel may be taken. */
size_t pages_take_last(size_t npages, bool *zero);
/* With frames or without. */
size_t pages_take_bare(size_t npages, bool *zero);
/* As pages_take_bare. *lazy: some pages have no frames, and are counted as untouched (lazy.h). */
size_t pages_take_lazy(size_t npages, bool *zero, bool *lazy);
/* mheap.lock is held. */
void pages_free_locked(size_t page, size_t n);

#endif
