/* mheap.h - the heap's pages: where spans come from.
 *
 * heap_base .. heap_base + 1 TiB of address space is reserved once. The heap grows upwards in
 * it by arenas of 64 MiB; a page has frames behind it from its first use (2 MiB at a time
 * where the range allows) until the scavenger gives them back. `spans` maps page numbers to
 * spans: one flat table, so finding an object's span is one subtraction, one shift, one load.
 *
 * All of this runs on g0 (in gates, in leaf stubs or in the scheduler). A P's caches are
 * touched only by the CPU that holds the P, and nothing preempts g0, so they need no lock. */
#ifndef GORT_HEAP_MHEAP_H
#define GORT_HEAP_MHEAP_H

#include "drivers/net.h"
#include "gort/heap/mspan.h"
#include "gort/heap/mcentral.h"
#include "gort/heap/pagealloc.h"
#include "mm/mm.h"

#define GO_PAGE_SHIFT_ 13
#define ARENA_SIZE     (64ul << 20)
#define HEAP_END       (heap_base + PA_MAX_PAGES * GO_PAGE_SIZE)
#define COMMIT_PAGES   (HUGE_PAGE_SIZE / GO_PAGE_SIZE)

struct mheap {
    struct lock lock;                  /* rank MHEAP: the fields down to `spans` */
    struct pagealloc pages;
    struct mspan *dead[MSPAN_BITS_KINDS]; /* structures to use again */
    size_t spans_backed, table_backed[PA_LEVELS + 1]; /* bytes */
    struct mspan **spans;              /* [atomic] by page number */
    uint32_t sweep_gen;                /* [stw] rises by 2 per cycle: gc/sweep.c */
    struct mcentral central[NUM_SPAN_CLASSES];

    uint32_t specials[PA_MAX_PAGES * GO_PAGE_SIZE / ARENA_SIZE]; /* [atomic] per arena */

    /* [atomic] bytes */
    uint64_t in_use;                   /* spans of objects */
    uint64_t stacks;                   /* spans of stacks */
    uint64_t c_stacks;                 /* of C goroutines: no pages of the heap */
    uint64_t manual;                   /* work buffers and the like */
    uint64_t committed;                /* frames behind the heap's pages */
    uint64_t committed_peak;
    uint64_t untouched;                /* what lazy objects have no frames for (lazy.h) */
    uint64_t bss_touched;              /* frames that .bss has got: not the heap's */
    uint64_t reached;                  /* end of the pages that have ever been used */
    uint64_t scavenged_total;
    uint64_t pages_in_use;             /* pages in object spans */
    uint64_t large_allocs, large_frees, large_alloc_bytes, large_free_bytes;
    uint64_t small_allocs[NUM_CLASSES], small_frees[NUM_CLASSES];
    uint64_t tiny_allocs;
    uint64_t meta_spans, meta_caches, meta_tables, meta_other; /* persistent bytes by kind */
    uint64_t meta_prof;
    uint64_t span_structs_in_use;      /* bytes */
};
extern struct mheap mheap;
extern uintptr_t heap_base; /* [const after boot] a multiple of 2 MiB */

/* Puts heap_base where the number says; otherwise it is HEAP_BASE. Before mheap_init. */
void mheap_place(uint64_t random);
void mheap_init(void);

/* A span of npages for class spc, not on any list, sweep_gen current. NULL: out of memory. */
struct mspan *mheap_alloc(size_t npages, unsigned spc);
/* As mheap_alloc, but pages that have no frames get none yet: mheap_commit does that, piece by
 * piece, before they are touched. The span's needzero: some page that has a frame already may not
 * be zero. (mheap_commit gives zeroed frames.) */
struct mspan *mheap_alloc_bare(size_t npages, unsigned spc);
/* As mheap_alloc_bare for an object without pointers, whose pages come when they are touched:
 * lazy.h. Where all of them have frames already it is no lazy span. */
struct mspan *mheap_alloc_lazy(size_t npages);
/* Frames behind [addr, addr + size) of a span of mheap_alloc_bare. False: out of memory. */
bool mheap_commit(uintptr_t addr, size_t size);
/* A span of raw pages (stacks, work buffers), contents undefined. `stat`: &mheap.stacks or
 * &mheap.manual, which may get frames that are kept for the kernel. NULL: out of memory. */
struct mspan *mheap_alloc_manual(size_t npages, uint64_t *stat);
void mheap_free(struct mspan *s);
void mheap_free_manual(struct mspan *s, uint64_t *stat);

/* Gives back frames behind free pages, highest first, until `bytes` have been given or there
 * are none. Returns the bytes. */
size_t mheap_scavenge(size_t bytes);
/* Bytes of the heap's address space that had frames and have none. */
size_t mheap_released(void);
/* Bytes of the heap that a limit set by the program is held against: as Go counts them on Linux,
 * touched or not. */
static inline uint64_t mheap_ready(void)
{
    return __atomic_load_n(&mheap.committed, __ATOMIC_RELAXED) +
           __atomic_load_n(&mheap.untouched, __ATOMIC_RELAXED);
}
/* Bytes of the runtime's structures, and of packets, that the memory limit counts besides
 * mheap.committed. */
static inline uint64_t mheap_metadata(void)
{
    return mheap.meta_spans + mheap.meta_caches + mheap.meta_tables + mheap.meta_other +
           mheap.c_stacks + __atomic_load_n(&persistent_other, __ATOMIC_RELAXED) + pkt_bytes();
}
static inline uint64_t mheap_all_stacks(void)
{
    return __atomic_load_n(&mheap.stacks, __ATOMIC_RELAXED) +
           __atomic_load_n(&mheap.c_stacks, __ATOMIC_RELAXED);
}
struct pcache;
/* Gives the pages that a P's page cache holds back to the heap. */
void mheap_flush_pcache(struct pcache *pc);

static inline uint32_t *mheap_specials_at(uintptr_t addr)
{
    return &mheap.specials[(addr - heap_base) / ARENA_SIZE];
}

/* The span that holds addr, whatever its state, or NULL. Any context: no locks. */
static inline struct mspan *mheap_span_of(uintptr_t addr)
{
    uintptr_t off = addr - heap_base;

    if (off >= mheap.pages.end << GO_PAGE_SHIFT_)
        return NULL;
    return __atomic_load_n(&mheap.spans[off >> GO_PAGE_SHIFT_], __ATOMIC_ACQUIRE);
}
/* The span of objects that holds addr: in use and within its objects. NULL otherwise. */
static inline struct mspan *mheap_object_span(uintptr_t addr)
{
    struct mspan *s = mheap_span_of(addr);

    if (!s || __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != SPAN_IN_USE || addr < s->base ||
        addr >= s->limit)
        return NULL;
    return s;
}

/* The world is stopped: the next span of objects from page number *page on, which moves behind it;
 * NULL: there is none. */
static inline struct mspan *mheap_next_objects(size_t *page)
{
    while (*page < mheap.pages.end) {
        struct mspan *s = mheap.spans[*page];
        if (s && s->state == SPAN_IN_USE) {
            *page = ((s->base - heap_base) >> GO_PAGE_SHIFT_) + s->npages;
            return s;
        }
        *page += 1;
    }
    return NULL;
}

#endif
