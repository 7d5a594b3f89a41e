/* lazy.c - see lazy.h. The first half is called from exception handlers, so it is compiled with
 * -mgeneral-regs-only. */
#include "gort/heap/lazy.h"
#include "gort/heap/mheap.h"
#include "gort/heap/scavenge.h"
#include "kernel/check.h"
#include "kernel/options.h"

/* ---- touching ---------------------------------------------------------------------------- */

static struct mspan *lazy_span(uintptr_t va)
{
    struct mspan *s = mheap_object_span(va);

    return s && s->lazy ? s : NULL;
}

bool lazy_range(uintptr_t va, uintptr_t *lo, uintptr_t *hi)
{
    const struct mspan *s = lazy_span(va);

    if (!s)
        return vm_lazy_range(va, lo, hi);
    *lo = s->base;
    *hi = s->base + s->npages * GO_PAGE_SIZE;
    return true;
}

bool lazy_size(size_t size) { return size >= LAZY_MIN || options.lazystress; }

static void count_touched(struct mspan *s, size_t bytes)
{
    __atomic_add_fetch(&s->touched, bytes, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&mheap.untouched, bytes, __ATOMIC_RELAXED);
    uint64_t now = __atomic_add_fetch(&mheap.committed, bytes, __ATOMIC_RELAXED);
    if (now > __atomic_load_n(&mheap.committed_peak, __ATOMIC_RELAXED))
        __atomic_store_n(&mheap.committed_peak, now, __ATOMIC_RELAXED);
}

enum lazy_result lazy_touch(uintptr_t va, unsigned how)
{
    uintptr_t lo, hi;
    size_t got;

    if (!lazy_range(va, &lo, &hi))
        return LAZY_NOT;
    bool ok = vm_fill(va, lo, hi, options.lazystress ? how | VM_FILL_FEW : how, &got);
    struct mspan *s = lazy_span(va);
    if (s && got)
        count_touched(s, got);
    else if (got)
        __atomic_add_fetch(&mheap.bss_touched, got, __ATOMIC_RELAXED);
    return ok ? LAZY_OK : LAZY_NOMEM;
}

enum lazy_result lazy_bring(uintptr_t va)
{
    enum lazy_result r = lazy_touch(va, VM_FILL);

    if (r == LAZY_NOMEM && mheap_scavenge(HUGE_PAGE_SIZE) + pkt_trim() > 0)
        r = lazy_touch(va, VM_FILL_FEW);
    return r;
}

/* ---- pages ------------------------------------------------------------------------------- */

/* Pages of [lo, hi) have frames: the bitmap knows it from here on. */
static void set_present(uintptr_t lo, uintptr_t hi)
{
    size_t page = (lo - heap_base) >> GO_PAGE_SHIFT_, n = (hi - lo) >> GO_PAGE_SHIFT_;

    lock(&mheap.lock);
    mheap.pages.gone_pages -= pagealloc_count(&mheap.pages, PA_GONE, page, n);
    pagealloc_clear(&mheap.pages, PA_GONE, page, n);
    unlock(&mheap.lock);
}

void lazy_settle(struct mspan *s)
{
    uintptr_t end = s->base + s->npages * GO_PAGE_SIZE;
    size_t absent = 0;

    for (uintptr_t lo = s->base, hi; lo < end; lo = hi) {
        uintptr_t at = vm_next(lo, end, true);
        hi = vm_next(at, end, false);
        absent += at - lo;
        CHECK(!((at | hi) & (GO_PAGE_SIZE - 1)), "half a page at %#lx..%#lx", at, hi);
        if (at < hi && s->touched)
            set_present(at, hi);
    }
    __atomic_sub_fetch(&mheap.untouched, absent, __ATOMIC_RELAXED);
    s->lazy = false;
}

size_t lazy_stale(const struct mspan *s, size_t *off)
{
    size_t first = (s->base - heap_base) >> GO_PAGE_SHIFT_, end = first + s->npages;
    size_t from = first + *off / GO_PAGE_SIZE;

    lock(&mheap.lock);
    size_t lo = pagealloc_next(&mheap.pages, PA_GONE, false, from, end);
    size_t hi = pagealloc_next(&mheap.pages, PA_GONE, true, lo, end);
    unlock(&mheap.lock);
    *off = (lo - first) << GO_PAGE_SHIFT_;
    return (hi - lo) << GO_PAGE_SHIFT_;
}
