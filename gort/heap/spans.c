/* spans.c - runs of pages become spans, and come back: mheap.h. */
#include "gort/g.h"
#include "gort/heap/lazy.h"
#include "gort/heap/pages.h"

static uintptr_t page_addr(size_t page) { return heap_base + (page << GO_PAGE_SHIFT_); }

static struct mspan *struct_new(unsigned kind)
{
    unsigned words = 1u << kind;
    size_t size = sizeof(struct mspan) + 2 * words * sizeof(uint64_t);
    struct mspan *s = persistent_alloc(size, 64, &mheap.meta_spans);

    s->bits_words = words;
    lock_init(&s->special_lock, "special", RANK_SPECIAL);
    return s;
}

static struct mspan *struct_take(unsigned nelems)
{
    unsigned words = mspan_bits_words(nelems), kind = mspan_bits_kind(words);
    struct mspan *s;

    lock(&mheap.lock);
    s = mheap.dead[kind];
    if (s)
        mheap.dead[kind] = s->next;
    mheap.span_structs_in_use += sizeof *s + 2 * words * 8;
    unlock(&mheap.lock);
    if (!s)
        s = struct_new(kind);
    s->next = s->prev = NULL;
    return s;
}

/* From here on anybody's pointer into the pages leads to s. */
static void publish(struct mspan *s, enum span_state state)
{
    struct mspan **at = &mheap.spans[(s->base - heap_base) >> GO_PAGE_SHIFT_];

    for (size_t i = 0; i < s->npages; i++)
        __atomic_store_n(&at[i], s, __ATOMIC_RELEASE);
    __atomic_store_n(&s->state, state, __ATOMIC_RELEASE);
}

static struct mspan *span_init(size_t page, size_t npages, unsigned spc, bool zero)
{
    struct mspan *s = struct_take(spc / 2 ? sizeclass_nelems(spc) : 1);

    mspan_init(s, page_addr(page), npages, spc, !zero);
    s->sweep_gen = __atomic_load_n(&mheap.sweep_gen, __ATOMIC_RELAXED);
    return s;
}

static struct mspan *span_over(size_t page, size_t npages, unsigned spc, bool zero,
                               enum span_state state)
{
    struct mspan *s = span_init(page, npages, spc, zero);

    publish(s, state);
    return s;
}

static struct mspan *span_new(size_t npages, unsigned spc, enum span_state state)
{
    bool zero = false;
    size_t page = pages_take(npages, &zero);

    return page == PA_NONE ? NULL : span_over(page, npages, spc, zero, state);
}

static void count_object_span(size_t npages)
{
    __atomic_add_fetch(&mheap.in_use, npages * GO_PAGE_SIZE, __ATOMIC_RELAXED);
    __atomic_add_fetch(&mheap.pages_in_use, npages, __ATOMIC_RELAXED);
}

struct mspan *mheap_alloc(size_t npages, unsigned spc)
{
    struct mspan *s = span_new(npages, spc, SPAN_IN_USE);

    if (s)
        count_object_span(npages);
    return s;
}

struct mspan *mheap_alloc_bare(size_t npages, unsigned spc)
{
    bool zero = false;
    size_t page = pages_take_bare(npages, &zero);

    if (page == PA_NONE)
        return NULL;
    count_object_span(npages);
    return span_over(page, npages, spc, zero, SPAN_IN_USE);
}

struct mspan *mheap_alloc_lazy(size_t npages)
{
    bool zero = false, lazy = false;
    size_t page = pages_take_lazy(npages, &zero, &lazy);

    if (page == PA_NONE)
        return NULL;
    count_object_span(npages);
    struct mspan *s = span_init(page, npages, 1, zero);
    s->lazy = lazy;
    publish(s, SPAN_IN_USE);
    return s;
}

/* Of frames that are kept for the kernel: without its buffers the collector frees nothing. */
static struct mspan *span_of_the_last(size_t npages)
{
    bool zero = false;
    size_t page = pages_take_last(npages, &zero);

    return page == PA_NONE ? NULL : span_over(page, npages, 1, zero, SPAN_MANUAL);
}

struct mspan *mheap_alloc_manual(size_t npages, uint64_t *stat)
{
    struct mspan *s = span_new(npages, 1, SPAN_MANUAL);

    if (!s && stat == &mheap.manual)
        s = span_of_the_last(npages);
    if (s)
        __atomic_add_fetch(stat, npages * GO_PAGE_SIZE, __ATOMIC_RELAXED);
    return s;
}

static void span_free(struct mspan *s)
{
    size_t page = (s->base - heap_base) >> GO_PAGE_SHIFT_;
    unsigned kind = mspan_bits_kind(s->bits_words);

    if (s->lazy)
        lazy_settle(s);
    __atomic_store_n(&s->state, SPAN_DEAD, __ATOMIC_RELEASE);
    for (size_t i = 0; i < s->npages; i++)
        __atomic_store_n(&mheap.spans[page + i], NULL, __ATOMIC_RELAXED);
    lock(&mheap.lock);
    pages_free_locked(page, s->npages);
    s->next = mheap.dead[kind];
    mheap.dead[kind] = s;
    mheap.span_structs_in_use -= sizeof *s + 2 * s->bits_words * 8;
    unlock(&mheap.lock);
}

void mheap_free(struct mspan *s)
{
    CHECK(s->state == SPAN_IN_USE && !s->specials, "free of span %#lx in state %u", s->base,
          s->state);
    __atomic_sub_fetch(&mheap.in_use, s->npages * GO_PAGE_SIZE, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&mheap.pages_in_use, s->npages, __ATOMIC_RELAXED);
    span_free(s);
}

void mheap_free_manual(struct mspan *s, uint64_t *stat)
{
    CHECK(s->state == SPAN_MANUAL, "free of span %#lx in state %u", s->base, s->state);
    __atomic_sub_fetch(stat, s->npages * GO_PAGE_SIZE, __ATOMIC_RELAXED);
    span_free(s);
}
