/* scanstack.c - what one goroutine refers to: its stack and its struct g.
 *
 * Frames tell which of their words are live pointers. Variables whose address was taken
 * ("stack objects") have no liveness: one of them counts only if a live pointer leads to it,
 * directly or through others. So pointers into the stack are queued while frames are walked
 * (which collects the objects, in order of address), and followed afterwards.
 *
 * A frame under asyncPreempt, and asyncPreempt's own, are read conservatively: any word may
 * be a pointer. What only such words lead to is read conservatively too, after all else. */
#include "gort/gc/mark.h"
#include "arch/x86_64/arch.h"
#include "gort/abi/app.h"
#include "gort/hchan.h"
#include "gort/heap/malloc.h"
#include "gort/heap/mheap.h"
#include "gort/sched/mp.h"
#include "gort/stack/unwind.h"

struct sobj {
    uintptr_t addr;
    uint32_t size, ptr_bytes;
    const uint8_t *mask;   /* NULL once it has been scanned */
};

/* A growing array in pages of the heap, kept by its P for the next stack. */
struct grown { struct mspan *span; size_t n; };

struct stackscan {
    struct gcw *w;
    uintptr_t lo, hi;          /* the stack */
    struct grown objs;         /* struct sobj */
    struct grown ptrs, maybe;  /* uintptr_t: into the stack; certain, and conservative */
};

static struct stackscan scans[CPU_MAX * 4]; /* [owner] by P */

static void *grown_push(struct grown *a, size_t item)
{
    size_t cap = a->span ? a->span->npages * GO_PAGE_SIZE : 0;

    if ((a->n + 1) * item > cap) {
        struct mspan *s = mheap_alloc_manual(cap ? 2 * cap / GO_PAGE_SIZE : 1, &mheap.manual);
        if (!s)
            malloc_out_of_memory(cap);
        if (cap) {
            __builtin_memcpy((void *)s->base, (void *)a->span->base, a->n * item);
            mheap_free_manual(a->span, &mheap.manual);
        }
        a->span = s;
    }
    return (void *)(a->span->base + a->n++ * item);
}

static struct sobj *objects(const struct stackscan *st)
{
    return (struct sobj *)st->objs.span->base;
}

/* ---- pointers ---------------------------------------------------------------------------- */

static void put(struct stackscan *st, uintptr_t v, bool maybe)
{
    if (v >= st->lo && v < st->hi)
        *(uintptr_t *)grown_push(maybe ? &st->maybe : &st->ptrs, sizeof v) = v;
    else if (maybe)
        mark_conservative(st->w, v);
    else
        mark_ptr(st->w, v);
}

static uintptr_t take(struct grown *a)
{
    return a->n ? ((uintptr_t *)a->span->base)[--a->n] : 0;
}

static void put_bits(struct stackscan *st, uintptr_t lo, const struct bitvector *b)
{
    for (int32_t i = 0; i < b->n; i++)
        if (bitvector_get(b, (uint32_t)i))
            put(st, *(uintptr_t *)(lo + (uintptr_t)i * 8), false);
}

static void put_range(struct stackscan *st, uintptr_t lo, uintptr_t hi)
{
    for (lo = (lo + 7) & ~7ul; lo + 8 <= hi; lo += 8)
        put(st, *(uintptr_t *)lo, true);
}

/* ---- frames ------------------------------------------------------------------------------ */

static void add_objects(struct stackscan *st, const struct frame *fr, const struct frame_maps *m)
{
    for (uint64_t i = 0; i < m->nobjs; i++) {
        const struct stack_object_record *r = &m->objs[i];
        uintptr_t addr = frame_object_addr(fr, r);
        if (r->ptr_bytes == 0)
            continue;
        CHECK(st->objs.n == 0 || objects(st)[st->objs.n - 1].addr <= addr,
              "stack object %#lx is out of order", addr);
        *(struct sobj *)grown_push(&st->objs, sizeof(struct sobj)) = (struct sobj){
            addr, (uint32_t)r->size, (uint32_t)r->ptr_bytes, frame_object_mask(fr, r) };
    }
}

static void scan_conservatively(struct stackscan *st, const struct frame *fr)
{
    int32_t args = fr->fn->fn->args;

    put_range(st, fr->sp, fr->varp);
    if (args > 0 && fr->argp + (uintptr_t)args <= st->hi)
        put_range(st, fr->argp, fr->argp + (uintptr_t)args);
}

