// sources: gort/heap/sizeclass.c gort/heap/pagealloc.c gort/heap/mspan.c gort/heap/mheap.c
// sources: gort/heap/mcentral.c gort/heap/lazy.c gort/heap/spans.c
// sources: gort/heap/mcache.c gort/heap/mbitmap.c gort/heap/malloc.c gort/heap/stackalloc.c
// sources: gort/gc/sweep.c gort/abi/go_line.c
// sources: gort/gc/root.c gort/gc/wbbuf.c gort/gc/work.c gort/gc/final.c gort/heap/mstats.c
// flags: -Itests/host/fake -Wno-unused-function
/* The allocator as a whole, on the host: random objects of random types, checked for overlap,
 * zeroing, contents and pointer masks, over cycles in which a random half is found dead. Then
 * stacks, giving back and running out. */
#include "fakeheap.h"
#include "gort/heap/mbitmap.h"
#include "gort/gc/metrics.h"
#include "gort/heap/hooks.h"
#include "gort/gc/gc.h"
#include "gort/gc/root.h"
#include "gort/gc/work.h"
#include "gort/heap/stackalloc.h"
#include "gort/dying.h"
#include "gort/sched/sched.h"
#include "gort/stack/symtab.h"

int64_t stw_begin(enum stw_reason why) { (void)why; return 0; } /* there is one thread */
int64_t stw_end(void) { return 0; }
_Noreturn void rt_fatal(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    die(fmt, ap);
}

const struct moduledata *symtab_first(void) { return NULL; }
void g_ready(struct g *gp) { (void)gp; abort(); }
_Noreturn void g_park_g0(struct g *gp, struct lock *l, enum wait_reason why)
{
    (void)gp, (void)l, (void)why;
    abort();
}

/* The memory profile samples an object now and then: the bitmap's cache ends before it. */
static unsigned sampled;
static bool sample_large(uint64_t size) { (void)size; return false; }
static void count_sampled(struct g *gp, uintptr_t p, uint64_t size)
{
    (void)gp, (void)p, (void)size;
}
static void sampled_freed(struct mprof_bucket *b, uint64_t size) { (void)b, (void)size; }
static void sample_span(struct mspan *s)
{
    unsigned i = s->free_index + (unsigned)rand() % (s->nelems - s->free_index + 1);

    if (rand() % 3 == 0 && i < s->nelems && !(s->alloc[i / 64] >> i % 64 & 1)) {
        mspan_sample_at(s, i);
        sampled++;
    }
}

/* The collector's phases are played by collect() below. */
struct gc_metrics gc_metrics;
struct gc gc = { .trigger = ~0ul, .goal = ~0ul, .limit = INT64_MAX };
void gc_init(void) { gc_roots_init(); }
void gc_start_if_wanted(void) {}
int64_t gc_limit_now(void) { return gc.limit; }
void gc_shade(void *p) { (void)p; }
void gc_mark_new(struct mspan *s, unsigned i) { mspan_mark(s, i); }
bool gc_may_allocate(void) { return true; }
void gc_stacks_grew(void) {}
void stack_untag(uintptr_t lo) { (void)lo; }
bool gc_assist(struct g *gp, size_t size) { (void)gp, (void)size; return true; }

/* ---- types ------------------------------------------------------------------------------- */

#define TYPES 200
static struct go_type types[TYPES];
static uint8_t masks[TYPES][1024];

static void make_types(void)
{
    for (int i = 0; i < TYPES; i++) {
        struct go_type *t = &types[i];
        size_t words = i < 60 ? 1 + (size_t)i % 30 : 1 + (size_t)rand() % (i % 7 ? 60 : 3000);
        size_t last = 0;
        for (size_t w = 0; w < words; w++)
            if (rand() % 3 == 0) {
                masks[i][w / 8] |= (uint8_t)(1u << w % 8);
                last = w + 1;
            }
        if (i % 5 == 0) { /* pointers only */
            memset(masks[i], 0, sizeof masks[i]);
            for (last = 0; last < words; last++)
                masks[i][last / 8] |= (uint8_t)(1u << last % 8);
        }
        if (i % 11 == 3) {
            memset(masks[i], 0, sizeof masks[i]);
            last = 0;
        }
        *t = (struct go_type){ .size = words * 8, .ptr_bytes = last * 8, .gcdata = masks[i] };
    }
}

