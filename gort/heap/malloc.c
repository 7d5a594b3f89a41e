/* malloc.c - allocation of objects: malloc.h. */
#include "gort/heap/malloc.h"
#include <string.h>
#include "gort/abi/app.h"
#include "gort/g.h"
#include "gort/abi/leaf.h"
#include "gort/heap/hooks.h"
#include "gort/heap/mbitmap.h"
#include "gort/gc/gc.h"
#include "gort/heap/lazy.h"
#include "gort/heap/mheap.h"
#include "gort/sched/mp.h"
#include "kernel/options.h"
#include "rt_frames.h"

#define MAX_ALLOC (1ul << 48)
#define BARE_MIN  (16ul << 20) /* from here on frames come in pieces, between which it can stop */

/* What rt_malloc_slow answers: gort/overlay/malloc.go knows the numbers. */
enum { MALLOC_DONE = 0, MALLOC_DIRTY = 1, MALLOC_COLLECT = 2, MALLOC_BARE = 3,
       MALLOC_BARE_DIRTY = 4, MALLOC_WAIT = 5, MALLOC_STALE = 6 };

extern const void *type_mask_in_progress;

struct heap_hooks heap_hooks;

void malloc_init(void)
{
    mheap_init();
    gc_init();
}

/* ---- small objects ----------------------------------------------------------------------- */

typedef uint64_t v2 __attribute__((vector_size(16), aligned(8)));

static inline void clear_64(uintptr_t x)
{
    ((v2 *)x)[0] = ((v2 *)x)[1] = ((v2 *)x)[2] = ((v2 *)x)[3] = (v2){ 0, 0 };
}

/* Clears n bytes, 8 or more, a multiple of 8, in place: some of them twice, which costs less than
 * to look how many are left. */
static inline void clear_small(uintptr_t x, size_t n)
{
    uintptr_t end = x + n;

    if (n > 64) {
        for (; x + 64 < end; x += 64)
            clear_64(x);
        clear_64(end - 64);
    } else if (n > 32) {
        ((v2 *)x)[0] = ((v2 *)x)[1] = ((v2 *)end)[-2] = ((v2 *)end)[-1] = (v2){ 0, 0 };
    } else if (n > 8) {
        ((v2 *)x)[0] = ((v2 *)end)[-1] = (v2){ 0, 0 };
    } else {
        *(uint64_t *)x = 0;
    }
}

/* The same out of line, for objects to which a call is nothing. Not memset: that may use no vector
 * registers, and takes three times as many instructions. */
static __attribute__((noinline)) void *leaf_clear(uintptr_t x, size_t n)
{
    uintptr_t end = x + n;

    for (uintptr_t at = x; at + 128 <= end; at += 128) {
        clear_64(at);
        clear_64(at + 64);
    }
    clear_64(end - 128);
    clear_64(end - 64);
    return (void *)x;
}

static inline void clear(uintptr_t x, size_t n)
{
    if (n > 512)
        leaf_clear(x, n);
    else
        clear_small(x, n);
}

/* All before the object that is to be sampled is taken: takes that one. The goroutine is
 * stopped in its gate. */
static uintptr_t take_sampled(struct mcache *c, struct mspan *s)
{
    s->free_index = s->sample_at;
    mspan_unsample(s);
    uintptr_t x = mspan_take_fast(s);
    heap_hooks.sample_span(s);
    c->sampled = true;
    return x;
}

/* The cached span is full. leaf: a cycle that is due must be started first, and a sampled object be
 * taken, by the gate. 0: one of these, or out of memory. */
static __attribute__((noinline)) uintptr_t take_slow(struct mcache *c, unsigned spc, bool leaf)
{
    struct mspan *s = c->alloc[spc];

    if (mspan_next_free(s) >= s->nelems && s->sample_at == MSPAN_NO_SAMPLE) {
        if (leaf && gc_wanted())
            return 0;
        if (!mcache_refill(c, spc))
            return 0;
        s = c->alloc[spc];
        mspan_next_free(s);
    }
    if (s->alloc_cache == 0)
        return leaf ? 0 : take_sampled(c, s);
    return mspan_take_fast(s);
}

