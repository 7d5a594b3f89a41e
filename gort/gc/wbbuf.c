/* wbbuf.c - write barriers: one pointer (through buffers), and whole ranges. */
#include "gort/abi/leaf.h"
#include "gort/g.h"
#include "gort/gc/gc.h"
#include "gort/gc/root.h"
#include "gort/gc/wbbuf.h"
#include "gort/heap/mbitmap.h"
#include "gort/heap/mheap.h"
#include "gort/sched/mp.h"
#include "rt_frames.h"

/* gort/overlay/wb_amd64.s has the number. */
_Static_assert(offsetof(struct p, wbbuf) == P_WBBUF, "overlay/wb_amd64.s: P_WBBUF");
_Static_assert(offsetof(struct cpu, p) == 48 && offsetof(struct cpu, g0_sp) == 16, "cpu.h");

static void reset(struct wbbuf *b)
{
    b->next = (uintptr_t)b->buf;
    b->end = (uintptr_t)(b->buf + WBBUF_ENTRIES);
}

void wbbuf_init(struct p *p)
{
    p->wbbuf = persistent_alloc(sizeof *p->wbbuf, 64, &mheap.meta_other);
    reset(p->wbbuf);
}

void wbbuf_flush(struct p *p)
{
    struct wbbuf *b = p->wbbuf;
    uintptr_t *end = (uintptr_t *)b->next;

    if (gc.phase != GC_OFF)
        for (uintptr_t *x = b->buf; x < end; x++)
            gc_shade((void *)*x);
    reset(b);
}

void wb_flush_leaf(void) { wbbuf_flush(p_self()); }

static inline void put(struct wbbuf *b, uintptr_t v)
{
    if (v == 0)
        return;
    if (b->next == b->end)
        wbbuf_flush(p_self());
    *(uintptr_t *)b->next = v;
    b->next += 8;
}

struct bulk { uintptr_t dst, src; };

static void record_slot(uintptr_t slot, void *arg)
{
    const struct bulk *k = arg;
    struct wbbuf *b = p_self()->wbbuf;

    put(b, *(uintptr_t *)slot);
    if (k->src)
        put(b, *(uintptr_t *)(slot - k->dst + k->src));
}

/* [dst, dst + size) is about to be overwritten from src (0: cleared): shades old and new
 * pointers. typ: what dst starts with a whole value of, or NULL. Stacks need no barrier: they
 * are scanned (or have been, and then what they lose was shaded when they were). */
void wb_bulk(uintptr_t dst, uintptr_t src, size_t size, const struct go_type *typ)
{
    struct ptrs slots;

#ifdef GORT_OMIT_BULK_BARRIER /* build/gort-nobarrier.elf: the check modes must notice */
    return;
#endif
    if (!gc.barrier || ((dst | src | size) & 7) != 0)
        return;
    struct mspan *s = mheap_span_of(dst);
    if (!s) {
        struct gc_segment seg;
        if (!gc_segment_of(dst, &seg))
            return;
        struct bulk b = { dst, src };
        gc_segment_slots(&seg, dst, dst + size, record_slot, &b);
        return;
    }
    s = mheap_object_span(dst);
    if (!s || mspan_noscan(s))
        return;
    if (typ)
        ptrs_of_type(&slots, typ, dst, dst, dst + size);
    else
        ptrs_of_object(&slots, s, s->base + mspan_index(s, dst) * s->elemsize, dst, dst + size);
    struct bulk b = { dst, src };
    for (uintptr_t a; (a = ptrs_next(&slots)) != 0;)
        record_slot(a, &b);
}

void rt_wb_shade(struct wb_shade_frame *f)
{
    gc_shade(f->old);
    gc_shade(f->new);
}
