/* heap.h - what malloc and its kin are made of.
 *
 *   base  map: a struct block for each block of the range, committed as far as blocks are
 *         block 0, block 1, ... in runs: free ones, large objects, slabs
 *         top: what is above has never been used
 *
 * pages.c hands out runs of blocks of 16 KiB, under one lock. heap.c cuts runs into slabs of
 * objects of one size, each of which belongs to an arena. There is an arena per CPU: malloc takes
 * the arena of the CPU it runs on or, if that is held just now, the next that is free. free goes
 * back to the arena that the object is from. A goroutine may be moved to another CPU at any
 * moment: an arena is only where it looks first, its mutex is what protects it.
 *
 * Lock order: an arena, then the pages. All of this is for goroutines (the mutexes may park). */
#ifndef GORT_CAPP_LIB_HEAP_H
#define GORT_CAPP_LIB_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gort.h"

#define BLOCK      (16ul << 10)
#define HEAP_RANGE (64ul << 30) /* bytes of address space */

/* ---- pages.c ---------- */

/* n > 0 blocks in a row, all zeros if *zero says so; NULL: no memory. `slab`: for pages_find. */
void *pages_take(size_t n, bool slab, bool *zero);
/* False: no run that is in use starts there. */
bool pages_give(void *start);
/* The run in use that p lies in; start is NULL if there is none. No lock: the caller owns what p
 * points to, and so the run stays. */
struct run { void *start; size_t n; bool slab; };
struct run pages_find(const void *p);
bool pages_trim(void);

struct pages_figures { size_t committed, used; }; /* bytes */
struct pages_figures pages_figures(void);

/* What the system under pages.c does: p NULL reserves n bytes of address space, and nothing is
 * there; else commits [p, p + n), zeroed, or gives it back. NULL: it cannot. Multiples of 4 KiB. */
void *pages_system(void *p, size_t n, bool give);

/* ---- heap.c ---------- */

#define HEAP_ARENAS_MAX 64
extern unsigned heap_arenas; /* [const once main runs] how many are used: one per CPU */

/* n bytes, aligned to 16; NULL: no memory, or n is absurd. */
void *heap_alloc(size_t n, bool zero);
/* align: a power of two. */
void *heap_alloc_aligned(size_t align, size_t n);
/* False: p is not allocated. */
bool heap_free(void *p);
/* From p to the end of its object; 0: p is not allocated. */
size_t heap_usable(const void *p);
/* All free memory goes back to the machine. True: there was some. */
bool heap_trim(void);
size_t heap_in_use(void); /* bytes of objects */

#endif