static inline uintptr_t take(struct mcache *c, unsigned spc, bool leaf)
{
    uintptr_t x = mspan_take_fast(c->alloc[spc]);

    return __builtin_expect(x != 0, 1) ? x : take_slow(c, spc, leaf);
}

static inline void born_black(struct mspan *s, uintptr_t x)
{
    if (__builtin_expect(gc.barrier, 0))
        gc_mark_new(s, mspan_index(s, x));
}

static inline void *small_noscan(struct mcache *c, size_t size, bool needzero, bool leaf)
{
    unsigned class = sizeclass_of(size), spc = span_class(class, true);
    uintptr_t x = take(c, spc, leaf);

    if (!x)
        return NULL;
    struct mspan *s = c->alloc[spc];
    if (needzero && s->needzero)
        clear(x, s->elemsize32);
    born_black(s, x);
    return (void *)x;
}

/* Objects below 16 bytes without pointers share blocks of 16. A block lives as long as one of
 * its objects. NULL: the one at hand has no room. */
static inline void *tiny_share(struct mcache *c, size_t size)
{
    uint32_t off = c->tiny_offset;

    if ((size & 7) == 0)
        off = (off + 7) & ~7u;
    else if ((size & 3) == 0)
        off = (off + 3) & ~3u;
    else if ((size & 1) == 0)
        off = (off + 1) & ~1u;
    if (off + size > TINY_SIZE || !c->tiny)
        return NULL;
    c->tiny_offset = off + (uint32_t)size;
    c->tiny_allocs++;
    return (void *)(c->tiny + off);
}

/* The first object of a block. */
static inline void *tiny_begin(struct mcache *c, size_t size, uintptr_t x)
{
    ((uint64_t *)x)[0] = ((uint64_t *)x)[1] = 0;
    /* Keep the block with more room left. */
    if (size < c->tiny_offset || !c->tiny) {
        c->tiny = x;
        c->tiny_offset = (uint32_t)size;
    }
    return (void *)x;
}

static inline void *tiny(struct mcache *c, size_t size, bool leaf)
{
    void *shared = tiny_share(c, size);

    if (shared)
        return shared;
    uintptr_t x = take(c, TINY_SPAN_CLASS, leaf);
    if (!x)
        return NULL;
    born_black(c->alloc[TINY_SPAN_CLASS], x);
    return tiny_begin(c, size, x);
}

static inline void *small_scan_bits(struct mcache *c, size_t size, const struct go_type *t,
                                    bool leaf)
{
    unsigned class = sizeclass_of(size), spc = span_class(class, false);
    uintptr_t x = take(c, spc, leaf);

    if (!x)
        return NULL;
    struct mspan *s = c->alloc[spc];
    if (s->needzero)
        clear(x, s->elemsize32);
    /* All bits of an 8-byte span are set already. */
    c->scan_alloc += class == 1 ? 8 : span_bits_write(s, x, size, t);
    born_black(s, x);
    return (void *)x;
}

static void *small_scan_header(struct mcache *c, size_t size, const struct go_type *t, bool leaf)
{
    unsigned spc = span_class(sizeclass_of(size + MALLOC_HEADER), false);
    uintptr_t x = take(c, spc, leaf);

    if (!x)
        return NULL;
    struct mspan *s = c->alloc[spc];
    if (s->needzero)
        clear(x, s->elemsize32);
    *(const struct go_type **)x = t;
    c->scan_alloc += s->elemsize32;
    born_black(s, x);
    return (void *)(x + MALLOC_HEADER);
}

