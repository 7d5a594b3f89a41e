/* pagealloc.h - which 8 KiB pages of the heap are free.
 *
 *   level 0   64 summaries of 2^21 pages each
 *   ...       8 children below every summary
 *   level 4   one summary per chunk of 512 pages (4 MiB)
 *   chunks    the bitmaps themselves
 *
 * A summary is (free pages at the start, longest free run, free pages at the end) of what is
 * below it. A run of n pages is found from the top in a few steps, always the one with the
 * lowest address, so that the heap's upper end can be given back.
 *
 * The heap is one contiguous range of pages that only grows: page 0 is at heap_base. Three
 * bits per page: taken; gone (no frames behind it); zero (frames are known to hold zeros,
 * because nobody has used them since they were committed).
 *
 * Pure: no locks (the caller holds mheap.lock), memory for the tables through the callback
 * that pagealloc_init is given. */
#ifndef GORT_HEAP_PAGEALLOC_H
#define GORT_HEAP_PAGEALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PA_LEVELS      5
#define PA_CHUNK_PAGES 512ul
#define PA_MAX_PAGES   (1ul << 27)      /* 1 TiB of heap */
#define PA_CHUNKS      (PA_MAX_PAGES / PA_CHUNK_PAGES)
#define PA_NONE        (~0ul)

struct pagesum { uint32_t start, max, end; }; /* pages */

struct pachunk {
    uint64_t taken[8];
    uint64_t gone[8];
    uint64_t zero[8];
};

struct pagealloc {
    struct pachunk *chunks;         /* [PA_CHUNKS], those below `end` are backed */
    struct pagesum *sum[PA_LEVELS]; /* backed as far as `end` reaches */
    size_t end;                     /* pages that the heap has grown to, whole chunks */
    size_t search;                  /* no free page below this one */
    size_t free_pages;
    size_t gone_pages;              /* of all pages below end, free ones only by nature */
};

/* Tables at the given addresses; they must read as zero once backed. */
void pagealloc_init(struct pagealloc *pa, void *chunks, void *const sums[PA_LEVELS]);
/* Bytes of the table of `level` (PA_LEVELS: of the chunks) that a heap of `pages` needs. */
size_t pagealloc_table_bytes(unsigned level, size_t pages);
/* Adds npages (whole chunks) at the end, free and gone. The tables are backed already. */
void pagealloc_grow(struct pagealloc *pa, size_t npages);
/* Takes the lowest run of npages. Returns its first page or PA_NONE. */
size_t pagealloc_alloc(struct pagealloc *pa, size_t npages);
/* Takes these pages, which are free; npages > 0. */
void pagealloc_take(struct pagealloc *pa, size_t page, size_t npages);
void pagealloc_free(struct pagealloc *pa, size_t page, size_t npages);
/* Takes all free pages of the lowest aligned group of 64 that has one: returns the group's
 * first page and the mask of what was taken. PA_NONE if the heap is full. */
size_t pagealloc_alloc_group(struct pagealloc *pa, uint64_t *mask);

/* Bits over ranges. */
enum pa_bits { PA_TAKEN, PA_GONE, PA_ZERO };
void pagealloc_set(struct pagealloc *pa, enum pa_bits which, size_t page, size_t n);
void pagealloc_clear(struct pagealloc *pa, enum pa_bits which, size_t page, size_t n);
bool pagealloc_all(const struct pagealloc *pa, enum pa_bits which, size_t page, size_t n);
size_t pagealloc_count(const struct pagealloc *pa, enum pa_bits which, size_t page, size_t n);
/* First page in [page, limit) whose bit is (set), limit if there is none. */
size_t pagealloc_next(const struct pagealloc *pa, enum pa_bits which, bool set, size_t page,
                      size_t limit);
size_t pagealloc_longest_free(const struct pagealloc *pa); /* pages */

#endif