static void scan_frame(struct stackscan *st, const struct unwinder *u)
{
    const struct frame *fr = &u->frame;
    struct frame_maps m;

    if (unwinder_conservative(u)) {
        scan_conservatively(st, fr);
        return;
    }
    if (fr->continpc == 0)
        return;
    const char *wrong = frame_get_stackmap(fr, &m);
    if (wrong && u->g->at_syscall) { /* assembly below assembly: it need not have maps */
        scan_conservatively(st, fr);
        return;
    }
    CHECK(!wrong, "goroutine %lu at %#lx in %s: %s", u->g->goid, fr->continpc,
          symtab_name(fr->fn), wrong);
    if (m.locals.n > 0)
        put_bits(st, fr->varp - (uintptr_t)m.locals.n * 8, &m.locals);
    if (m.args.n > 0)
        put_bits(st, fr->argp, &m.args);
    add_objects(st, fr, &m);
}

static struct sobj *find_object(const struct stackscan *st, uintptr_t v)
{
    size_t lo = 0, hi = st->objs.n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        struct sobj *o = &objects(st)[mid];
        if (v < o->addr)
            hi = mid;
        else if (v >= o->addr + o->size)
            lo = mid + 1;
        else
            return o;
    }
    return NULL;
}

static void scan_object(struct stackscan *st, uintptr_t v, bool maybe)
{
    struct sobj *o = find_object(st, v);

    if (!o || !o->mask)
        return;
    const uint8_t *mask = o->mask;
    uintptr_t addr = o->addr;
    size_t words = o->ptr_bytes / 8;
    o->mask = NULL;
    for (size_t i = 0; i < words; i++)
        if (maybe || mask[i / 8] >> i % 8 & 1)
            put(st, *(uintptr_t *)(addr + i * 8), maybe);
}

static void follow(struct stackscan *st)
{
    for (;;) {
        uintptr_t v = take(&st->ptrs);
        bool maybe = false;
        if (!v) {
            v = take(&st->maybe);
            maybe = true;
        }
        if (!v)
            return;
        scan_object(st, v, maybe);
    }
}

/* ---- the goroutine ----------------------------------------------------------------------- */

/* Deferred calls, newest first. The records lie on the stack and in the heap, in any order, and
 * a heap object is not scanned for pointers into stacks: so the list is walked, and what hangs
 * on each record is put. */
static void put_defers(struct stackscan *st, const struct g *gp)
{
    for (uintptr_t d = (uintptr_t)gp->defer; d; d = *(uintptr_t *)(d + GO_DEFER_LINK)) {
        put(st, d, false);
        put(st, *(uintptr_t *)(d + GO_DEFER_FN), false);
    }
}

/* What C keeps in the goroutine. Some of it may be left from a wait that is over and point to
 * what has been freed since: such words only count if they lead to an object (`maybe`). */
static void put_fields(struct stackscan *st, struct g *gp)
{
    const void *const sure[] = { gp->sched.ctxt, gp->labels, gp->writebuf.ptr, gp->panic };
    const void *const maybe[] = { gp->param, gp->coroarg, gp->bubble, gp->firing,
                                  gp->sleep_timer };

    for (size_t i = 0; i < sizeof sure / sizeof sure[0]; i++)
        put(st, (uintptr_t)sure[i], false);
    for (size_t i = 0; i < sizeof maybe / sizeof maybe[0]; i++)
        put(st, (uintptr_t)maybe[i], true);
    put_defers(st, gp);
    for (const struct sudog *s = gp->waiting; s; s = s->waitlink) {
        put(st, (uintptr_t)s->elem, true);
        put(st, (uintptr_t)s->c, true);
    }
    /* Vector registers of an asynchronous preemption, not of one that is over. */
    if (gp->async_safe_point && gp->vec && g_is_go(gp))
        put_range(st, (uintptr_t)gp->vec, (uintptr_t)gp->vec + vec_area_size);
    if (gp->at_syscall)
        put_range(st, (uintptr_t)gp->regs, (uintptr_t)(gp->regs + 1));
}

static void put_memory(void *st, uintptr_t lo, uintptr_t hi) { put_range(st, lo, hi); }

void mark_stack(struct gcw *w, struct g *gp)
{
    struct stackscan *st = &scans[p_self()->id];
    struct unwinder u;

    if (!gp->stack.lo)
        return;
    st->w = w;
    st->lo = gp->stack.lo;
    st->hi = gp->stack.hi;
    st->objs.n = st->ptrs.n = st->maybe.n = 0;
    w->scan_work += gp->stack.hi - gp->sched.sp;
    w->scan_stack += gp->stack.hi - gp->sched.sp;
    if (!g_is_go(gp)) {
        gp->kind->memory(gp, put_memory, st);
        put_fields(st, gp);
        st->ptrs.n = st->maybe.n = 0;
        return;
    }
    for (unwinder_init_gate(&u, gp); unwinder_valid(&u); unwinder_next(&u))
        scan_frame(st, &u);
    CHECK(!u.error, "goroutine %lu: %s (%#lx)", gp->goid, u.error, u.bad);
    put_fields(st, gp);
    follow(st);
}
