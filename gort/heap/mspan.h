/* mspan.h - runs of 8 KiB pages holding objects of one size.
 *
 *   page -> mspan -> mcentral[span class] -> P's mcache[span class] -> object
 *
 * A span has one owner: the heap, a central list, or one P's cache. Only the owner allocates
 * from it. Mark workers touch only `gcmark`, which becomes `alloc` when the span is swept.
 * mspan structures are never unmapped and keep their bitmaps' capacity for life: a marker
 * that follows a stale pointer reads a dead span, never something else. */
#ifndef GORT_HEAP_MSPAN_H
#define GORT_HEAP_MSPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gort/heap/sizeclass.h"
#include "kernel/lock.h"

enum span_state {
    SPAN_DEAD = 0,   /* free pages, or no span */
    SPAN_IN_USE,     /* collected objects */
    SPAN_MANUAL,     /* stacks and work buffers: nothing the collector frees */
};

struct special;
struct go_type;

struct mspan {
    uintptr_t base;            /* [const while in use] first byte */
    uintptr_t limit;           /* end of the objects */
    uint64_t  alloc_cache;     /* [owner] 1 = free, bit 0 is object free_index */
    uint32_t  free_index;      /* [owner] next object to try; all below are taken */
    uint32_t  nelems;
    uint32_t  elemsize32;      /* 0: larger than 4 GiB, see elemsize */
    uint32_t  magic;           /* object index = offset * magic >> 32 */
    uint32_t  alloc_count;     /* [owner] objects taken */
    uint8_t   spanclass;
    uint8_t   state;           /* [atomic] enum span_state */
    bool      needzero;        /* free objects may hold old bytes */
    bool      listed;          /* [list's lock] is on a list */
    bool      lazy;            /* [const while in use] frames come when it is touched: lazy.h */
    uint8_t   stack_order;     /* stackalloc.c: which class of stacks */
    size_t    elemsize;        /* bytes per object; of a large span: all of it */
    uint64_t  ones;            /* [const while in use] a bit for each word of an object, up to 64 */
    size_t    npages;
    size_t    touched;         /* [atomic] lazy: bytes that have got frames by being touched */
    uint64_t *alloc;           /* [owner] 1 = taken, as of the last sweep */
    uint64_t *gcmark;          /* [atomic] 1 = reached in this cycle */
    uint32_t  sweep_gen;       /* [atomic] against mheap.sweep_gen: gc/sweep.c */
    uint32_t  scan_index;      /* [atomic] free_index when marking began: later objects are new */
    uint32_t  sample_at;       /* [owner] object that only the slow path may take: mprof.h */
    uint32_t  cached_count;    /* [owner] alloc_count when a P took the span */
    uint32_t  bits_words;      /* [const] capacity of alloc and gcmark, in words */
    const struct go_type *large_type; /* [atomic] of a large object; NULL: no pointers (yet) */
    struct mspan *next, *prev; /* [owner's lock] list that it is on */
    struct special *specials;  /* [special_lock] sorted by offset and kind */
    struct lock special_lock;
    uintptr_t free_list;       /* [owner] stacks: linked free ones */
    uint64_t  bits[];          /* both bitmaps */
};

struct mspan_list { struct mspan *first, *last; size_t count; };

void mspan_list_push(struct mspan_list *l, struct mspan *s);   /* at the front */
void mspan_list_remove(struct mspan_list *l, struct mspan *s);
struct mspan *mspan_list_pop(struct mspan_list *l);            /* NULL: empty */

/* Words of one bitmap that a span of n objects needs: rounded to a few capacities so that
 * dead structures can be used again. */
unsigned mspan_bits_words(unsigned nelems);
#define MSPAN_BITS_KINDS 5
unsigned mspan_bits_kind(unsigned words);                      /* 0..MSPAN_BITS_KINDS-1 */

/* Makes s a span of class spc over [base, base + npages pages), all objects free. Class 0/1:
 * one object of npages pages. */
void mspan_init(struct mspan *s, uintptr_t base, size_t npages, unsigned spc, bool needzero);
/* Index of the first free object at or after free_index, nelems if there is none; moves
 * free_index and alloc_cache there. */
unsigned mspan_next_free(struct mspan *s);
/* Ends alloc_cache before the free object i, which is to be sampled: mspan_next_free stops
 * there too. mspan_unsample makes i (and what follows) available again. */
#define MSPAN_NO_SAMPLE (~0u)
void mspan_sample_at(struct mspan *s, unsigned i);
void mspan_unsample(struct mspan *s);
/* Marks what lies behind the last object as taken, so that a bit in alloc_cache always stands
 * for an object. */
void mspan_fill_tail(struct mspan *s);
/* Takes the first free object without looking into the bitmap; false if the cache is empty. */
static inline bool mspan_take_index(struct mspan *s, unsigned *at)
{
    uint64_t cache = s->alloc_cache;

    if (__builtin_expect(cache == 0, 0))
        return false;
    unsigned skip = (unsigned)__builtin_ctzll(cache);
    *at = s->free_index + skip;
    s->alloc_cache = cache >> skip >> 1;
    s->free_index = *at + 1;
    s->alloc_count++;
    return true;
}
/* As mspan_take_index; the object's address, or 0. */
static inline uintptr_t mspan_take_fast(struct mspan *s)
{
    unsigned at;

    return mspan_take_index(s, &at) ? s->base + (uintptr_t)at * s->elemsize32 : 0;
}

static inline unsigned mspan_index(const struct mspan *s, uintptr_t addr)
{
    return (unsigned)((addr - s->base) * (uint64_t)s->magic >> 32);
}
static inline bool mspan_noscan(const struct mspan *s) { return s->spanclass & 1; }
static inline bool mspan_is_large(const struct mspan *s) { return s->spanclass < 2; }
/* Pointer bits at the span's end instead of type words before the objects? */
static inline bool mspan_has_bits(const struct mspan *s) { return s->elemsize <= HEADER_MIN; }
/* Is object i not in use, as the last sweep and the allocator since know it? Owner, or world
 * stopped. */
static inline bool mspan_is_free(const struct mspan *s, unsigned i)
{
    if (i < s->free_index)
        return false;
    return !(s->alloc[i / 64] >> i % 64 & 1);
}
static inline bool mspan_marked(const struct mspan *s, unsigned i)
{
    return __atomic_load_n(&s->gcmark[i / 64], __ATOMIC_RELAXED) >> i % 64 & 1;
}
/* True if this call has set the bit. */
static inline bool mspan_mark(struct mspan *s, unsigned i)
{
    uint64_t bit = 1ull << i % 64;

    return !(__atomic_fetch_or(&s->gcmark[i / 64], bit, __ATOMIC_RELAXED) & bit);
}

#endif
