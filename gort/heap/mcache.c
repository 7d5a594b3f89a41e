/* mcache.c - the allocator's share of a P: mcache.h. */
#include "gort/heap/mcache.h"
#include <string.h>
#include "arch/x86_64/arch.h"
#include "gort/g.h"
#include "gort/gc/gc.h"
#include "gort/gc/wbbuf.h"
#include "gort/gc/work.h"
#include "gort/heap/hooks.h"
#include "gort/heap/mheap.h"
#include "gort/heap/stackalloc.h"
#include "gort/sched/mp.h"

/* What an empty slot points to: a span without objects, so that the fast path needs no test. */
static struct mspan empty_span = { .sample_at = MSPAN_NO_SAMPLE };

void mcache_init(struct p *p)
{
    struct mcache *c = persistent_alloc(sizeof *c, 64, &mheap.meta_caches);

    for (unsigned i = 0; i < NUM_SPAN_CLASSES; i++)
        c->alloc[i] = &empty_span;
    c->flush_gen = mheap.sweep_gen;
    p->mcache = c;
    stack_cache_init(p);
    wbbuf_init(p);
    gcw_init(p);
}

static void check_fresh(const struct mcache *c)
{
    CHECK(c->flush_gen == mheap.sweep_gen, "use of a stale cache: of sweep %u, now %u",
          c->flush_gen, mheap.sweep_gen);
}

/* The P gives s up. All free objects of s were counted as live when it took s: corrects that. */
static void release(struct mcache *c, unsigned spc, struct mspan *s)
{
    mspan_unsample(s);
    uint64_t n = s->alloc_count - s->cached_count, unused = s->nelems - s->alloc_count;

    __atomic_add_fetch(&mheap.small_allocs[spc / 2], n, __ATOMIC_RELAXED);
    __atomic_add_fetch(&gc.total_alloc, n * s->elemsize, __ATOMIC_RELAXED);
    /* A stale span was counted towards the last cycle's heap, which is over. */
    if (s->sweep_gen != mheap.sweep_gen + 1)
        __atomic_sub_fetch(&gc.heap_live, unused * s->elemsize, __ATOMIC_RELAXED);
    s->cached_count = s->alloc_count;
    if (!gc.barrier)
        s->scan_index = s->free_index;
    c->alloc[spc] = &empty_span;
    mcentral_uncache(&mheap.central[spc], s);
}

bool mcache_refill(struct mcache *c, unsigned spc)
{
    check_fresh(c);
    if (c->alloc[spc] != &empty_span)
        release(c, spc, c->alloc[spc]);
    sweep_pay(class_pages[spc / 2] * GO_PAGE_SIZE);
    struct mspan *s = mcentral_cache(&mheap.central[spc]);
    if (!s)
        return false;
    __atomic_store_n(&s->sweep_gen, mheap.sweep_gen + 3, __ATOMIC_RELEASE);
    s->cached_count = s->alloc_count;
    /* All of it counts as live now, so that the fast path need not count. */
    uint64_t bytes = (s->nelems - s->alloc_count) * s->elemsize;
    __atomic_add_fetch(&gc.heap_live, bytes, __ATOMIC_RELAXED);
    __atomic_add_fetch(&gc.heap_scan, c->scan_alloc, __ATOMIC_RELAXED);
    __atomic_add_fetch(&mheap.tiny_allocs, c->tiny_allocs, __ATOMIC_RELAXED);
    c->scan_alloc = c->tiny_allocs = 0;
    c->alloc[spc] = s;
    heap_hooks.sample_span(s);
    return true;
}

static void flush(struct p *p)
{
    struct mcache *c = p->mcache;

    for (unsigned i = 0; i < NUM_SPAN_CLASSES; i++)
        if (c->alloc[i] != &empty_span)
            release(c, i, c->alloc[i]);
    c->tiny = 0;
    __atomic_add_fetch(&mheap.tiny_allocs, c->tiny_allocs, __ATOMIC_RELAXED);
    c->scan_alloc = c->tiny_allocs = 0;
    mheap_flush_pcache(&c->pages);
    stack_cache_flush(p);
}

void mcache_flush(struct p *p)
{
    check_fresh(p->mcache);
    __atomic_add_fetch(&gc.heap_scan, p->mcache->scan_alloc, __ATOMIC_RELAXED);
    flush(p);
}

/* What scan_alloc counts belongs to the cycle that is over. */
void mcache_ready(struct p *p)
{
    uint32_t gen = mheap.sweep_gen, *is = &p->mcache->flush_gen, stale = gen - 2;

    if (__atomic_load_n(is, __ATOMIC_ACQUIRE) == gen)
        return;
    if (__atomic_compare_exchange_n(is, &stale, gen - 1, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) {
        flush(p);
        __atomic_store_n(is, gen, __ATOMIC_RELEASE);
        return;
    }
    CHECK(stale == gen - 1 || stale == gen, "P %u's cache is of sweep %u, not %u", p->id, stale,
          gen);
    while (__atomic_load_n(is, __ATOMIC_ACQUIRE) != gen)
        cpu_relax();
}

/* This P's cache first: the other CPUs wake up meanwhile and see to their own. */
void mcache_ready_all(void)
{
    mcache_ready(p_self());
    for (unsigned i = 0; i < CPU_MAX * 4 && allp[i]; i++)
        mcache_ready(allp[i]);
}

/* Before the heap grows for a large object: what the last cycle found dead may make room. */
static void sweep_for(size_t npages)
{
    size_t freed = 0;

    for (unsigned i = 0; i < 128 && freed < npages && sweep_pending(); i++) {
        size_t n = sweep_one();
        if (n != ~0ul)
            freed += n;
    }
}

static struct mspan *alloc_pages(size_t npages, bool noscan, enum large_kind kind)
{
    switch (kind) {
    case LARGE_LAZY: return mheap_alloc_lazy(npages);
    case LARGE_BARE: return mheap_alloc_bare(npages, noscan);
    default:         return mheap_alloc(npages, noscan);
    }
}

struct mspan *mcache_alloc_large(size_t size, bool noscan, enum large_kind kind)
{
    size_t npages = (size + GO_PAGE_SIZE - 1) / GO_PAGE_SIZE;

    sweep_for(npages);
    sweep_pay(size);
    struct mspan *s = alloc_pages(npages, noscan, kind);

    if (!s)
        return NULL;
    size_t bytes = npages * GO_PAGE_SIZE;
    __atomic_add_fetch(&mheap.large_allocs, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&mheap.large_alloc_bytes, bytes, __ATOMIC_RELAXED);
    __atomic_add_fetch(&gc.total_alloc, bytes, __ATOMIC_RELAXED);
    __atomic_add_fetch(&gc.heap_live, bytes, __ATOMIC_RELAXED);
    if (!noscan)
        __atomic_add_fetch(&gc.heap_scan, bytes, __ATOMIC_RELAXED);
    s->free_index = 1;
    s->alloc_cache = 0;
    s->alloc_count = 1;
    if (!gc.barrier)
        s->scan_index = 1;
    mcentral_push_swept(&mheap.central[noscan], s);
    return s;
}
