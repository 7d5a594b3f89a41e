/* final.c - finalizers, cleanups, weak pointers: final.h. */
#include "gort/gc/final.h"
#include "gort/g.h"
#include "gort/heap/hooks.h"
#include "gort/heap/mbitmap.h"
#include "gort/gc/metrics.h"
#include "gort/gc/gc.h"
#include "gort/heap/mheap.h"
#include "gort/sched/sched.h"
#include "rt_frames.h"

/* ---- the queue --------------------------------------------------------------------------- */

struct queued { struct queued *next; void *p, *ref; };

/* Finalizers and cleanups each have a goroutine that calls them: one that blocks does not hold up
 * the other kind. */
static struct lock finq_lock = LOCK_INIT("finq", RANK_FINALIZER);
static struct finq {
    struct queued *first, **last;  /* [finq_lock] last: NULL before the first use */
    struct g *waiting;             /* [finq_lock] the goroutine that serves, parked */
    struct g *server;              /* [finq_lock] that goroutine, once it has asked */
    void *handed[2];               /* [the CPU that readies the server, then the server] roots: what
                                      it is given by who wakes it */
} finqs[2];
enum { FINQ_FINALIZERS, FINQ_CLEANUPS }; /* overlay/mfinal.go has these numbers */

static struct queued *queued_free;  /* [finq_lock] */
static struct special *special_free;/* [finq_lock] */
static uint64_t cleanup_ids;        /* [atomic] */

/* Structures come in batches: persistent memory must not be asked for under finq_lock. */
static struct queued *queued_new(void)
{
    lock(&finq_lock);
    struct queued *q = queued_free;
    if (q)
        queued_free = q->next;
    unlock(&finq_lock);
    return q ? q : persistent_alloc(sizeof *q, 8, &mheap.meta_other);
}

static void finq_put(void *p, void *ref)
{
    struct queued *q = queued_new();
    struct finq *f = &finqs[p ? FINQ_FINALIZERS : FINQ_CLEANUPS];

    __atomic_add_fetch(p ? &gc_metrics.finalizers_queued : &gc_metrics.cleanups_queued, 1,
                       __ATOMIC_RELAXED);
    *q = (struct queued){ NULL, p, ref };
    lock(&finq_lock);
    if (!f->first)
        f->last = &f->first;
    *f->last = q;
    f->last = &q->next;
    unlock(&finq_lock);
}

void finq_each(void (*fn)(void *p, void *ref))
{
    lock(&finq_lock);
    for (unsigned i = 0; i < 2; i++)
        for (const struct queued *q = finqs[i].first; q; q = q->next)
            fn(q->p, q->ref);
    unlock(&finq_lock);
}

static bool finq_get(struct finq *f, void **p, void **ref)
{
    lock(&finq_lock);
    struct queued *q = f->first;
    if (q) {
        *p = q->p;
        *ref = q->ref;
        f->first = q->next;
        q->next = queued_free;
        queued_free = q;
    }
    unlock(&finq_lock);
    /* Served at once by the goroutine that asks. */
    if (q)
        __atomic_add_fetch(*p ? &gc_metrics.finalizers_run : &gc_metrics.cleanups_run, 1,
                           __ATOMIC_RELAXED);
    return q != NULL;
}

/* Results are not in the gate's pointer map, so q->handed stays a root until the server asks for
 * more. */
static void server_woken(struct g *gp)
{
    struct finq *q = &finqs[gp->wake_result];
    struct finq_take_frame *f = g_gate_frame(gp);

    f->p = q->handed[0];
    f->rec = q->handed[1];
}

static void wake_server(struct finq *q)
{
    struct g *gp = NULL;

    if (!__atomic_load_n(&q->waiting, __ATOMIC_RELAXED))
        return;
    lock(&finq_lock);
    if (q->first) {
        gp = q->waiting;
        q->waiting = NULL;
    }
    unlock(&finq_lock);
    if (!gp)
        return;
    CHECK(finq_get(q, &q->handed[0], &q->handed[1]), "the finalizer queue became empty%s", "");
    gc_shade(q->handed[0]);
    gc_shade(q->handed[1]);
    gp->runs_user = true;
    g_wake_with(gp, server_woken, (uint64_t)(q - finqs));
    g_ready(gp);
}

