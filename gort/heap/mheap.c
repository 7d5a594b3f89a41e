/* mheap.c - the pages of the heap and the frames behind them: mheap.h. Spans are made of them in
 * spans.c. */
#include "gort/heap/pages.h"
#include "gort/g.h"
#include "gort/heap/mcache.h"
#include "gort/gc/gc.h"
#include "gort/sched/mp.h"
#include "kernel/options.h"

struct mheap mheap;

#define PCACHE_MAX_PAGES 16 /* larger spans go to the heap at once */

/* ---- tables ------------------------------------------------------------------------------ */

static uintptr_t table_base[PA_LEVELS + 1];

static size_t page_round(size_t n) { return (n + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1); }

static void *table_reserve(size_t bytes)
{
    uintptr_t va = vm_reserve(VM_KERNEL, 0, page_round(bytes), PAGE_SIZE);

    CHECK(va != 0, "no address space for a heap table of %zu bytes", bytes);
    return (void *)va;
}

static bool table_back(uintptr_t base, size_t *backed, size_t need)
{
    need = page_round(need);
    if (need <= *backed)
        return true;
    if (vm_commit(base + *backed, need - *backed) != 0)
        return false;
    mheap.meta_tables += need - *backed;
    *backed = need;
    return true;
}

static bool tables_back_locked(size_t pages)
{
    for (unsigned l = 0; l <= PA_LEVELS; l++)
        if (!table_back(table_base[l], &mheap.table_backed[l], pagealloc_table_bytes(l, pages)))
            return false;
    return table_back((uintptr_t)mheap.spans, &mheap.spans_backed, pages * sizeof(struct mspan *));
}

uintptr_t heap_base = HEAP_BASE;

/* Some 22 bits of the address: from HEAP_BASE up. What lies above is free for programs that map
 * memory where they want it. */
#define PLACES_END 0x100000000000ull

void mheap_place(uint64_t random)
{
    uint64_t places = (PLACES_END - HEAP_END) / HUGE_PAGE_SIZE;

    heap_base = HEAP_BASE + random % places * HUGE_PAGE_SIZE;
}

void mheap_init(void)
{
    void *sums[PA_LEVELS];

    sizeclass_init();
    lock_init(&mheap.lock, "mheap", RANK_MHEAP);
    for (unsigned l = 0; l <= PA_LEVELS; l++) {
        void *t = table_reserve(pagealloc_table_bytes(l, PA_MAX_PAGES));
        table_base[l] = (uintptr_t)t;
        if (l < PA_LEVELS)
            sums[l] = t;
    }
    pagealloc_init(&mheap.pages, (void *)table_base[PA_LEVELS], sums);
    mheap.spans = table_reserve(PA_MAX_PAGES * sizeof(struct mspan *));
    CHECK(vm_reserve(VM_HEAP, heap_base, HEAP_END - heap_base, HUGE_PAGE_SIZE) == heap_base,
          "the heap's address range %#llx is taken", (unsigned long long)heap_base);
    CHECK(tables_back_locked(1), "no memory for the heap's tables");
    for (unsigned c = 0; c < NUM_SPAN_CLASSES; c++)
        mcentral_init(&mheap.central[c], c);
    mheap.sweep_gen = 2; /* leaves room below for "must be swept" */
}

/* ---- pages ------------------------------------------------------------------------------- */

static uintptr_t page_addr(size_t page) { return heap_base + (page << GO_PAGE_SHIFT_); }

/* Whole arenas, so that growing is rare. False: no memory for the tables, or no addresses. */
static bool grow_locked(size_t npages)
{
    size_t arena = ARENA_SIZE / GO_PAGE_SIZE;
    size_t add = (npages + arena - 1) / arena * arena;

    if (mheap.pages.end + add > PA_MAX_PAGES || !tables_back_locked(mheap.pages.end + add))
        return false;
    pagealloc_grow(&mheap.pages, add);
    return true;
}

/* MemStats' Sys counts address space from its first use on, not by arenas. */
static void reach_locked(size_t end)
{
    if (end > mheap.reached)
        __atomic_store_n(&mheap.reached, end, __ATOMIC_RELAXED);
}

/* Where the scavenger looks: no block of 2 MiB at or above it holds a free page with a frame. */
static size_t candidates_end; /* [mheap.lock] page */

static void candidates_locked(size_t hi)
{
    hi = (hi + COMMIT_PAGES - 1) / COMMIT_PAGES * COMMIT_PAGES;
    if (hi > candidates_end)
        candidates_end = hi;
}