/* size is 1 .. SMALL_MAX - MALLOC_HEADER. */
static inline void *small(struct mcache *c, size_t size, const struct go_type *t, bool needzero,
                          bool leaf)
{
    if (!t || t->ptr_bytes == 0)
        return size < TINY_SIZE ? tiny(c, size, leaf) : small_noscan(c, size, needzero, leaf);
    if (size <= HEADER_MIN)
        return small_scan_bits(c, size, t, leaf);
    return small_scan_header(c, size, t, leaf);
}

/* ---- the leaf -------------------------------------------------------------------------------
 *
 * The common case must cost few instructions: so what stands here but leaf_rest calls nothing (no
 * registers to save) and leaves whatever is not common to the functions above by tail calls. There
 * is no marking: while blacken is not set, no object is born black. */

static __attribute__((noinline)) void *leaf_rest(size_t size, const struct go_type *t,
                                                 bool needzero)
{
    struct cpu *cpu = cpu_self();

    if (gc.blacken) {
        struct g *gp = cpu->curg;
        if (gp->gc_assist_bytes < (int64_t)size)
            return NULL;
        gp->gc_assist_bytes -= (int64_t)size;
    }
    return small(cpu->p->mcache, size, t, needzero, true);
}

static __attribute__((noinline)) void *leaf_tiny(size_t size)
{
    struct mcache *c = cpu_self()->p->mcache;
    void *shared = tiny_share(c, size);

    if (shared)
        return shared;
    uintptr_t x = mspan_take_fast(c->alloc[TINY_SPAN_CLASS]);
    return x ? tiny_begin(c, size, x) : leaf_rest(size, NULL, true);
}

static __attribute__((noinline)) void *leaf_noscan(size_t size, const struct go_type *t,
                                                   bool needzero)
{
    struct mspan *s = cpu_self()->p->mcache->alloc[span_class(sizeclass_of(size), true)];
    uintptr_t x = mspan_take_fast(s);

    if (!x)
        return leaf_rest(size, t, needzero);
    if (!needzero || !s->needzero)
        return (void *)x;
    if (s->elemsize32 > 512)
        return leaf_clear(x, s->elemsize32);
    clear_small(x, s->elemsize32);
    return (void *)x;
}

/* An object of one value of t, with pointers. */
static inline void *leaf_scan(const struct go_type *t, size_t size)
{
    if (size > HEADER_MIN || t->tflag & TFLAG_GCMASK_ON_DEMAND)
        return leaf_rest(size, t, true);
    struct mcache *c = cpu_self()->p->mcache;
    struct mspan *s = c->alloc[span_class(sizeclass_of(size), false)];
    unsigned at;
    if (!mspan_take_index(s, &at))
        return leaf_rest(size, t, true);
    c->scan_alloc += t->ptr_bytes;
    uintptr_t off = (uintptr_t)at * s->elemsize32, x = s->base + off;
    if (s->needzero)
        clear_small(x, s->elemsize32);
    if (size > 8) /* bits of 8-byte objects are always set */
        span_bits_store(s, off, *(const uint64_t *)t->gcdata);
    return (void *)x;
}

void *malloc_leaf(size_t size, const struct go_type *t, bool needzero)
{
    if (size - 1 >= SMALL_MAX - MALLOC_HEADER) /* 0 too */
        return size ? NULL : app->zerobase;
    if (__builtin_expect(gc.blacken, 0))
        return leaf_rest(size, t, needzero);
    if (!t || t->ptr_bytes == 0)
        return size < TINY_SIZE ? leaf_tiny(size) : leaf_noscan(size, t, needzero);
    return size == t->size ? leaf_scan(t, size) : leaf_rest(size, t, needzero);
}

void *malloc_leaf_type(const struct go_type *t)
{
    size_t size = t->size;

    if (size - 1 >= SMALL_MAX - MALLOC_HEADER)
        return size ? NULL : app->zerobase;
    if (__builtin_expect(gc.blacken, 0))
        return leaf_rest(size, t, true);
    if (t->ptr_bytes == 0)
        return size < TINY_SIZE ? leaf_tiny(size) : leaf_noscan(size, t, true);
    return leaf_scan(t, size);
}

