/* sweep.c - after marking: what was not reached is free.
 *
 * A cycle ends by raising mheap.sweep_gen by 2, which makes every span of objects unswept at
 * once. Spans are swept one by one: by the allocator that needs one, by the background
 * sweeper, by whoever touches a span's specials, and all of them before the next cycle marks.
 * The protocol of sweep_gen is in gc.h. */
#include <string.h>
#include "arch/x86_64/arch.h"
#include "gort/abi/app.h"
#include "gort/heap/mcache.h"
#include "gort/gc/final.h"
#include "gort/gc/gc.h"
#include "gort/heap/mheap.h"
#include "kernel/check.h"

struct sweep sweep;

static uint32_t heap_gen(void) { return __atomic_load_n(&mheap.sweep_gen, __ATOMIC_RELAXED); }

bool sweep_claim(struct mspan *s)
{
    uint32_t want = heap_gen() - 2;

    return __atomic_compare_exchange_n(&s->sweep_gen, &want, want + 1, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* ---- one span ---------------------------------------------------------------------------- */

static unsigned count_marked(const struct mspan *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < (s->nelems + 63) / 64; i++)
        n += (unsigned)__builtin_popcountll(s->gcmark[i]);
    return n;
}

/* GODEBUG=clobberfree: whoever still uses a freed object shall notice. */
static void clobber(struct mspan *s)
{
    for (unsigned i = 0; i < s->nelems; i++) {
        if (mspan_marked(s, i) || mspan_is_free(s, i))
            continue;
        uint32_t *w = (uint32_t *)(s->base + i * s->elemsize);
        for (size_t k = 0; k < s->elemsize / 4; k++) {
            if (s->lazy && k % (PAGE_SIZE / 4) == 0 && !vm_is_mapped((uintptr_t)&w[k], true))
                k += PAGE_SIZE / 4 - 1; /* nobody has touched this page */
            else
                w[k] = 0xdeadbeef;
        }
    }
}

/* A marked object that the allocator believes free was reached through a pointer that the
 * collector had not seen before: somebody's bug, not to be built upon. */
static void check_zombies(struct mspan *s)
{
    for (unsigned i = s->free_index; i < s->nelems; i++)
        CHECK(!mspan_marked(s, i) || !mspan_is_free(s, i),
              "found pointer to free object %#lx of %zu bytes (span %#lx, index %u)",
              s->base + i * s->elemsize, s->elemsize, s->base, i);
}

/* The marks become the allocation bits. */
static void turn_bits(struct mspan *s, unsigned live)
{
    uint64_t *old = s->alloc;

    s->alloc = s->gcmark;
    s->gcmark = old;
    memset(old, 0, s->bits_words * sizeof *old);
    mspan_fill_tail(s);
    s->alloc_cache = ~s->alloc[0];
    s->free_index = s->scan_index = 0;
    s->alloc_count = live;
    __atomic_store_n(&s->cached_count, live, __ATOMIC_RELEASE); /* after it: mstats.c */
}

static void count_freed(const struct mspan *s, unsigned n)
{
    uint64_t bytes = n * s->elemsize;

    __atomic_add_fetch(&gc.total_free, bytes, __ATOMIC_RELAXED);
    if (mspan_is_large(s)) {
        __atomic_add_fetch(&mheap.large_frees, n, __ATOMIC_RELAXED);
        __atomic_add_fetch(&mheap.large_free_bytes, bytes, __ATOMIC_RELAXED);
    } else {
        __atomic_add_fetch(&mheap.small_frees[s->spanclass / 2], n, __ATOMIC_RELAXED);
    }
}

bool sweep_span(struct mspan *s, bool preserve)
{
    CHECK(s->state == SPAN_IN_USE && s->sweep_gen == heap_gen() - 1,
          "sweep of span %#lx in state %u, sweep_gen %u of %u", s->base, s->state, s->sweep_gen,
          heap_gen());
    if (s->specials)
        specials_sweep(s); /* may mark objects that live on for a finalizer */
    check_zombies(s);
    unsigned live = count_marked(s), freed = s->alloc_count - live;
    if (freed && app && app->debug->clobberfree)
        clobber(s);
    turn_bits(s, live);
    if (freed) {
        s->needzero = true;
        count_freed(s, freed);
    }
    __atomic_add_fetch(&sweep.pages, s->npages, __ATOMIC_RELAXED);
    __atomic_store_n(&s->sweep_gen, heap_gen(), __ATOMIC_RELEASE);
    if (preserve)
        return false;
    if (live == 0 && !s->specials) {
        mheap_free(s);
        return true;
    }
    mcentral_push_swept(&mheap.central[s->spanclass], s);
    return false;
}

/* ---- all spans --------------------------------------------------------------------------- */

bool sweep_pending(void) { return !__atomic_load_n(&sweep.drained, __ATOMIC_ACQUIRE); }

static struct mspan *next_unswept(void)
{
    for (;;) {
        unsigned i = __atomic_load_n(&sweep.class, __ATOMIC_RELAXED);
        if (i >= NUM_SPAN_CLASSES)
            return NULL;
        struct mspan *s = mcentral_pop_unswept(&mheap.central[i]);
        if (s)
            return s;
        __atomic_compare_exchange_n(&sweep.class, &i, i + 1, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
    }
}

size_t sweep_one(void)
{
    struct mspan *s;
    size_t pages = ~0ul;

    if (!sweep_pending())
        return ~0ul;
    __atomic_add_fetch(&sweep.active, 1, __ATOMIC_SEQ_CST);
    while (pages == ~0ul && (s = next_unswept()) != NULL) {
        size_t n = s->npages;
        if (sweep_claim(s))
            pages = sweep_span(s, false) ? n : 0;
    }
    if (pages == ~0ul)
        __atomic_store_n(&sweep.drained, true, __ATOMIC_RELEASE);
    __atomic_sub_fetch(&sweep.active, 1, __ATOMIC_SEQ_CST);
    return pages;
}

#define SWEEP_MARGIN (1ul << 20) /* bytes before the trigger at which all should be swept */
#define SWEEP_PAY_MAX 128        /* spans at a time: a large object's debt is spread */

/* Pages that should be swept when the heap has reached `live`. */
static uint64_t sweep_due(uint64_t live)
{
    uint64_t end = __atomic_load_n(&gc.trigger, __ATOMIC_RELAXED);
    uint64_t grown = live > sweep.live ? live - sweep.live : 0;
    uint64_t room = end > sweep.live + SWEEP_MARGIN ? end - sweep.live - SWEEP_MARGIN : 1;

    if (grown >= room)
        return sweep.total;
    return (uint64_t)((unsigned __int128)sweep.total * grown / room);
}

void sweep_pay(size_t bytes)
{
    for (unsigned i = 0; i < SWEEP_PAY_MAX && sweep_pending(); i++) {
        uint64_t due = sweep_due(__atomic_load_n(&gc.heap_live, __ATOMIC_RELAXED) + bytes);
        if (__atomic_load_n(&sweep.pages, __ATOMIC_RELAXED) >= due || sweep_one() == ~0ul)
            return;
    }
}

void sweep_all(void)
{
    while (sweep_one() != ~0ul)
        ;
    while (__atomic_load_n(&sweep.active, __ATOMIC_SEQ_CST) != 0)
        cpu_relax();
}

void sweep_begin(void)
{
    sweep.class = 0;
    sweep.pages = 0;
    sweep.total = __atomic_load_n(&mheap.pages_in_use, __ATOMIC_RELAXED);
    sweep.live = gc.heap_marked;
    __atomic_add_fetch(&sweep.active, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&sweep.drained, false, __ATOMIC_RELEASE);
    mheap.sweep_gen += 2;
}

void sweep_cached(void)
{
    mcache_ready_all();
    __atomic_sub_fetch(&sweep.active, 1, __ATOMIC_SEQ_CST);
}

void sweep_ensure(struct mspan *s)
{
    uint32_t gen = heap_gen();

    for (;;) {
        uint32_t is = __atomic_load_n(&s->sweep_gen, __ATOMIC_ACQUIRE);
        if (is == gen || is == gen + 3)
            return;
        if (sweep_claim(s)) {
            mcentral_unlist(&mheap.central[s->spanclass], s);
            sweep_span(s, false);
            return;
        }
        cpu_relax();
    }
}
