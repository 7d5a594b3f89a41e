/* mark.c - from roots to objects to objects: mark.h. */
#include "gort/gc/mark.h"
#include "arch/x86_64/arch.h"
#include "gort/heap/hooks.h"
#include "gort/heap/mbitmap.h"
#include "gort/gc/final.h"
#include "gort/gc/gc.h"
#include "gort/gc/leak.h"
#include "gort/gc/root.h"
#include "gort/heap/mheap.h"
#include "gort/sched/sched.h"
#include "gort/stack/stack.h"
#include "kernel/clock.h"
#include "kernel/options.h"

/* Large objects are scanned in parts, so that several CPUs share one and none is late. */
#define OBLET (128ul << 10)
#define SEGMENT_JOB (256ul << 10)
#define SPAN_JOB (ARENA_SIZE / GO_PAGE_SIZE) /* pages whose spans are looked at for specials */

/* ---- greying ----------------------------------------------------------------------------- */

static inline void grey(struct gcw *w, struct mspan *s, unsigned i)
{
    if (mspan_marked(s, i) || !mspan_mark(s, i))
        return;
    w->bytes_marked += s->elemsize;
    if (!mspan_noscan(s))
        gcw_put(w, s->base + i * s->elemsize);
}

/* The inner loop of marking is made of this: one comparison for what is no heap pointer. */
static inline __attribute__((always_inline)) void mark_value(struct gcw *w, uintptr_t v)
{
    struct mspan *s = mheap_object_span(v);

    if (s)
        grey(w, s, mspan_index(s, v));
}

void mark_ptr(struct gcw *w, uintptr_t v) { mark_value(w, v); }

/* Since marking began objects are born black, from scan_index on: a word that happens to look
 * like one of those adds nothing, and may be one that is being set up. */
bool mark_precise_only;

void mark_conservative(struct gcw *w, uintptr_t v)
{
    struct mspan *s = mheap_object_span(v);

    if (!s || mark_precise_only)
        return;
    unsigned i = mspan_index(s, v);
    if (i >= __atomic_load_n(&s->scan_index, __ATOMIC_RELAXED) && !(s->alloc[i / 64] >> i % 64 & 1))
        return;
    grey(w, s, i);
}

void gc_shade(void *p)
{
    struct p *pp = p_self();

    if (gc.phase == GC_MARK && pp)
        mark_ptr(pp->gcw, (uintptr_t)p);
}

void gc_mark_new(struct mspan *s, unsigned i)
{
    if (mspan_mark(s, i))
        p_self()->gcw->bytes_marked += s->elemsize;
}

/* ---- scanning ---------------------------------------------------------------------------- */

static inline uintptr_t load_slot(uintptr_t slot)
{
    return __atomic_load_n((const uintptr_t *)slot, __ATOMIC_RELAXED);
}

/* Scans [lo, hi) by a mask of words, 64 of them at a time, which begins at `first`. */
static void mark_block(struct gcw *w, uintptr_t first, uintptr_t lo, uintptr_t hi,
                       const uint64_t *mask)
{
    w->scan_work += hi - lo;
    w->scan_globals += hi - lo;
    for (uintptr_t at = first; at < hi; at += 512, mask++)
        for (uint64_t bits = *mask; bits; bits &= bits - 1) {
            uintptr_t slot = at + 8 * (uintptr_t)__builtin_ctzll(bits);
            if (slot >= lo && slot < hi)
                mark_value(w, load_slot(slot));
        }
}

/* [lo, hi) holds values of t, which fits one word of mask, from `start` on. Slices of small
 * values and of pointers are most of what large objects are. */
static void mark_values(struct gcw *w, const struct go_type *t, uintptr_t start, uintptr_t lo,
                        uintptr_t hi)
{
    uint64_t all = *(const uint64_t *)type_mask(t) & (~0ull >> (64 - t->ptr_bytes / 8));

    if (t->size == 8) {
        for (; lo < hi; lo += 8)
            mark_value(w, load_slot(lo));
        return;
    }
    for (uintptr_t v = start + (lo - start) / t->size * t->size; v < hi; v += t->size)
        for (uint64_t bits = all; bits; bits &= bits - 1) {
            uintptr_t slot = v + 8 * (uintptr_t)__builtin_ctzll(bits);
            if (slot - lo < hi - lo)
                mark_value(w, load_slot(slot));
        }
}