/* Wakes the servers that there is something for. No locks held: sweeping calls this from
 * wherever allocation happens, so it may hold the P but nothing else. */
void finq_wake(void)
{
    wake_server(&finqs[FINQ_FINALIZERS]);
    wake_server(&finqs[FINQ_CLEANUPS]);
}

void rt_finq_take(struct finq_take_frame *f)
{
    struct g *gp = g_calling();
    struct finq *q = &finqs[f->queue];

    q->handed[0] = q->handed[1] = NULL;
    gp->runs_user = false;
    lock(&finq_lock);
    q->server = gp;
    unlock(&finq_lock);
    while (!finq_get(q, &f->p, &f->rec)) {
        lock(&finq_lock);
        if (!q->first) {
            q->waiting = gp;
            g_park_g0(gp, &finq_lock, WAIT_FINALIZER);
        }
        unlock(&finq_lock);
    }
    gp->runs_user = true; /* what it calls is to be seen in tracebacks */
}

/* Have all cleanups that were queued been called? */
void rt_finq_idle(struct finq_idle_frame *f)
{
    const struct finq *q = &finqs[FINQ_CLEANUPS];

    lock(&finq_lock);
    f->idle = !q->first && q->waiting;
    unlock(&finq_lock);
}

static bool server_busy(const struct finq *q, const struct g *caller)
{
    if (!q->server)
        return q->first != NULL;
    uint32_t s = g_status(q->server);
    return q->server != caller && s != G_WAITING && s != G_SYSCALL;
}

/* Is there something to call, which is not held up by anything but the want of a CPU? Not for
 * a caller that is the server itself. */
void rt_finq_busy(struct finq_busy_frame *f)
{
    struct g *gp = g_calling();

    lock(&finq_lock);
    f->busy = server_busy(&finqs[FINQ_FINALIZERS], gp) || server_busy(&finqs[FINQ_CLEANUPS], gp);
    unlock(&finq_lock);
}

void finq_mark(void)
{
    for (unsigned i = 0; i < 2; i++) {
        lock(&finq_lock);
        for (struct queued *q = finqs[i].first; q; q = q->next) {
            gc_shade(q->p);
            gc_shade(q->ref);
        }
        unlock(&finq_lock);
        gc_shade(finqs[i].handed[0]);
        gc_shade(finqs[i].handed[1]);
    }
}

/* ---- attaching --------------------------------------------------------------------------- */

static struct special *special_new(enum special_kind kind, void *ref)
{
    lock(&finq_lock);
    struct special *x = special_free;
    if (x)
        special_free = x->next;
    unlock(&finq_lock);
    if (!x)
        x = persistent_alloc(sizeof *x, 8, &mheap.meta_other);
    *x = (struct special){ .kind = (uint8_t)kind, .ref = ref };
    return x;
}

/* It hangs at no span any more; s is where it hung, NULL if nowhere. */
static void special_release(struct mspan *s, struct special *x)
{
    if (s)
        __atomic_sub_fetch(mheap_specials_at(s->base), 1, __ATOMIC_RELAXED);
    lock(&finq_lock);
    x->next = special_free;
    special_free = x;
    unlock(&finq_lock);
}

/* Where (offset, kind) stands or belongs. */
static struct special **find(struct mspan *s, uintptr_t offset, uint8_t kind)
{
    struct special **at = &s->specials;

    while (*at && ((*at)->offset < offset || ((*at)->offset == offset && (*at)->kind < kind)))
        at = &(*at)->next;
    return at;
}

static bool is_at(const struct special *x, uintptr_t offset, uint8_t kind)
{
    return x && x->offset == offset && x->kind == kind;
}

/* Sweeping walks the list without the lock: so the span must be swept first. Returns the span
 * of p, swept; this CPU is in a gate, so no cycle can begin until it leaves. */
static struct mspan *swept_span(uintptr_t p)
{
    struct mspan *s = mheap_object_span(p);

    if (s)
        sweep_ensure(s);
    return s;
}

