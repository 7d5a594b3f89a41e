/* stackalloc.c - stacks of 2, 4, 8, 16 and 32 KiB from per-P caches: stackalloc.h.
 *
 *   P's cache[order] --half of CACHE_BYTES at a time--> pool[order] --32 KiB spans--> mheap
 *
 * A free stack's first word links it to the next.
 *
 * While the collector marks, what has been a stack's stays memory for stacks. Pointers into a
 * stack are about that may outlive it: a barrier's buffer has those that `gp._defer = d` and
 * `d.link = s` have written, and a marker may just have read d.link from the heap, when the stack
 * moves and its old memory is freed. Were that the heap's again, such a pointer would mark some
 * object of the new span, which may be free, or white with children that nobody marks then. */
#include "gort/heap/stackalloc.h"
#include "gort/g.h"
#include "gort/heap/malloc.h"
#include "gort/gc/gc.h"
#include "gort/heap/mheap.h"
#include "gort/sched/mp.h"
#include "gort/stack/stack.h"

#define ORDERS      5
#define POOL_PAGES  4                      /* 32 KiB */
#define CACHE_BYTES (32ul << 10)           /* that a P keeps of one order, at most */

struct stack_cache { uintptr_t list[ORDERS]; size_t bytes[ORDERS]; };

static struct {
    struct lock lock;
    struct mspan_list spans;               /* [lock] with a free stack */
} pool[ORDERS] = {
    { LOCK_INIT("stackpool 2K", RANK_STACKPOOL), { 0 } },
    { LOCK_INIT("stackpool 4K", RANK_STACKPOOL), { 0 } },
    { LOCK_INIT("stackpool 8K", RANK_STACKPOOL), { 0 } },
    { LOCK_INIT("stackpool 16K", RANK_STACKPOOL), { 0 } },
    { LOCK_INIT("stackpool 32K", RANK_STACKPOOL), { 0 } },
};

/* Stacks of more than 32 KiB that were freed while marking, by log2 of their pages. */
static struct {
    struct lock lock;
    struct mspan_list spans[64];           /* [lock] */
} large = { .lock = LOCK_INIT("large stacks", RANK_STACKPOOL) };

/* In a gate: the answer holds until its end, since only a stop changes it. */
static bool may_become_heap(void)
{
    return __atomic_load_n(&gc.phase, __ATOMIC_RELAXED) == GC_OFF;
}

static size_t order_size(unsigned order) { return STACK_MIN << order; }

static uintptr_t *link_of(uintptr_t stack) { return (uintptr_t *)stack; }

/* ---- the pools --------------------------------------------------------------------------- */

/* NULL: no memory. The more stacks there are the sooner the heap is to be collected. */
static struct mspan *span_take(size_t npages)
{
    struct mspan *s = mheap_alloc_manual(npages, &mheap.stacks);

    if (s)
        gc_stacks_grew();
    return s;
}

static struct mspan *pool_span_new(unsigned order)
{
    struct mspan *s = span_take(POOL_PAGES);

    if (!s)
        return NULL;
    s->stack_order = (uint8_t)order;
    s->elemsize = order_size(order);
    s->free_list = 0;
    s->alloc_count = 0;
    for (uintptr_t x = s->base + POOL_PAGES * GO_PAGE_SIZE; x > s->base;) {
        x -= order_size(order);
        *link_of(x) = s->free_list;
        s->free_list = x;
    }
    return s;
}

/* 0: out of memory. */
static uintptr_t pool_take_locked(unsigned order)
{
    struct mspan *s = pool[order].spans.first;

    if (!s) {
        s = pool_span_new(order);
        if (!s)
            return 0;
        mspan_list_push(&pool[order].spans, s);
    }
    uintptr_t x = s->free_list;
    s->free_list = *link_of(x);
    s->alloc_count++;
    if (!s->free_list)
        mspan_list_remove(&pool[order].spans, s);
    return x;
}

/* Free stacks of s become memory of any kind: no tag of theirs may stay (stack_alloc). */
static void span_give_back(struct mspan *s, size_t size)
{
    for (uintptr_t x = s->base; x < s->base + s->npages * GO_PAGE_SIZE; x += size)
        stack_untag(x);
    mheap_free_manual(s, &mheap.stacks);
}

static void pool_give_locked(unsigned order, uintptr_t x)
{
    struct mspan *s = mheap_span_of(x);

    CHECK(s && s->state == SPAN_MANUAL && s->stack_order == order && s->alloc_count > 0,
          "stack %#lx of order %u is not from a pool", x, order);
    if (!s->free_list)
        mspan_list_push(&pool[order].spans, s);
    *link_of(x) = s->free_list;
    s->free_list = x;
    if (--s->alloc_count == 0 && may_become_heap()) {
        mspan_list_remove(&pool[order].spans, s);
        span_give_back(s, order_size(order));
    }
}