void pages_free_locked(size_t page, size_t n)
{
    pagealloc_free(&mheap.pages, page, n);
    candidates_locked(page + n);
}

/* Pages for the collector itself: frames that are kept for the kernel may be taken. */
static bool urgent; /* [mheap.lock] */

/* Counts [lo, hi), which is gone, as pages with frames. */
static void count_committed_locked(size_t lo, size_t hi)
{
    struct pagealloc *pa = &mheap.pages;
    size_t n = hi - lo;

    pagealloc_clear(pa, PA_GONE, lo, n);
    pa->gone_pages -= n;
    reach_locked(hi);
    uint64_t now = __atomic_add_fetch(&mheap.committed, n * GO_PAGE_SIZE, __ATOMIC_RELAXED);
    if (now > mheap.committed_peak)
        mheap.committed_peak = now;
}

static bool commit_run_locked(size_t lo, size_t hi)
{
    if ((urgent ? vm_commit_last : vm_commit)(page_addr(lo), (hi - lo) * GO_PAGE_SIZE) != 0)
        return false;
    count_committed_locked(lo, hi);
    pagealloc_set(&mheap.pages, PA_ZERO, lo, hi - lo);
    candidates_locked(hi); /* wider than what was asked for: some of it is free */
    return true;
}

/* Has the block of 2 MiB no frame, and is none of it somebody's but [lo, hi)? */
static bool spare_block(const struct pagealloc *pa, size_t block, size_t lo, size_t hi)
{
    size_t end = block + COMMIT_PAGES;

    lo = lo > block ? lo : block;
    hi = hi < end ? hi : end;
    return pagealloc_all(pa, PA_GONE, block, COMMIT_PAGES) &&
           pagealloc_count(pa, PA_TAKEN, block, lo - block) == 0 &&
           pagealloc_count(pa, PA_TAKEN, hi, end - hi) == 0;
}

/* Frames behind all of [page, page + n). Where a whole 2 MiB block has none it is committed at
 * once: one large page instead of 512, and the neighbours are ready. */
static bool commit_locked(size_t page, size_t n)
{
    struct pagealloc *pa = &mheap.pages;
    size_t end = page + n;

    for (size_t lo, hi; (lo = pagealloc_next(pa, PA_GONE, true, page, end)) < end; page = hi) {
        hi = pagealloc_next(pa, PA_GONE, false, lo, end);
        size_t wide_lo = lo / COMMIT_PAGES * COMMIT_PAGES;
        size_t wide_hi = (hi + COMMIT_PAGES - 1) / COMMIT_PAGES * COMMIT_PAGES;
        if (!spare_block(pa, wide_lo, lo, hi))
            wide_lo = lo;
        if (!spare_block(pa, wide_hi - COMMIT_PAGES, lo, hi))
            wide_hi = hi;
        if (!commit_run_locked(wide_lo, wide_hi) && !commit_run_locked(lo, hi))
            return false;
    }
    return true;
}

static size_t scavenge_locked(size_t bytes);

static size_t find_locked(size_t npages)
{
    size_t page = pagealloc_alloc(&mheap.pages, npages);

    if (page == PA_NONE && grow_locked(npages))
        page = pagealloc_alloc(&mheap.pages, npages);
    if (page != PA_NONE)
        reach_locked(page + npages);
    return page;
}

/* The memory limit counts frames: before the heap passes it, frames of free pages go. */
static void relieve_locked(size_t page, size_t n)
{
    uint64_t need = pagealloc_count(&mheap.pages, PA_GONE, page, n) * GO_PAGE_SIZE;
    uint64_t after = mheap_ready() + need;
    uint64_t limit = (uint64_t)gc.limit;

    if (need && after > limit)
        scavenge_locked(after - limit);
}

/* commit_locked, and if that fails once more: frames may lie behind free pages elsewhere. */
static bool commit_hard_locked(size_t page, size_t n)
{
    relieve_locked(page, n);
    if (commit_locked(page, n))
        return true;
    scavenge_locked(n * GO_PAGE_SIZE + HUGE_PAGE_SIZE);
    return commit_locked(page, n);
}

/* ---- frames are taken and zeroed without mheap.lock -----------------------------------------
 *
 * Zeroing 2 MiB takes some 100 us, in which every CPU that allocates would spin. So the pages that
 * are gone are claimed under the lock: they are taken, so nobody looks at them, and no longer gone,
 * so nobody commits them along with a neighbour. With them, where a whole block of 2 MiB is gone
 * and free but for them, the rest of it: that is free again, with frames, when all is done. */