/* What is attached while marking may come after its span's roots were marked. */
static void mark_added(struct mspan *s, uintptr_t p, const struct special *x);

static void attach(struct mspan *s, uintptr_t p, struct special *x)
{
    struct special **at = find(s, p - s->base, x->kind);

    __atomic_add_fetch(mheap_specials_at(s->base), 1, __ATOMIC_SEQ_CST);
    x->offset = p - s->base;
    x->next = *at;
    __atomic_store_n(at, x, __ATOMIC_RELEASE);
}

void rt_finalizer_add(struct finalizer_add_frame *f)
{
    uintptr_t p = (uintptr_t)f->p;
    struct mspan *s = swept_span(p);
    struct special *x = special_new(SPECIAL_FINALIZER, f->rec);

    CHECK(s, "finalizer for %p", f->p);
    lock(&s->special_lock);
    f->ok = !is_at(*find(s, p - s->base, SPECIAL_FINALIZER), p - s->base, SPECIAL_FINALIZER);
    if (f->ok)
        attach(s, p, x);
    unlock(&s->special_lock);
    if (f->ok)
        mark_added(s, p, x);
    else
        special_release(NULL, x);
}

void special_add_profile(uintptr_t p, struct mprof_bucket *b)
{
    struct mspan *s = swept_span(p);
    struct special *x = special_new(SPECIAL_PROFILE, b);

    lock(&s->special_lock);
    attach(s, p, x);
    unlock(&s->special_lock);
}

void rt_finalizer_remove(struct finalizer_remove_frame *f)
{
    uintptr_t p = (uintptr_t)f->p;
    struct mspan *s = swept_span(p);
    struct special *x = NULL;

    if (!s)
        return;
    lock(&s->special_lock);
    struct special **at = find(s, p - s->base, SPECIAL_FINALIZER);
    if (is_at(*at, p - s->base, SPECIAL_FINALIZER)) {
        x = *at;
        *at = x->next;
    }
    unlock(&s->special_lock);
    if (x)
        special_release(s, x);
}

void rt_cleanup_add(struct cleanup_add_frame *f)
{
    uintptr_t p = (uintptr_t)f->p;
    struct mspan *s = swept_span(p);
    struct special *x = special_new(SPECIAL_CLEANUP, f->fn);

    CHECK(s, "cleanup for %p", f->p);
    x->id = f->id = __atomic_add_fetch(&cleanup_ids, 1, __ATOMIC_RELAXED);
    lock(&s->special_lock);
    attach(s, p, x);
    unlock(&s->special_lock);
    mark_added(s, p, x);
}

void rt_cleanup_stop(struct cleanup_stop_frame *f)
{
    struct mspan *s = swept_span(f->p);
    struct special *x = NULL;

    if (!s)
        return;
    lock(&s->special_lock);
    struct special **at = find(s, f->p - s->base, SPECIAL_CLEANUP);
    while (is_at(*at, f->p - s->base, SPECIAL_CLEANUP) && (*at)->id != f->id)
        at = &(*at)->next;
    if (is_at(*at, f->p - s->base, SPECIAL_CLEANUP)) {
        x = *at;
        *at = x->next;
    }
    unlock(&s->special_lock);
    if (x)
        special_release(s, x);
}

/* ---- weak pointers --------------------------------------------------------------------------
 *
 * A weak pointer is a pointer to a handle: one word without pointers in the collector's eyes,
 * that holds the address while the object lives. */

/* Handles of global variables: for ever, outside of the heap. */
struct immortal { struct immortal *next; uintptr_t p; uint64_t handle; };
static struct lock immortal_lock = LOCK_INIT("immortal", RANK_SPECIAL);
static struct immortal *immortals; /* [immortal_lock] */

static void *immortal_handle(uintptr_t p)
{
    lock(&immortal_lock);
    struct immortal *i = immortals;
    while (i && i->p != p)
        i = i->next;
    if (!i) {
        i = persistent_alloc(sizeof *i, 8, &mheap.meta_other);
        *i = (struct immortal){ immortals, p, p };
        immortals = i;
    }
    unlock(&immortal_lock);
    return &i->handle;
}