/* What is still to be done about a large object: see rt_malloc_slow. stale: zeroed where it has had
 * frames before (lazy_stale). */
struct large_rest { bool dirty, bare, stale; };

/* As long as *rest names anything, the type of an object with pointers is not published, and the
 * collector does not look into it. */
static void *large(size_t size, const struct go_type *t, bool needzero, struct large_rest *rest)
{
    bool noscan = !t || t->ptr_bytes == 0;

    bool lazy = noscan && lazy_size(size);
    rest->bare = !lazy && size >= BARE_MIN;
    struct mspan *s = mcache_alloc_large(size, noscan, lazy ? LARGE_LAZY
                                                            : rest->bare ? LARGE_BARE : LARGE_NOW);
    if (!s)
        return NULL;
    rest->dirty = s->needzero && (needzero || !noscan);
    rest->stale = rest->dirty && s->lazy;
    if (gc.barrier)
        gc_mark_new(s, 0);
    if (!rest->dirty && !rest->bare && !noscan)
        __atomic_store_n(&s->large_type, t, __ATOMIC_RELEASE);
    return (void *)s->base;
}

static void *malloc_any(size_t size, const struct go_type *t, bool needzero,
                        struct large_rest *rest)
{
    *rest = (struct large_rest){ false, false, false };
    if (size == 0)
        return app->zerobase;
    if (size <= SMALL_MAX - MALLOC_HEADER)
        return small(p_self()->mcache, size, t, needzero, false);
    return size < MAX_ALLOC ? large(size, t, needzero, rest) : NULL;
}

static void clear_stale(const struct mspan *s)
{
    size_t off = 0, n;

    for (; (n = lazy_stale(s, &off)) != 0; off += n)
        memset((void *)(s->base + off), 0, n);
}

void *malloc_gc(size_t size, const struct go_type *typ, bool needzero)
{
    struct large_rest rest;
    void *x = malloc_any(size, typ, needzero, &rest);
    struct mspan *s = x && (rest.dirty || rest.bare) ? mheap_span_of((uintptr_t)x) : NULL;

    if (!x || (rest.bare && !mheap_commit(s->base, s->elemsize)))
        malloc_out_of_memory(size);
    if (rest.stale)
        clear_stale(s);
    else if (rest.dirty)
        memset(x, 0, s->elemsize);
    if (s && !mspan_noscan(s))
        __atomic_store_n(&s->large_type, typ, __ATOMIC_RELEASE);
    return x;
}

/* ---- gates ------------------------------------------------------------------------------- */

/* The program's leaf table is filled at its first allocation. The boot option gcstress leaves
 * malloc out of it, so that every allocation comes here. */
static void install_leaves(struct leaf_table *t)
{
    type_mask_in_progress = t->mask_in_progress;
    heap_hooks.install_leaves(t, options.gcstress == 0);
}

static bool stress_due(void)
{
    static uint64_t count;

    return options.gcstress && m_self()->locks == 0 &&
           __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) % options.gcstress == 0;
}

/* x has just been allocated: is it one for the memory profile? */
static void sample(struct g *gp, uintptr_t x)
{
    struct mcache *c = p_self()->mcache;
    struct mspan *s = mheap_span_of(x);

    if (!c->sampled && !(s && mspan_is_large(s) && heap_hooks.sample_large(s->elemsize)))
        return;
    c->sampled = false;
    heap_hooks.sampled(gp, s->base + mspan_index(s, x) * s->elemsize, s->elemsize);
}