#define CLAIM_RUNS 64
struct claim {
    unsigned n;
    struct { size_t lo, hi, mine_lo, mine_hi; } run[CLAIM_RUNS];
};

/* One run of pages that are gone. False: there are too many. */
static bool claim_run_locked(struct claim *c, size_t lo, size_t hi)
{
    struct pagealloc *pa = &mheap.pages;
    size_t wide_lo = lo / COMMIT_PAGES * COMMIT_PAGES;
    size_t wide_hi = (hi + COMMIT_PAGES - 1) / COMMIT_PAGES * COMMIT_PAGES;

    if (c->n == CLAIM_RUNS)
        return false;
    if (!spare_block(pa, wide_lo, lo, hi))
        wide_lo = lo;
    if (!spare_block(pa, wide_hi - COMMIT_PAGES, lo, hi))
        wide_hi = hi;
    if (wide_lo < lo)
        pagealloc_take(pa, wide_lo, lo - wide_lo);
    if (hi < wide_hi)
        pagealloc_take(pa, hi, wide_hi - hi);
    count_committed_locked(wide_lo, wide_hi);
    c->run[c->n].lo = wide_lo;
    c->run[c->n].hi = wide_hi;
    c->run[c->n].mine_lo = lo;
    c->run[c->n++].mine_hi = hi;
    return true;
}

/* What is gone of [page, page + n). */
static bool claim_locked(struct claim *c, size_t page, size_t n)
{
    struct pagealloc *pa = &mheap.pages;
    size_t end = page + n;

    for (size_t lo, hi; (lo = pagealloc_next(pa, PA_GONE, true, page, end)) < end; page = hi) {
        hi = pagealloc_next(pa, PA_GONE, false, lo, end);
        if (!claim_run_locked(c, lo, hi))
            return false;
    }
    return true;
}

/* Gives back the pages around run i: they have frames with zeros, or are gone again. */
static void unclaim_locked(const struct claim *c, unsigned i, bool committed)
{
    struct pagealloc *pa = &mheap.pages;
    size_t lo = c->run[i].lo, hi = c->run[i].hi, n = hi - lo;
    size_t mine_lo = c->run[i].mine_lo, mine_hi = c->run[i].mine_hi;

    if (committed) {
        pagealloc_set(pa, PA_ZERO, lo, n);
    } else {
        pagealloc_set(pa, PA_GONE, lo, n);
        pa->gone_pages += n;
        __atomic_sub_fetch(&mheap.committed, n * GO_PAGE_SIZE, __ATOMIC_RELAXED);
    }
    if (lo < mine_lo)
        pages_free_locked(lo, mine_lo - lo);
    if (mine_hi < hi)
        pages_free_locked(mine_hi, hi - mine_hi);
}

/* Takes frames and, at the end, the lock. False: out of memory, and those of the caller's pages
 * that have got none are gone again. Those that have hold zeros, and PA_ZERO says so. */
static bool claim_commit(const struct claim *c)
{
    unsigned done = 0;

    while (done < c->n && vm_commit(page_addr(c->run[done].lo), (c->run[done].hi -
                                    c->run[done].lo) * GO_PAGE_SIZE) == 0)
        done++;
    lock(&mheap.lock);
    for (unsigned i = 0; i < c->n; i++)
        unclaim_locked(c, i, i < done);
    return done == c->n;
}

/* Frames behind all of [page, page + n), which are somebody's. The lock is held, and let go
 * meanwhile; it is held again at the end. False: out of memory. */
static bool commit_claimed_locked(size_t page, size_t n)
{
    struct claim c; /* not cleared: it is 2 KiB, and one run the usual case */

    c.n = 0;
    relieve_locked(page, n);
    bool all = claim_locked(&c, page, n);
    if (c.n) {
        unlock(&mheap.lock);
        all &= claim_commit(&c);
    }
    return all || commit_hard_locked(page, n);
}

/* npages with frames behind them; *zero: they hold zeros. PA_NONE: out of memory. */
static size_t take_locked(size_t npages, bool *zero)
{
    struct pagealloc *pa = &mheap.pages;
    size_t page = find_locked(npages);

    if (page == PA_NONE)
        return PA_NONE;
    if (!(urgent ? commit_hard_locked : commit_claimed_locked)(page, npages)) {
        pages_free_locked(page, npages);
        return PA_NONE;
    }
    *zero = pagealloc_all(pa, PA_ZERO, page, npages);
    pagealloc_clear(pa, PA_ZERO, page, npages);
    return page;
}