static void pool_release(unsigned order)
{
    lock(&pool[order].lock);
    for (struct mspan *s = pool[order].spans.first, *next; s; s = next) {
        next = s->next;
        if (s->alloc_count)
            continue;
        mspan_list_remove(&pool[order].spans, s);
        span_give_back(s, order_size(order));
    }
    unlock(&pool[order].lock);
}

/* ---- stacks that are spans of their own -------------------------------------------------- */

static struct mspan_list *large_list(size_t npages)
{
    return &large.spans[__builtin_ctzll(npages)];
}

static uintptr_t large_alloc(size_t npages)
{
    lock(&large.lock);
    struct mspan *s = mspan_list_pop(large_list(npages));
    unlock(&large.lock);
    if (!s)
        s = span_take(npages);
    if (!s)
        return 0;
    s->stack_order = ORDERS;
    return s->base;
}

static void large_free(struct mspan *s)
{
    if (may_become_heap()) {
        span_give_back(s, s->npages * GO_PAGE_SIZE);
        return;
    }
    lock(&large.lock);
    mspan_list_push(large_list(s->npages), s);
    unlock(&large.lock);
}

void stack_marking_done(void)
{
    for (unsigned order = 0; order < ORDERS; order++)
        pool_release(order);
    lock(&large.lock);
    for (unsigned i = 0; i < sizeof large.spans / sizeof large.spans[0]; i++)
        for (struct mspan *s; (s = mspan_list_pop(&large.spans[i])) != NULL;)
            span_give_back(s, s->npages * GO_PAGE_SIZE);
    unlock(&large.lock);
}

/* ---- a P's cache ------------------------------------------------------------------------- */

void stack_cache_init(struct p *p)
{
    p->stack_cache = persistent_alloc(sizeof(struct stack_cache), 64, &mheap.meta_caches);
}

static void cache_fill(struct stack_cache *c, unsigned order)
{
    lock(&pool[order].lock);
    while (c->bytes[order] < CACHE_BYTES / 2) {
        uintptr_t x = pool_take_locked(order);
        if (!x)
            break;
        *link_of(x) = c->list[order];
        c->list[order] = x;
        c->bytes[order] += order_size(order);
    }
    unlock(&pool[order].lock);
}

static void cache_drain(struct stack_cache *c, unsigned order, size_t keep)
{
    lock(&pool[order].lock);
    while (c->bytes[order] > keep) {
        uintptr_t x = c->list[order];
        c->list[order] = *link_of(x);
        c->bytes[order] -= order_size(order);
        pool_give_locked(order, x);
    }
    unlock(&pool[order].lock);
}

void stack_cache_flush(struct p *p)
{
    struct stack_cache *c = p->stack_cache;

    for (unsigned order = 0; order < ORDERS; order++)
        if (c->bytes[order])
            cache_drain(c, order, 0);
}

/* ---- the interface ----------------------------------------------------------------------- */

/* ORDERS for sizes that are spans of their own. */
static unsigned order_of(size_t size)
{
    CHECK(size >= STACK_MIN && (size & (size - 1)) == 0, "a stack of %zu bytes", size);
    unsigned order = (unsigned)__builtin_ctzll(size / STACK_MIN);
    return order < ORDERS ? order : ORDERS;
}

uintptr_t stack_mem_alloc(size_t size)
{
    unsigned order = order_of(size);

    if (order == ORDERS)
        return large_alloc(size / GO_PAGE_SIZE);
    struct stack_cache *c = p_self()->stack_cache;
    if (!c->list[order])
        cache_fill(c, order);
    uintptr_t x = c->list[order];
    if (!x)
        return 0;
    c->list[order] = *link_of(x);
    c->bytes[order] -= order_size(order);
    return x;
}

void stack_mem_free(uintptr_t lo, size_t size)
{
    unsigned order = order_of(size);

    if (order == ORDERS) {
        struct mspan *s = mheap_span_of(lo);
        CHECK(s && s->base == lo && s->npages * GO_PAGE_SIZE == size,
              "free of stack %#lx of %zu bytes", lo, size);
        large_free(s);
        return;
    }
    struct stack_cache *c = p_self()->stack_cache;
    *link_of(lo) = c->list[order];
    c->list[order] = lo;
    c->bytes[order] += order_size(order);
    if (c->bytes[order] >= CACHE_BYTES)
        cache_drain(c, order, CACHE_BYTES / 2);
}