void rt_malloc_slow(struct malloc_slow_frame *f)
{
    struct g *gp = g_calling();
    struct large_rest rest;

    if (!((struct leaf_table *)f->leaves)->installed)
        install_leaves(f->leaves);
    bool paid = gc.blacken ? gp->gc_assist_bytes >= (int64_t)f->size || gc_assist(gp, f->size)
                           : gc_may_allocate();
    gc_start_if_wanted();
    f = g_gate_frame(gp); /* stopping the world may have moved the stack */
    f->p = NULL;
    f->status = paid ? MALLOC_COLLECT : MALLOC_WAIT;
    if (!paid)
        return;
    if (!f->again && stress_due())
        return;
    if (gc.blacken)
        gp->gc_assist_bytes -= (int64_t)f->size;
    f->p = malloc_any(f->size, f->typ, f->needzero, &rest);
    if (f->p)
        sample(gp, (uintptr_t)f->p);
    if (f->p)
        f->status = rest.stale ? MALLOC_STALE
                  : rest.bare  ? rest.dirty ? MALLOC_BARE_DIRTY : MALLOC_BARE
                               : rest.dirty ? MALLOC_DIRTY : MALLOC_DONE;
    else if (f->again || m_self()->locks)
        malloc_out_of_memory(f->size);
}

/* The next run of a lazy object, from off on, that has to be zeroed; n 0: there is none. */
void rt_malloc_stale(struct malloc_stale_frame *f)
{
    size_t off = f->off;

    f->n = lazy_stale(mheap_span_of((uintptr_t)f->p), &off);
    f->at = off;
}

/* The next piece of an object that has no frames yet. */
void rt_malloc_commit(struct malloc_commit_frame *f)
{
    uintptr_t at = (uintptr_t)f->p + f->off;

    f->ok = mheap_commit(at, (f->n + GO_PAGE_SIZE - 1) & ~(GO_PAGE_SIZE - 1));
    if (!f->ok && f->again)
        malloc_out_of_memory(mheap_span_of((uintptr_t)f->p)->elemsize);
}

/* A large object with pointers has been zeroed by its goroutine (in pieces, so that it can be
 * stopped in between): from now on the collector may look at it. */
void rt_malloc_publish(struct malloc_publish_frame *f)
{
    struct mspan *s = mheap_span_of((uintptr_t)f->p);

    CHECK(s && mspan_is_large(s) && s->base == (uintptr_t)f->p, "publishing %p", f->p);
    __atomic_store_n(&s->large_type, f->typ, __ATOMIC_RELEASE);
}

void rt_persistent_alloc(struct persistent_alloc_frame *f)
{
    f->p = persistent_alloc(f->size, f->align ? f->align : 8, &mheap.meta_other);
}

void rt_mem_object(struct mem_object_frame *f)
{
    uintptr_t p = (uintptr_t)f->p;
    struct mspan *s = mheap_object_span(p);

    f->base = f->size = 0;
    f->noscan = f->tiny = false;
    if (!s)
        return;
    f->base = s->base + mspan_index(s, p) * s->elemsize;
    f->size = s->elemsize;
    f->noscan = mspan_noscan(s);
    f->tiny = s->spanclass == TINY_SPAN_CLASS;
    if (!f->noscan && !mspan_has_bits(s) && !mspan_is_large(s)) {
        f->base += MALLOC_HEADER;
        f->size -= MALLOC_HEADER;
    }
}

/* mask, which is zeroed, covers the heap object that starts at p. */
void rt_mem_ptrmask(struct mem_ptrmask_frame *f)
{
    uintptr_t p = (uintptr_t)f->p, slot;
    struct mspan *s = mheap_object_span(p);
    struct ptrs walk;

    if (!s || mspan_noscan(s))
        return;
    ptrs_of_object(&walk, s, s->base + mspan_index(s, p) * s->elemsize, p,
                   p + 8 * (uintptr_t)f->mask.len);
    while ((slot = ptrs_next(&walk)))
        ((uint8_t *)f->mask.ptr)[(slot - p) / 8] = 1;
}