void rt_weak_handle(struct weak_handle_frame *f)
{
    uintptr_t p = (uintptr_t)f->p;
    struct mspan *s = swept_span(p);

    if (!s) {
        f->handle = immortal_handle(p);
        return;
    }
    struct special *x = f->fresh ? special_new(SPECIAL_WEAK, f->fresh) : NULL;
    lock(&s->special_lock);
    struct special **at = find(s, p - s->base, SPECIAL_WEAK);
    if (is_at(*at, p - s->base, SPECIAL_WEAK)) {
        f->handle = (*at)->ref;
    } else if (x) {
        *(uintptr_t *)f->fresh = p;
        attach(s, p, x);
        f->handle = f->fresh;
    } else {
        f->handle = NULL;
    }
    unlock(&s->special_lock);
    if (x && f->handle == f->fresh)
        mark_added(s, p, x);
    else if (x)
        special_release(NULL, x);
    gc_shade(f->handle);
}

void rt_weak_strong(struct weak_strong_frame *f)
{
    const uintptr_t *handle = f->handle;
    uintptr_t p = handle ? __atomic_load_n(handle, __ATOMIC_ACQUIRE) : 0;

    f->p = NULL;
    if (p == 0)
        return;
    /* An object that was not marked is dead, though its span waits for its sweep. */
    if (swept_span(p))
        p = __atomic_load_n(handle, __ATOMIC_ACQUIRE);
    f->p = (void *)p;
    gc_shade(f->p);
}

/* ---- the collector's side ---------------------------------------------------------------- */

static void mark_special(struct mspan *s, uintptr_t p, const struct special *x)
{
    gc_shade(x->ref);
    if (x->kind != SPECIAL_FINALIZER)
        return;
    struct ptrs slots;
    uintptr_t base = s->base + mspan_index(s, p) * s->elemsize;
    ptrs_of_object(&slots, s, base, base, base + s->elemsize);
    for (uintptr_t a; (a = ptrs_next(&slots)) != 0;)
        gc_shade(*(void **)a);
}

static void mark_added(struct mspan *s, uintptr_t p, const struct special *x)
{
    if (gc.phase != GC_OFF)
        mark_special(s, p, x);
}

void specials_mark(struct mspan *s)
{
    lock(&s->special_lock);
    for (struct special *x = s->specials; x; x = x->next)
        mark_special(s, s->base + x->offset, x);
    unlock(&s->special_lock);
}

static bool has_finalizer(const struct special *x, const struct mspan *s, unsigned index)
{
    for (; x && mspan_index(s, s->base + x->offset) == index; x = x->next)
        if (x->kind == SPECIAL_FINALIZER)
            return true;
    return false;
}

/* Object `index` is dead; *at is its first special. With a finalizer it lives once more:
 * its cleanups stay; weak pointers do not see it again all the same (package weak says so).
 * Returns where the next object's specials begin. */
static struct special **serve_dead(struct mspan *s, struct special **at, unsigned index)
{
    bool final = has_finalizer(*at, s, index);
    struct special *x;

    if (final)
        mspan_mark(s, index);
    while ((x = *at) && mspan_index(s, s->base + x->offset) == index) {
        if (final && (x->kind == SPECIAL_CLEANUP || x->kind == SPECIAL_PROFILE)) {
            at = &x->next;
            continue;
        }
        *at = x->next;
        if (x->kind == SPECIAL_FINALIZER)
            finq_put((void *)(s->base + x->offset), x->ref);
        else if (x->kind == SPECIAL_CLEANUP)
            finq_put(NULL, x->ref);
        else if (x->kind == SPECIAL_PROFILE)
            heap_hooks.sampled_freed(x->ref, s->elemsize);
        else
            __atomic_store_n((uintptr_t *)x->ref, 0, __ATOMIC_RELEASE);
        special_release(s, x);
    }
    return at;
}

void specials_sweep(struct mspan *s)
{
    struct special **at = &s->specials;

    while (*at) {
        unsigned index = mspan_index(s, s->base + (*at)->offset);
        if (mspan_marked(s, index))
            at = &(*at)->next;
        else
            at = serve_dead(s, at, index);
    }
}
