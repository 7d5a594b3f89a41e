/* check.c - GODEBUG=gccheckmark=1: marking, done again with the world stopped, must not
 * reach an object that concurrent marking has left white.
 *
 * The second marking is the ordinary one, onto fresh bitmaps that take the places of all
 * spans' marks meanwhile. */
#include <string.h>
#include "gort/dying.h"
#include "gort/heap/malloc.h"
#include "gort/heap/mbitmap.h"
#include "gort/gc/final.h"
#include "gort/gc/gc.h"
#include "gort/gc/mark.h"
#include "gort/gc/root.h"
#include "gort/heap/mheap.h"
#include "gort/sched/sched.h"
#include "kernel/print.h"

static size_t words_of(const struct mspan *s) { return (s->nelems + 63) / 64; }

static size_t all_words(void)
{
    size_t n = 0;

    for (size_t page = 0; page < mheap.pages.end;) {
        const struct mspan *s = mheap_next_objects(&page);
        n += s ? words_of(s) : 0;
    }
    return n;
}

/* ---- who refers to it --------------------------------------------------------------------- */

static void report_slot(uintptr_t slot, void *arg)
{
    const uintptr_t *obj = arg;

    if (vm_is_mapped(slot, false) && *(uintptr_t *)slot - obj[0] < obj[1])
        kprintf("runtime:   global %#lx refers to it\n", slot);
}

static void report_referrers(uintptr_t obj, size_t size)
{
    uintptr_t arg[2] = { obj, size };
    struct gc_segment seg;

    for (unsigned i = 0; gc_segment_get(i, &seg); i++)
        gc_segment_slots(&seg, seg.lo, seg.hi, report_slot, arg);
    for (size_t page = 0; page < mheap.pages.end;) {
        struct mspan *s = mheap_next_objects(&page);
        for (unsigned i = 0; s && i < s->nelems; i++) {
            struct ptrs slots;
            uintptr_t base = s->base + i * s->elemsize;
            if (!mspan_marked(s, i))
                continue;
            ptrs_of_object(&slots, s, base, base, base + s->elemsize);
            for (uintptr_t a; (a = ptrs_next(&slots)) != 0;)
                if (*(uintptr_t *)a - obj < size)
                    kprintf("runtime:   slot %#lx of object %#lx, %zu bytes, refers to it\n", a,
                            base, s->elemsize);
        }
        for (struct special *x = s ? s->specials : NULL; x; x = x->next)
            if ((uintptr_t)x->ref - obj < size)
                kprintf("runtime:   a special (kind %u) of %#lx refers to it\n", x->kind,
                        s->base + x->offset);
    }
    for (struct g *gp = allgs; gp; gp = gp->alllink)
        for (uintptr_t a = gp->sched.sp;
             gp->stack.lo && a >= gp->stack.lo && a < gp->stack.hi; a += 8)
            if (*(uintptr_t *)a - obj < size)
                kprintf("runtime:   word %#lx of goroutine %lu's stack (sp %#lx, status %u)\n", a,
                        gp->goid, gp->sched.sp, gp->status);
}

static unsigned compare(const struct mspan *s, const uint64_t *before)
{
    unsigned bad = 0;

    for (unsigned i = 0; i < s->nelems; i++) {
        if (!mspan_marked(s, i) || before[i / 64] >> i % 64 & 1)
            continue;
        if (bad++ < 4)
            kprintf("runtime: checkmarks found unexpected unmarked object obj=%#lx, %zu bytes of "
                    "span %#lx, class %u\n", s->base + i * s->elemsize, s->elemsize, s->base,
                    s->spanclass);
        if (bad <= 4)
            report_referrers(s->base + i * s->elemsize, s->elemsize);
    }
    return bad;
}

void gc_checkmark(void)
{
    struct gcw *w = p_self()->gcw;
    size_t words = all_words(), used = 0, pages = words * 8 / GO_PAGE_SIZE + 1;
    struct mspan *buf = mheap_alloc_manual(pages, &mheap.manual);
    unsigned bad = 0;

    if (!buf)
        malloc_out_of_memory(pages * GO_PAGE_SIZE);
    /* The buffer keeps the marks; the spans' own bitmaps start anew. */
    uint64_t *kept = (uint64_t *)buf->base;
    for (size_t page = 0; page < mheap.pages.end;) {
        struct mspan *s = mheap_next_objects(&page);
        if (!s)
            break;
        memcpy(kept + used, s->gcmark, words_of(s) * 8);
        memset(s->gcmark, 0, words_of(s) * 8);
        used += words_of(s);
    }
    struct gcw before = *w;
    mark_precise_only = true;
    mark_all_stopped();
    mark_precise_only = false;
    CHECK(gcw_empty(w), "grey objects are left by the check%s", "");
    gcw_dispose(w);
    w->bytes_marked = before.bytes_marked;
    w->scan_work = before.scan_work;
    w->scan_stack = before.scan_stack;
    w->scan_globals = before.scan_globals;
    used = 0;
    for (size_t page = 0; page < mheap.pages.end;) {
        struct mspan *s = mheap_next_objects(&page);
        if (!s)
            break;
        bad += compare(s, kept + used);
        memcpy(s->gcmark, kept + used, words_of(s) * 8);
        used += words_of(s);
    }
    mheap_free_manual(buf, &mheap.manual);
    if (bad)
        rt_throw("checkmark found unmarked object");
}
