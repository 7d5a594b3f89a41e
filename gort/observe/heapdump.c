/* heapdump.c - runtime/debug.WriteHeapDump: every object, root and stack, as "go1.7 heap dump"
 * has them (https://go.dev/s/go15heapdump; the records' numbers are src/runtime/heapdump.go's).
 *
 * The dump is put together in memory while the world stands still, and written afterwards by the
 * goroutine that asked (overlay/heapdump.go): so it may go into a pipe that another goroutine
 * empties. All numbers are unsigned LEB128; strings and memory have their length in front. */
#include <string.h>
#include "gort/abi/app.h"
#include "gort/gc/final.h"
#include "gort/gc/root.h"
#include "gort/heap/mbitmap.h"
#include "gort/heap/mheap.h"
#include "gort/observe/mprof.h"
#include "gort/sched/sched.h"
#include "gort/stack/unwind.h"
#include "rt_frames.h"

enum record {
    R_EOF, R_OBJECT, R_OTHER_ROOT, R_TYPE, R_GOROUTINE, R_FRAME, R_PARAMS, R_FINALIZER, R_ITAB,
    R_THREAD, R_MEMSTATS, R_QUEUED_FINALIZER, R_DATA, R_BSS, R_DEFER, R_PANIC, R_MEMPROF, R_SAMPLE,
};
enum { FIELD_END = 0, FIELD_POINTER = 1 };

#define STEP (1ul << 20)

static struct {
    uintptr_t base, size, end, at; /* [stw] reserved range, what is committed of it, and used */
    bool failed;                   /* [stw] no memory: the rest is dropped */
} out;

/* ---- writing ----------------------------------------------------------------------------- */

static void *room(size_t n)
{
    if (out.at + n > out.end) {
        size_t more = (out.at + n - out.end + STEP - 1) & ~(STEP - 1);
        if (out.failed || out.end + more > out.base + out.size || vm_commit(out.end, more) < 0) {
            out.failed = true;
            return NULL;
        }
        out.end += more;
    }
    void *p = (void *)out.at;
    out.at += n;
    return p;
}

static void put(uint64_t v)
{
    uint8_t text[10];
    unsigned n = 0;

    for (; v >= 0x80; v >>= 7)
        text[n++] = (uint8_t)(v | 0x80);
    text[n++] = (uint8_t)v;
    void *p = room(n);
    if (p)
        memcpy(p, text, n);
}

#define PUT(...) put_all((const uint64_t[]){ __VA_ARGS__ },                                   \
                         sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void put_all(const uint64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(v[i]);
}

static void put_raw(const void *p, size_t n)
{
    void *to = n ? room(n) : NULL;

    if (to)
        memcpy(to, p, n);
}

static void put_memory(uintptr_t p, size_t n)
{
    put(n);
    put_raw((const void *)p, n);
}

static void put_text(const char *s) { put_memory((uintptr_t)s, strlen(s)); }

static void put_pointer(uint64_t offset) { PUT(FIELD_POINTER, offset); }

static void put_bits(const struct bitvector *b, uint64_t offset)
{
    for (int32_t i = 0; i < b->n; i++)
        if (bitvector_get(b, (uint32_t)i))
            put_pointer(offset + (uint64_t)i * 8);
}

/* ---- the heap ---------------------------------------------------------------------------- */

/* What an unswept span has not marked is garbage; nothing is allocated from it before its sweep. */
static bool is_live(const struct mspan *s, unsigned i)
{
    bool swept = s->sweep_gen == mheap.sweep_gen || s->sweep_gen == mheap.sweep_gen + 3;

    return !mspan_is_free(s, i) && (swept || mspan_marked(s, i));
}

/* Parts of the memory may have no frames: it is being made, or nobody has touched it. They are
 * zero. */
static void put_sparse_memory(uintptr_t p, size_t n)
{
    put(n);
    for (uintptr_t at = p, end = p + n, next; at < end; at = next) {
        next = (at & ~(PAGE_SIZE - 1)) + PAGE_SIZE;
        next = next < end ? next : end;
        void *to = room(next - at);
        if (to && vm_is_mapped(at, false))
            memcpy(to, (void *)at, next - at);
    }
}

static void put_object_memory(uintptr_t p, size_t n, bool large)
{
    if (large)
        put_sparse_memory(p, n);
    else
        put_memory(p, n);
}