static void mark_typed(struct gcw *w, struct mspan *s, uintptr_t base, uintptr_t lo, uintptr_t hi)
{
    const struct go_type *t = mspan_type(s, base);
    struct ptrs slots;

    if (!mspan_is_large(s)) {
        base += MALLOC_HEADER;
        lo = lo > base ? lo : base;
    }
    if (!t || lo >= hi)
        return;
    if (t->ptr_bytes <= 512) {
        mark_values(w, t, base, lo, hi);
        return;
    }
    ptrs_of_type(&slots, t, base, lo, hi);
    for (uintptr_t a; (a = ptrs_next(&slots)) != 0;)
        mark_value(w, load_slot(a));
}

static void mark_large_part(struct gcw *w, struct mspan *s, uintptr_t base, uintptr_t obj)
{
    uintptr_t end = base + s->elemsize;

    if (s->elemsize > OBLET) {
        if (obj == base)
            for (uintptr_t part = base + OBLET; part < end; part += OBLET)
                gcw_put(w, part);
        end = obj + OBLET < end ? obj + OBLET : end;
    }
    mark_typed(w, s, base, obj, end);
    w->scan_work += end - obj;
}

/* What is queued was an object when it was marked, and marked objects stay. */
static inline void mark_object(struct gcw *w, uintptr_t obj)
{
    struct mspan *s = mheap_span_of(obj);

    if (!mspan_has_bits(s)) {
        mark_large_part(w, s, s->base + mspan_index(s, obj) * s->elemsize, obj);
        return;
    }
    for (uint64_t bits = span_bits_read(s, obj); bits; bits &= bits - 1)
        mark_value(w, load_slot(obj + 8 * (uintptr_t)__builtin_ctzll(bits)));
    w->scan_work += s->elemsize32;
}

unsigned mark_queued(struct gcw *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uintptr_t obj = gcw_get(w);
        if (!obj)
            return i;
        mark_object(w, obj);
    }
    return n;
}

/* ---- roots ------------------------------------------------------------------------------- */

static struct {
    uint32_t next;          /* [atomic] job */
    uint32_t segment_jobs;  /* first of all; then one per arena */
    uint32_t jobs;
    struct g *stacks;       /* [atomic] next goroutine of the list */
} roots;

static uint32_t segment_job_count(const struct gc_segment *s)
{
    return (uint32_t)((s->hi - s->lo + SEGMENT_JOB - 1) / SEGMENT_JOB);
}

/* What little there is besides: done with the world stopped. */
static void mark_fixed_roots(struct gcw *w)
{
    mark_ptr(w, (uintptr_t)gc_pool_cleanup);
    finq_mark();
    heap_hooks.mark_roots(w);
}