/* npages, with frames or not; *zero: those with frames hold zeros. */
static size_t take_bare_locked(size_t npages, bool *zero)
{
    struct pagealloc *pa = &mheap.pages;
    size_t page = find_locked(npages);

    if (page == PA_NONE)
        return PA_NONE;
    size_t clean = pagealloc_count(pa, PA_GONE, page, npages) +
                   pagealloc_count(pa, PA_ZERO, page, npages);
    *zero = clean == npages;
    pagealloc_clear(pa, PA_ZERO, page, npages);
    return page;
}

bool mheap_commit(uintptr_t addr, size_t size)
{
    size_t page = (addr - heap_base) >> GO_PAGE_SHIFT_, n = size >> GO_PAGE_SHIFT_;

    lock(&mheap.lock);
    bool ok = commit_claimed_locked(page, n);
    pagealloc_clear(&mheap.pages, PA_ZERO, page, n);
    unlock(&mheap.lock);
    return ok;
}

/* The boot option allocfail=N: every Nth allocation of pages fails. */
static bool told_to_fail(void)
{
    static uint64_t count;

    return options.allocfail != 0 &&
           __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) % options.allocfail == 0;
}

/* ---- the page cache of a P --------------------------------------------------------------- */

static uint64_t gather(enum pa_bits which, size_t group)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < 64;) {
        i = pagealloc_next(&mheap.pages, which, true, group + i, group + 64) - group;
        if (i < 64)
            bits |= 1ull << i++;
    }
    return bits;
}

static void give_mask_locked(size_t group, uint64_t mask)
{
    while (mask) {
        size_t lo = (size_t)__builtin_ctzll(mask);
        uint64_t rest = ~(mask >> lo);
        size_t n = rest ? (size_t)__builtin_ctzll(rest) : 64;
        pages_free_locked(group + lo, n);
        mask = lo + n == 64 ? 0 : mask & (~0ull << (lo + n));
    }
}

/* Frames behind the pages that the mask says, which are the caller's. */
static bool commit_mask_locked(size_t group, uint64_t mask)
{
    bool ok = true;

    for (size_t at = 0, n; ok && at < 64 && mask >> at; at += n) {
        at += (size_t)__builtin_ctzll(mask >> at);
        uint64_t rest = ~(mask >> at);
        n = rest ? (size_t)__builtin_ctzll(rest) : 64;
        ok = commit_claimed_locked(group + at, n);
    }
    return ok;
}

static void pcache_fill(struct pcache *pc)
{
    uint64_t mask;

    lock(&mheap.lock);
    size_t group = pagealloc_alloc_group(&mheap.pages, &mask);
    if (group == PA_NONE && grow_locked(1))
        group = pagealloc_alloc_group(&mheap.pages, &mask);
    if (group != PA_NONE && !commit_mask_locked(group, mask)) {
        give_mask_locked(group, mask);
        group = PA_NONE;
    }
    if (group != PA_NONE) {
        pc->base = group;
        pc->mask = mask;
        pc->zero = gather(PA_ZERO, group) & mask;
        pagealloc_clear(&mheap.pages, PA_ZERO, group, 64);
    }
    unlock(&mheap.lock);
}

void mheap_flush_pcache(struct pcache *pc)
{
    lock(&mheap.lock);
    for (uint64_t z = pc->zero & pc->mask; z; z &= z - 1)
        pagealloc_set(&mheap.pages, PA_ZERO, pc->base + (size_t)__builtin_ctzll(z), 1);
    give_mask_locked(pc->base, pc->mask);
    pc->mask = pc->zero = 0;
    unlock(&mheap.lock);
}

/* The lowest run of n pages in the cache. */
static size_t pcache_take(struct pcache *pc, size_t n, bool *zero)
{
    uint64_t runs = pc->mask;

    for (size_t i = 1; i < n && runs; i++)
        runs &= pc->mask >> i;
    if (!runs)
        return PA_NONE;
    size_t at = (size_t)__builtin_ctzll(runs);
    uint64_t m = ((1ull << n) - 1) << at;
    *zero = (pc->zero & m) == m;
    pc->mask &= ~m;
    return pc->base + at;
}

size_t pages_take(size_t npages, bool *zero)
{
    struct p *p = p_self();
    size_t page = PA_NONE;

    if (told_to_fail())
        return PA_NONE;
    if (npages < PCACHE_MAX_PAGES && p && p->mcache) {
        struct pcache *pc = &p->mcache->pages;
        if (!pc->mask)
            pcache_fill(pc);
        page = pcache_take(pc, npages, zero);
        if (page != PA_NONE)
            return page;
    }
    lock(&mheap.lock);
    page = take_locked(npages, zero);
    unlock(&mheap.lock);
    return page;
}