/* ---- objects ----------------------------------------------------------------------------- */

struct obj { uint8_t *p; size_t size; const struct go_type *t; uint8_t seed; };
#define MAX_OBJS 60000
static struct obj objs[MAX_OBJS];
static size_t nobjs;

static void fill(struct obj *o)
{
    for (size_t i = 0; i < o->size; i++)
        o->p[i] = (uint8_t)(o->seed + i * 7);
}

static bool intact(const struct obj *o)
{
    for (size_t i = 0; i < o->size; i++)
        if (o->p[i] != (uint8_t)(o->seed + i * 7))
            return false;
    return true;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

/* The walker's slots are those that the type's mask says, repeated over the object. */
static bool mask_right(const struct obj *o)
{
    struct mspan *s = mheap_object_span((uintptr_t)o->p);
    struct ptrs it;
    uintptr_t base = s->base + mspan_index(s, (uintptr_t)o->p) * s->elemsize;

    ptrs_of_object(&it, s, base, base, base + s->elemsize);
    if (o->t && o->t->ptr_bytes)
        for (size_t off = 0; off + 8 <= o->size; off += 8) {
            size_t w = off % o->t->size / 8;
            if (off % o->t->size < o->t->ptr_bytes && o->t->gcdata[w / 8] >> w % 8 & 1 &&
                ptrs_next(&it) != (uintptr_t)o->p + off)
                return false;
        }
    for (uintptr_t a; (a = ptrs_next(&it)) != 0;) /* slots behind the values are zero memory */
        if (a < (uintptr_t)o->p + o->size)
            return false;
    return true;
}

/* A sub-range has the slots of the whole that lie in it. */
static bool range_right(const struct obj *o)
{
    struct mspan *s = mheap_object_span((uintptr_t)o->p);
    uintptr_t base = s->base + mspan_index(s, (uintptr_t)o->p) * s->elemsize;
    uintptr_t lo = (uintptr_t)o->p + (size_t)rand() % (o->size / 8 + 1) * 8;
    uintptr_t hi = lo + (size_t)rand() % 3000 * 8, a, b;
    struct ptrs part, whole;

    if (hi > base + s->elemsize)
        hi = base + s->elemsize;
    ptrs_of_object(&part, s, base, lo, hi);
    ptrs_of_object(&whole, s, base, base, base + s->elemsize);
    do {
        a = ptrs_next(&part);
        do
            b = ptrs_next(&whole);
        while (b && b < lo);
        if (b >= hi)
            b = 0;
    } while (a && a == b);
    return a == b;
}

static size_t pick_count(const struct go_type *t)
{
    if (rand() % 200 == 0)
        return 1 + (size_t)rand() % (300000 / t->size + 1);
    return 1 + (size_t)rand() % (rand() % 4 ? 2 : 40);
}

static bool alloc_one(void)
{
    struct obj *o = &objs[nobjs++];
    const struct go_type *t = &types[rand() % TYPES];
    bool zero = rand() % 3 != 0;

    o->t = rand() % 3 ? t : NULL;
    o->size = o->t ? t->size * pick_count(t) : 1 + (size_t)rand() % (rand() % 3 ? 40 : 3000);
    o->seed = (uint8_t)rand();
    o->p = malloc_gc(o->size, o->t, zero);
    zero = zero || (o->t && o->t->ptr_bytes);
    if (zero && !is_zero(o->p, o->size))
        return false;
    if (!mask_right(o) || (o->t && !range_right(o)))
        return false;
    fill(o);
    return true;
}

/* A cycle as the collector would do it: caches flushed, marks set, all swept. */
static void collect(int keep_percent)
{
    size_t n = 0;

    for (size_t i = 0; i < nobjs; i++) {
        if (rand() % 100 >= keep_percent)
            continue;
        struct mspan *s = mheap_object_span((uintptr_t)objs[i].p);
        mspan_mark(s, mspan_index(s, (uintptr_t)objs[i].p));
        objs[n++] = objs[i];
    }
    nobjs = n;
    sweep_begin(); /* the P's cached spans are stale now */
    for (int i = rand() % 50; i > 0; i--)
        sweep_one();
    sweep_cached();
    check(fake_p.mcache->flush_gen == mheap.sweep_gen, "the P's cache was flushed");
    if (rand() % 2)
        sweep_all();
}

static bool all_intact(void)
{
    for (size_t i = 0; i < nobjs; i++)
        if (!intact(&objs[i]))
            return false;
    return true;
}

static void test_objects(unsigned seed)
{
    bool ok = true, kept = true;

    srand(seed);
    for (int cycle = 0; cycle < 12 && ok && kept; cycle++) {
        for (int i = 0; i < 2500 && ok; i++)
            ok = alloc_one();
        kept = all_intact();
        sweep_all();
        collect(cycle % 4 == 3 ? 5 : 50);
        kept = kept && all_intact();
    }
    check(ok, "objects are zeroed where they must be and masks read back");
    check(kept, "live objects keep their contents over collections");
    sweep_all();
    collect(0);
    sweep_all();
    check(mheap.in_use == 0, "nothing is left when all is dead");
}

static void test_tiny(void)
{
    uint8_t *a = malloc_gc(1, NULL, false), *b = malloc_gc(1, NULL, false);
    uint64_t *c = malloc_gc(8, NULL, true);

    check(b == a + 1 && (uintptr_t)c % 8 == 0 && (uint8_t *)c > a && (uint8_t *)c < a + 16,
          "tiny objects share a block");
    check(malloc_gc(0, NULL, true) == app->zerobase, "nothing is at zerobase");
}

/* Allocates half of the bytes that may be allocated before the next cycle, in a size that nothing
 * else uses: half of the spans must have been swept then, though nothing else sweeps. */
static void test_sweep_pays(void)
{
    uint64_t live = gc.heap_live, room = 64 << 20;

    for (int i = 0; i < 40000; i++)
        malloc_gc(1024, NULL, false);
    mcache_flush(&fake_p);
    gc.heap_marked = gc.heap_live = live;
    sweep_begin();
    sweep_cached();
    gc.trigger = live + room + (1 << 20);
    uint64_t total = sweep.total;
    for (uint64_t done = 0; done < room / 2; done += 2048)
        malloc_gc(2048, NULL, false);
    check(total > 4000 && sweep.pages > total * 4 / 10 && sweep.pages < total * 6 / 10,
          "sweeping keeps up with allocation");
    gc.trigger = ~0ul;
    sweep_all();
    collect(0);
    sweep_all();
}

/* ---- stacks ------------------------------------------------------------------------------ */

static void test_stacks(void)
{
    static struct { uintptr_t lo; size_t size; } st[2000];
    size_t n = 0;
    bool ok = true;

    srand(7);
    for (int i = 0; i < 60000; i++) {
        if (n < 2000 && (n == 0 || rand() % 2)) {
            size_t size = STACK_MIN << (rand() % 8 ? rand() % 5 : rand() % 8);
            uintptr_t lo = stack_mem_alloc(size);
            memset((void *)lo, (int)(n & 255), size);
            *(size_t *)lo = *(size_t *)(lo + size - 8) = size ^ lo;
            st[n].lo = lo;
            st[n++].size = size;
        } else {
            size_t k = (size_t)rand() % n, w = st[k].size ^ st[k].lo;
            ok = ok && *(size_t *)st[k].lo == w && *(size_t *)(st[k].lo + st[k].size - 8) == w;
            stack_mem_free(st[k].lo, st[k].size);
            st[k] = st[--n];
        }
    }
    while (n > 0) {
        n--;
        stack_mem_free(st[n].lo, st[n].size);
    }
    mcache_flush(&fake_p);
    check(ok && mheap.stacks == 0, "stacks do not overlap and all come back");
}

/* A pointer into a stack that has moved meanwhile must not come to mean an object. */
static void test_stacks_while_marking(void)
{
    uintptr_t small[64], big = stack_mem_alloc(64 << 10);
    bool kept = true;

    for (unsigned i = 0; i < 64; i++)
        small[i] = stack_mem_alloc(2 << 10);
    gc.phase = GC_MARK;
    for (unsigned i = 0; i < 64; i++)
        stack_mem_free(small[i], 2 << 10);
    stack_mem_free(big, 64 << 10);
    stack_cache_flush(&fake_p);
    for (unsigned i = 0; i < 64; i++)
        kept &= mheap_span_of(small[i])->state == SPAN_MANUAL;
    check(kept && mheap_span_of(big)->state == SPAN_MANUAL,
          "freed stacks do not become heap while marking");
    uintptr_t again = stack_mem_alloc(64 << 10);
    check(again == big, "they are stacks again meanwhile");
    stack_mem_free(again, 64 << 10);
    gc.phase = GC_OFF;
    stack_marking_done();
    mcache_flush(&fake_p);
    check(mheap.stacks == 0, "they do afterwards");
}

/* Objects without pointers get frames where they are touched, and lose none of them when they die;
 * what is given out again is zero. */
static void test_lazy(void)
{
    const size_t size = 64 << 20;

    mheap_scavenge(~0ul);
    size_t before = fake_used, off = 0;
    struct mspan *s = mheap_alloc_lazy(size / GO_PAGE_SIZE);
    uint8_t *p = (uint8_t *)s->base;
    check(s->lazy && fake_used == before && mheap.untouched == size, "nothing at first");
    for (size_t i = 0; i < 64; i += 2)
        p[i << 20] = 0xff;
    check(s->touched == 32 * GO_PAGE_SIZE && fake_used == before + 64, "what is touched");
    check(mheap.untouched == size - s->touched && mheap.committed == fake_used * 4096,
          "and that is counted");
    check(lazy_stale(s, &off) == 0 && !s->needzero, "there are no old bytes in fresh memory");
    mheap_free(s);
    check(mheap.untouched == 0 && mheap.committed == fake_used * 4096, "frames outlive the span");
    s = mheap_alloc_lazy(size / GO_PAGE_SIZE);
    off = GO_PAGE_SIZE;
    size_t n = lazy_stale(s, &off);
    check((uint8_t *)s->base == p && s->needzero && s->lazy && n == GO_PAGE_SIZE && off == 2 << 20,
          "old bytes are found");
    mheap_free(s);
    check(mheap_scavenge(~0ul) == 32 * GO_PAGE_SIZE && fake_used == before,
          "the frames can be given back");
    s = mheap_alloc(100, 1);
    struct mspan *t = mheap_alloc_lazy(100), *u = mheap_alloc(20, 1);
    memset((void *)t->base, 1, 100 * GO_PAGE_SIZE);
    check(!t->lazy || t->touched > 0, "a neighbour's large page takes none of them");
    mheap_free(s);
    mheap_free(t);
    mheap_free(u);
    t = mheap_alloc_lazy(100);
    check(!t->lazy && t->needzero, "a span whose pages all have frames is none");
    mheap_free(t);
}

static void test_scavenge(void)
{
    size_t before = fake_used;

    mheap_scavenge(~0ul);
    check(before > 0 && fake_used == 0 && mheap.committed == 0, "all frames can be given back");
    uint8_t *p = malloc_gc(100 << 20, NULL, true);
    check(is_zero(p, 100 << 20) && fake_used >= (100 << 20) / 4096, "and come again, as zeros");
    static struct mspan *s[1000];
    uint64_t stat = 0;
    int n;
    for (int i = 0; i < 1000; i++)
        s[i] = mheap_alloc_manual(1, &stat);
    for (int i = 0; i < 1000; i += 2)
        mheap_free_manual(s[i], &stat);
    before = fake_used, fake_decommits = 0;
    mheap_scavenge(~0ul);
    check(fake_used <= before - 500 * 2 && fake_decommits < 100, "many runs of pages go at once");
    for (int i = 1; i < 1000; i += 2)
        mheap_free_manual(s[i], &stat);
    mheap_flush_pcache(&fake_p.mcache->pages);
    mheap_scavenge(~0ul);
    size_t holes = mheap.committed;
    for (int i = 0; i < 64; i++) /* large ones, in pieces of which some fail */
        s[i] = mheap_alloc(64 + (size_t)i * 7, 1);
    for (int i = 0; i < 64; i += 2)
        mheap_free(s[i]);
    check(mheap_scavenge(1 << 20) >= 1 << 20 && mheap_scavenge(~0ul) > 0, "free parts of them");
    check(mheap_scavenge(~0ul) == 0, "nothing is left to give");
    fake_frames = fake_used + 100;
    check(!mheap_alloc(64, 1) && mheap.committed == fake_used * 4096, "a claim is given up");
    fake_frames = 1ul << 20;
    for (int i = 1; i < 64; i += 2)
        mheap_free(s[i]);
    mheap_scavenge(~0ul);
    check(mheap.committed == holes, "all of it is counted back");
    fake_frames = fake_used + 512, fake_kept = 128;
    for (n = 0; (s[n] = mheap_alloc_manual(1, &mheap.stacks)) != NULL; n++)
        ;
    struct mspan *last = mheap_alloc_manual(16, &mheap.manual);
    check(n > 100 && last, "the collector's buffers get what stacks leave");
    mheap_free_manual(last, &mheap.manual);
    while (n > 0)
        mheap_free_manual(s[--n], &mheap.stacks);
    fake_frames = 1ul << 20, fake_kept = 0;
    collect(0);
    sweep_all();
}

/* Every object put into the work queues comes out once, over two Ps and the lists between them. */
static void test_work(void)
{
    static struct p q;
    static uint8_t seen[20001];
    uintptr_t v;
    size_t n = 0;
    bool once = true;

    gcw_init(&q);
    for (uintptr_t i = 1; i <= 20000; i++) {
        gcw_put(fake_p.gcw, i);
        if (i % 777 == 0)
            gcw_balance(fake_p.gcw);
        if (i % 3 == 0 && (v = gcw_get(q.gcw)) != 0) {
            once = once && !seen[v]++;
            n++;
        }
    }
    gcw_dispose(q.gcw);
    while ((v = gcw_get(fake_p.gcw)) != 0) {
        once = once && !seen[v]++;
        n++;
    }
    gcw_dispose(fake_p.gcw);
    work_release();
    check(once && n == 20000 && gcw_empty(q.gcw) && mheap.manual == 0,
          "grey objects come out once, and their buffers go back");
}

static void test_stats(void)
{
    uint64_t allocs = 0, frees = 0;

    mcache_flush(&fake_p);
    for (unsigned c = 1; c < NUM_CLASSES; c++) {
        allocs += mheap.small_allocs[c];
        frees += mheap.small_frees[c];
    }
    check(allocs == frees && mheap.large_allocs == mheap.large_frees &&
              gc.total_alloc == gc.total_free, "allocations and frees add up");
}

int main(void)
{
    heap_hooks = (struct heap_hooks){ .sample_span = sample_span, .sample_large = sample_large,
                                      .sampled = count_sampled, .sampled_freed = sampled_freed };
    fake_start();
    make_types();
    test_tiny();
    for (unsigned seed = 1; seed <= 2; seed++)
        test_objects(seed);
    check(sampled > 100, "objects for the memory profile come from the slow path");
    test_sweep_pays();
    test_stacks();
    test_stacks_while_marking();
    test_lazy();
    test_scavenge();
    test_work();
    test_stats();
    return failures != 0;
}