static void put_objects(void)
{
    for (size_t page = 0; page < mheap.pages.end;) {
        const struct mspan *s = mheap_next_objects(&page);
        for (unsigned i = 0; s && i < s->nelems && !out.failed; i++) {
            uintptr_t p = s->base + i * s->elemsize;
            struct ptrs slots;
            if (!is_live(s, i))
                continue;
            PUT(R_OBJECT, p);
            put_object_memory(p, s->elemsize, mspan_is_large(s));
            ptrs_of_object(&slots, s, p, p, p + s->elemsize);
            for (uintptr_t a; (a = ptrs_next(&slots)) != 0;)
                put_pointer(a - p);
            put(FIELD_END);
        }
    }
}

/* ---- goroutines -------------------------------------------------------------------------- */

/* What a frame has to say of the words that its caller keeps for it. */
struct child { uint64_t depth, sp, argoff, arglen; struct bitvector args; bool known; };

static void put_words(uint64_t from, uint64_t to)
{
    for (uint64_t off = from; off < to; off += 8)
        put_pointer(off);
}

static void put_frame(const struct unwinder *u, struct child *c)
{
    const struct frame *fr = &u->frame;
    struct frame_maps m = { 0 };
    bool guess = unwinder_conservative(u);
    bool known = !guess && fr->continpc && !frame_get_stackmap(fr, &m);

    PUT(R_FRAME, fr->sp, c->depth, c->sp);
    put_memory(fr->sp, fr->fp - fr->sp);
    PUT(symtab_entry(fr->fn), fr->pc, fr->continpc);
    put_text(symtab_name(fr->fn));
    if (c->known)
        put_bits(&c->args, c->argoff);
    else
        put_words(c->argoff, c->argoff + c->arglen);
    if (guess)
        put_words(c->arglen, fr->varp - fr->sp);
    else if (known)
        put_bits(&m.locals, fr->varp - (uint64_t)m.locals.n * 8 - fr->sp);
    put(FIELD_END);
    int32_t args = fr->fn->fn->args;
    *c = (struct child){ c->depth + 1, fr->sp, fr->argp - fr->fp, args > 0 ? (uint64_t)args : 0,
                         m.args, known };
}

static void put_defers(const struct g *gp)
{
    uintptr_t d = (uintptr_t)gp->defer;

    for (; d; d = *(uintptr_t *)(d + GO_DEFER_LINK)) {
        uintptr_t fn = *(uintptr_t *)(d + GO_DEFER_FN);
        PUT(R_DEFER, d, (uintptr_t)gp, *(uintptr_t *)(d + GO_DEFER_SP),
            *(uintptr_t *)(d + GO_DEFER_PC), fn, fn ? *(uintptr_t *)fn : 0,
            *(uintptr_t *)(d + GO_DEFER_LINK));
    }
    uintptr_t p = (uintptr_t)gp->panic;
    for (; p; p = *(uintptr_t *)(p + GO_PANIC_LINK)) {
        const uintptr_t *arg = (const uintptr_t *)(p + GO_PANIC_ARG);
        PUT(R_PANIC, p, (uintptr_t)gp, arg[0], arg[1], 0, *(uintptr_t *)(p + GO_PANIC_LINK));
    }
}

static void put_goroutine(const struct g *gp)
{
    bool me = gp == g_calling();
    struct child c = { .known = true };
    struct unwinder u;

    PUT(R_GOROUTINE, (uintptr_t)gp, gp->sched.sp, gp->goid, gp->gopc,
        me ? G_WAITING : g_status(gp) & ~(uint32_t)G_SCAN, gp->system, 0,
        gp->wait_since ? (uint64_t)since_ns(gp->wait_since) : 0);
    put_text(wait_reason_text(me ? WAIT_DUMPING_HEAP : gp->wait_reason));
    PUT((uintptr_t)gp->sched.ctxt, (uintptr_t)gp->m, (uintptr_t)gp->defer, (uintptr_t)gp->panic);
    for (unwinder_init(&u, gp); unwinder_valid(&u); unwinder_next(&u))
        put_frame(&u, &c);
    put_defers(gp);
}

static void put_goroutines(void)
{
    for (const struct g *gp = allgs; gp; gp = gp->alllink) {
        uint32_t status = g_status(gp) & ~(uint32_t)G_SCAN;
        if (status != G_DEAD && status != G_IDLE && g_is_go(gp) && gp->stack.lo)
            put_goroutine(gp);
    }
    for (unsigned i = 0; i < ncpu; i++)
        if (allm[i])
            PUT(R_THREAD, (uintptr_t)allm[i], allm[i]->id, allm[i]->cpu->apic_id);
}

/* ---- roots and profile ------------------------------------------------------------------- */

static void put_slot(uintptr_t slot, void *arg) { put_pointer(slot - *(uintptr_t *)arg); }