/* ---- giving frames back ------------------------------------------------------------------ */

/* What the lock's holder gives back, collected: a shootdown of TLBs for each run of pages would
 * take most of the time. */
static struct { struct vm_range r[64]; unsigned n; } giving; /* [mheap.lock] */

static void give_locked(void)
{
    vm_decommit_all(giving.r, giving.n);
    giving.n = 0;
}

/* Call give_locked before the lock is released. */
static size_t decommit_locked(size_t page, size_t n)
{
    struct pagealloc *pa = &mheap.pages;
    size_t had = n - pagealloc_count(pa, PA_GONE, page, n);

    if (had == 0)
        return 0;
    giving.r[giving.n++] = (struct vm_range){ page_addr(page), n * GO_PAGE_SIZE };
    if (giving.n == sizeof giving.r / sizeof giving.r[0])
        give_locked();
    pagealloc_set(pa, PA_GONE, page, n);
    pagealloc_clear(pa, PA_ZERO, page, n);
    pa->gone_pages += had;
    __atomic_sub_fetch(&mheap.committed, had * GO_PAGE_SIZE, __ATOMIC_RELAXED);
    mheap.scavenged_total += had * GO_PAGE_SIZE;
    return had * GO_PAGE_SIZE;
}

/* Free runs of one block of 2 MiB, from its first page. */
static size_t decommit_block_locked(size_t block)
{
    struct pagealloc *pa = &mheap.pages;
    size_t end = block + COMMIT_PAGES, bytes = 0;

    for (size_t lo = block, hi; lo < end; lo = hi) {
        lo = pagealloc_next(pa, PA_TAKEN, false, lo, end);
        hi = pagealloc_next(pa, PA_TAKEN, true, lo, end);
        if (hi > lo)
            bytes += decommit_locked(lo, hi - lo);
    }
    return bytes;
}

/* From the top, where the heap ends; blocks that are wholly free within WINDOW of it first, for
 * they cost no large page. What has been walked over is not walked over again: mheap_scavenge is
 * called for a piece at a time. */
#define WINDOW (64 * COMMIT_PAGES)

static size_t scavenge_locked(size_t bytes)
{
    struct pagealloc *pa = &mheap.pages;
    size_t given = 0;

    while (candidates_end > 0 && given < bytes) {
        size_t top = candidates_end, low = top > WINDOW ? top - WINDOW : 0;
        for (size_t b = top; b > low && given < bytes; b -= COMMIT_PAGES)
            if (pagealloc_count(pa, PA_TAKEN, b - COMMIT_PAGES, COMMIT_PAGES) == 0)
                given += decommit_locked(b - COMMIT_PAGES, COMMIT_PAGES);
        while (candidates_end > low && given < bytes) {
            given += decommit_block_locked(candidates_end - COMMIT_PAGES);
            candidates_end -= COMMIT_PAGES;
        }
    }
    give_locked();
    return given;
}

size_t mheap_released(void)
{
    return mheap.reached * GO_PAGE_SIZE - __atomic_load_n(&mheap.committed, __ATOMIC_RELAXED);
}

size_t mheap_scavenge(size_t bytes)
{
    lock(&mheap.lock);
    size_t given = scavenge_locked(bytes);
    unlock(&mheap.lock);
    return given;
}

/* ---- pages for spans.c ------------------------------------------------------------------- */

size_t pages_take_bare(size_t npages, bool *zero)
{
    lock(&mheap.lock);
    size_t page = told_to_fail() ? PA_NONE : take_bare_locked(npages, zero);
    unlock(&mheap.lock);
    return page;
}

size_t pages_take_lazy(size_t npages, bool *zero, bool *lazy)
{
    lock(&mheap.lock);
    size_t page = told_to_fail() ? PA_NONE : take_bare_locked(npages, zero), gone = 0;
    if (page != PA_NONE && options.lazystress) {
        decommit_locked(page, npages);
        give_locked();
        *zero = true;
    }
    if (page != PA_NONE)
        gone = pagealloc_count(&mheap.pages, PA_GONE, page, npages);
    __atomic_add_fetch(&mheap.untouched, gone * GO_PAGE_SIZE, __ATOMIC_RELAXED);
    unlock(&mheap.lock);
    *lazy = gone > 0;
    return page;
}

size_t pages_take_last(size_t npages, bool *zero)
{
    lock(&mheap.lock);
    urgent = true;
    size_t page = take_locked(npages, zero);
    urgent = false;
    unlock(&mheap.lock);
    return page;
}
