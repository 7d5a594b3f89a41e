/* mcache.h - one P's share of the allocator: no locks.
 *
 * Owned by the CPU that holds the P, on g0 only. When a cycle ends all caches are stale: their
 * spans must be swept. That is done after the world runs again, by whoever comes first, the CPU
 * that takes the P or the one that has ended the cycle: mcache_ready. */
#ifndef GORT_HEAP_MCACHE_H
#define GORT_HEAP_MCACHE_H

#include "gort/heap/mspan.h"

/* Free pages of one aligned group of 64, taken from the heap ahead of need. */
struct pcache {
    uint64_t mask;   /* bit = page is here */
    uint64_t zero;   /* page holds zeros */
    size_t base;     /* page number of bit 0 */
};

struct mcache {
    struct mspan *alloc[NUM_SPAN_CLASSES]; /* never NULL: a full dummy if there is none */
    uintptr_t tiny;        /* block being shared out, 0 if there is none */
    uint32_t  tiny_offset;
    uint32_t  flush_gen;   /* [atomic] mheap.sweep_gen that the spans belong to; 1 less: being
                            * flushed; 2 less: stale */
    uint64_t  tiny_allocs;
    bool      sampled;     /* the object just taken is to be counted by mprof_malloc */
    uint64_t  scan_alloc;  /* bytes of objects with pointers, since the last refill */
    struct pcache pages;
};

struct p;
void mcache_init(struct p *p);
/* Gives every span, page and stack back: P goes away. Any CPU, with the P stopped and not
 * stale. */
void mcache_flush(struct p *p);
/* p's cache is not stale when this returns. Before p's first allocation after a stop of the
 * world, and after p was idle: whoever takes a P or goes on with it calls this. No locks held. */
void mcache_ready(struct p *p);
/* mcache_ready for all Ps: before the next cycle may begin. */
void mcache_ready_all(void);
/* A new span for the class: the old one is full. False: out of memory. */
bool mcache_refill(struct mcache *c, unsigned spc);
/* How a large object comes by its frames: at once; piece by piece before it is used (mheap_commit);
 * when it is touched (lazy.h; without pointers only). */
enum large_kind { LARGE_NOW, LARGE_BARE, LARGE_LAZY };
/* A span of a large object, already on its central list. NULL: out of memory. */
struct mspan *mcache_alloc_large(size_t size, bool noscan, enum large_kind kind);

#endif