/* The record of a finalizer: struct finalizerRec of overlay/mfinal.go. */
struct finalizer { uintptr_t type, fn, object_type; };

static void put_finalizer(enum record kind, uintptr_t p, const struct finalizer *f)
{
    PUT(kind, p, f->fn, f->fn ? *(uintptr_t *)f->fn : 0, f->type, f->object_type);
}

static void put_queued(void *p, void *ref)
{
    if (p)
        put_finalizer(R_QUEUED_FINALIZER, (uintptr_t)p, ref);
}

static void put_roots(void)
{
    struct gc_segment seg;

    for (unsigned i = 0; gc_segment_get(i, &seg); i++) {
        const struct moduledata *md = symtab_first();
        bool bss = false;
        for (; md; md = *moduledata_next(md))
            bss |= seg.lo == md->bss;
        PUT(bss ? R_BSS : R_DATA, seg.lo);
        put_sparse_memory(seg.lo, seg.hi - seg.lo);
        gc_segment_slots(&seg, seg.lo, seg.hi, put_slot, &seg.lo);
        put(FIELD_END);
    }
    for (size_t page = 0; page < mheap.pages.end;) {
        const struct mspan *s = mheap_next_objects(&page);
        for (const struct special *x = s ? s->specials : NULL; x; x = x->next)
            if (x->kind == SPECIAL_FINALIZER)
                put_finalizer(R_FINALIZER, s->base + x->offset, x->ref);
    }
    finq_each(put_queued);
}

static void put_bucket(const struct mprof_bucket *b, const struct mprof_view *v)
{
    PUT(R_MEMPROF, (uintptr_t)b, v->size, v->n);
    for (uint32_t i = 0; i < v->n; i++) {
        struct func_info f;
        const char *file = "?";
        int32_t line = 0;
        if (symtab_find(v->pc[i] - 1, &f)) {
            symtab_line(&f, v->pc[i] - 1, &file, &line);
            put_text(symtab_name(&f));
        } else {
            put_text("?");
        }
        put_text(file);
        put((uint64_t)line);
    }
    PUT(v->allocs, v->frees);
}

static void put_profile(void)
{
    mprof_each(put_bucket);
    for (size_t page = 0; page < mheap.pages.end;) {
        const struct mspan *s = mheap_next_objects(&page);
        for (const struct special *x = s ? s->specials : NULL; x; x = x->next)
            if (x->kind == SPECIAL_PROFILE)
                PUT(R_SAMPLE, s->base + x->offset, (uintptr_t)x->ref);
    }
}

/* ---- all --------------------------------------------------------------------------------- */

/* Address space for anything that a dump can need: an object's word is 8 bytes and, as a pointer,
 * a field of at most 11; a record's head is less than the smallest object's share of that. */
static bool reserve(void)
{
    struct gc_segment seg;
    size_t n = mheap.in_use + mheap.stacks;

    for (unsigned i = 0; gc_segment_get(i, &seg); i++)
        n += seg.hi - seg.lo;
    out.size = (8 * n + (256ul << 20)) & ~(STEP - 1);
    out.base = out.end = out.at = vm_reserve(VM_KERNEL, 0, out.size, PAGE_SIZE);
    out.failed = false;
    return out.base != 0;
}

static void drop(void)
{
    if (!out.base)
        return;
    vm_decommit(out.base, out.end - out.base);
    vm_release(out.base, out.size);
    out.base = 0;
}

/* itabs, stats: records that are the program's part; see overlay/heapdump.go, which also sees to
 * it that there is one dump at a time. */
void rt_heapdump_take(struct heapdump_take_frame *f)
{
    const struct gostring *version = app->go_version;

    f->p = NULL;
    stw_begin(STW_HEAP_DUMP);
    if (reserve()) {
        put_raw("go1.7 heap dump\n", 16);
        PUT(R_PARAMS, 0 /* little-endian */, 8, heap_base,
            heap_base + ((uint64_t)mheap.pages.end << GO_PAGE_SHIFT_));
        put_text("amd64");
        put_memory((uintptr_t)version->ptr, (size_t)version->len);
        put(ncpu);
        put_raw(f->itabs, f->nitabs);
        put_objects();
        put_goroutines();
        put_roots();
        put_raw(f->stats, f->nstats);
        put_profile();
        put(R_EOF);
    }
    stw_end();
    if (out.failed)
        drop();
    if (out.base) {
        f->p = (void *)out.base;
        f->n = out.at - out.base;
    }
}

void rt_heapdump_drop(struct heapdump_drop_frame *f)
{
    (void)f;
    drop();
}