uint64_t mark_roots_prepare(void)
{
    struct gc_segment s;
    uint64_t bytes = 0;

    roots.next = 0;
    roots.segment_jobs = 0;
    for (unsigned i = 0; gc_segment_get(i, &s); i++) {
        roots.segment_jobs += segment_job_count(&s);
        bytes += s.hi - s.lo;
    }
    roots.jobs = roots.segment_jobs + (uint32_t)((mheap.pages.end + SPAN_JOB - 1) / SPAN_JOB);
    __atomic_store_n(&roots.stacks, __atomic_load_n(&allgs, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
    mark_fixed_roots(p_self()->gcw);
    return bytes;
}

/* [lo, hi) of a segment. Variables that nobody has touched have no frames (heap/lazy.h), and hold
 * no pointers: only the pages that are there are read. */
static void mark_part(struct gcw *w, const struct gc_segment *s, uintptr_t lo, uintptr_t hi)
{
    for (uintptr_t end; (lo = vm_next(lo, hi, true)) < hi; lo = end) {
        end = vm_next(lo, hi, false);
        uintptr_t first = lo - (lo - s->lo) % 512; /* the mask's words are for so many bytes */
        mark_block(w, first, lo, end, (const uint64_t *)(s->mask + (first - s->lo) / 64));
    }
}

static void mark_segment(struct gcw *w, uint32_t job)
{
    struct gc_segment s;

    for (unsigned i = 0; gc_segment_get(i, &s); i++) {
        uint32_t n = segment_job_count(&s);
        if (job < n) {
            uintptr_t lo = s.lo + job * SEGMENT_JOB, hi = lo + SEGMENT_JOB;
            mark_part(w, &s, lo, hi < s.hi ? hi : s.hi);
            return;
        }
        job -= n;
    }
}

static void mark_specials(uint32_t job)
{
    size_t page = job * SPAN_JOB, end = page + SPAN_JOB;

    if (__atomic_load_n(&mheap.specials[job], __ATOMIC_SEQ_CST) == 0)
        return;
    while (page < end) {
        struct mspan *s = __atomic_load_n(&mheap.spans[page], __ATOMIC_ACQUIRE);
        if (!s || __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != SPAN_IN_USE) {
            page++;
            continue;
        }
        if (__atomic_load_n(&s->specials, __ATOMIC_ACQUIRE))
            specials_mark(s);
        page = ((s->base - heap_base) >> GO_PAGE_SHIFT_) + s->npages;
    }
}

/* The goroutine on which a CPU's scheduler calls Go functions. It holds nothing between two
 * calls, and no world is stopped, so no cycle begins or ends, within one. */
static bool is_go_call_helper(const struct g *gp)
{
    for (unsigned i = 0; i < ncpu; i++)
        if (allm[i] && allm[i]->callgo_g == gp)
            return true;
    return false;
}

/* Since when a goroutine waits, for tracebacks, is noted when the collector sees it wait: looking
 * at the clock at each parking would cost more. */
static void note_waiting(struct g *gp, uint32_t status)
{
    if ((status == G_WAITING || status == G_SYSCALL) && !gp->wait_since)
        gp->wait_since = since_now(clock_mono_ns());
}

/* Takes over gp's stack for the moment. If gp runs, that takes until it stops; and if the world
 * is to be stopped meanwhile this P must stop too: gp's CPU may be the one that waits. */
static void mark_goroutine(struct g *gp)
{
    int64_t asked = 0;
    uint32_t was;
    int got;

    if (is_go_call_helper(gp))
        return;
    while ((got = suspend_g_try(gp, &was, &asked)) < 0) {
        if (__atomic_load_n(&sched.stopping, __ATOMIC_SEQ_CST))
            sched_stop_mid_gate();
        cpu_relax();
    }
    if (!got)
        return;
    note_waiting(gp, was);
    mark_stack(p_self()->gcw, gp);
    if (!stack_shrink(gp) && options.stackmove)
        stack_move(gp);
    resume_g(gp, was);
}

static struct g *next_stack(void)
{
    struct g *gp = __atomic_load_n(&roots.stacks, __ATOMIC_ACQUIRE);

    while (gp && !__atomic_compare_exchange_n(&roots.stacks, &gp, gp->alllink, false,
                                              __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        ;
    return gp;
}

bool mark_roots_taken(void)
{
    return __atomic_load_n(&roots.next, __ATOMIC_RELAXED) >= roots.jobs &&
           !__atomic_load_n(&roots.stacks, __ATOMIC_RELAXED);
}

static bool mark_root_globals(void)
{
    struct gcw *w = p_self()->gcw;
    uint32_t job = roots.jobs;

    if (__atomic_load_n(&roots.next, __ATOMIC_RELAXED) < roots.jobs)
        job = __atomic_fetch_add(&roots.next, 1, __ATOMIC_RELAXED);
    if (job >= roots.jobs)
        return false;
    if (job < roots.segment_jobs)
        mark_segment(w, job);
    else
        mark_specials(job - roots.segment_jobs);
    return true;
}

bool mark_root_next(void)
{
    if (mark_roots_taken())
        return false;
    if (mark_root_globals())
        return true;
    struct g *gp = next_stack();
    if (gp)
        mark_goroutine(gp);
    return gp != NULL;
}

void mark_all_stopped(void)
{
    struct gcw *w = p_self()->gcw;

    mark_roots_prepare();
    while (mark_root_globals())
        ;
    for (struct g *gp = next_stack(); gp; gp = next_stack())
        if ((g_status(gp) & ~(uint32_t)G_SCAN) != G_DEAD && !is_go_call_helper(gp) &&
            !leak_hides(gp))
            mark_stack(w, gp);
    while (mark_queued(w, 1000))
        ;
    leak_settle(w);
}
