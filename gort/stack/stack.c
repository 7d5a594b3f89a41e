/* stack.c - goroutine stacks: growth and shrinking by copying. See stack.h. What has to be adjusted
 * in a copy, and by which maps, is after Go's stack.go. */
#include "gort/stack/stack.h"
#include <string.h>
#include "gort/abi/goabi.h"
#include "gort/abi/app.h"
#include "gort/dying.h"
#include "gort/hchan.h"
#include "gort/sched/sched.h"
#include "gort/sched/start.h"
#include "gort/stack/symtab.h"
#include "gort/stack/unwind.h"
#include "kernel/options.h"
#include "kernel/print.h"
#include "mm/mm.h"

#define STACK_DEFAULT_MAX 1000000000ul
#define POISON 0xfc

struct stack_stats stack_stats;
struct stack_hooks stack_hooks;

/* ---- memory ------------------------------------------------------------------------------ */

/* With the boot options that move stacks a freed one is filled with POISON, its second word says
 * that it is (the first links it to the next), and the next owner finds it as it was left. */
static bool poisons(void) { return options.stackstress || options.stackmove; }

static uint64_t tag_of(uintptr_t lo) { return lo ^ 0xf4eed57acc000000ull; }

static void poison(uintptr_t lo, size_t n)
{
    memset((void *)lo, POISON, n);
    ((uint64_t *)lo)[1] = tag_of(lo);
}

void stack_untag(uintptr_t lo)
{
    if (poisons())
        ((uint64_t *)lo)[1] = 0;
}

static void check_poison(uintptr_t lo, size_t n)
{
    const uint64_t *w = (const uint64_t *)lo;

    if (w[1] != tag_of(lo))
        return;
    for (size_t i = 2; i < n / 8; i++)
        CHECK(w[i] == 0x0101010101010101ull * POISON,
              "freed stack [%#lx, %#lx) was written to: %#lx at %#lx", lo, lo + n, w[i],
              (uintptr_t)&w[i]);
    stack_untag(lo);
}

struct stack stack_alloc(size_t size)
{
    size_t n = STACK_MIN;

    while (n < size)
        n *= 2;
    uintptr_t lo = stack_hooks.alloc(n);
    if (!lo)
        return (struct stack){ 0, 0 };
    if (poisons())
        check_poison(lo, n);
    __atomic_add_fetch(&stack_stats.inuse_bytes, n, __ATOMIC_RELAXED);
    return (struct stack){ lo, lo + n };
}

void stack_free(struct stack s)
{
    size_t n = s.hi - s.lo;

    CHECK(n >= STACK_MIN && (n & (n - 1)) == 0, "free of stack [%#lx, %#lx)", s.lo, s.hi);
    if (poisons())
        poison(s.lo, n);
    __atomic_sub_fetch(&stack_stats.inuse_bytes, n, __ATOMIC_RELAXED);
    stack_hooks.free(s.lo, n);
}

/* ---- adjusting pointers into the old stack ----------------------------------------------- */

struct adjust {
    struct stack old;
    uintptr_t delta;   /* new.hi - old.hi */
    uintptr_t sudog_hi; /* below it (new address), a channel may write at any time: use CAS */
    const struct g *gp;
};

static void adjust_word(const struct adjust *a, void *at)
{
    uintptr_t *p = at;

    if (*p >= a->old.lo && *p < a->old.hi)
        *p += a->delta;
}

/* A slot into which a concurrent send may be writing. What is sent cannot point into this
 * stack, so losing the race means that there is nothing to adjust. */
static void adjust_word_atomic(const struct adjust *a, uintptr_t *p)
{
    uintptr_t v = __atomic_load_n(p, __ATOMIC_RELAXED);

    while (v >= a->old.lo && v < a->old.hi)
        if (__atomic_compare_exchange_n(p, &v, v + a->delta, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
            return;
}

/* A pointer map says pointer, the word says small number: the map is of another place than the
 * code, or somebody has written over the stack. */
static void check_pointer(const struct frame *fr, uintptr_t at, uintptr_t v)
{
    if (v != 0 && v < GO_MIN_LEGAL_POINTER)
        rt_throw("invalid pointer found on stack: %#lx at %#lx in frame of %s, pc %#lx", v, at,
                 symtab_name(fr->fn), fr->pc);
}

static void adjust_bits(const struct adjust *a, const struct frame *fr, uintptr_t base,
                        const struct bitvector *bv, bool check)
{
    bool racy = base < a->sudog_hi;

    for (int32_t i = 0; i < bv->n; i += 8) {
        for (unsigned b = bv->bytedata[i / 8]; b; b &= b - 1) {
            uintptr_t *p = (uintptr_t *)base + i + __builtin_ctz(b);
            if (check)
                check_pointer(fr, (uintptr_t)p, *p);
            if (racy)
                adjust_word_atomic(a, p);
            else
                adjust_word(a, p);
        }
    }
}

static void adjust_objects(const struct adjust *a, const struct frame *fr,
                           const struct frame_maps *maps)
{
    for (uint64_t i = 0; i < maps->nobjs; i++) {
        const struct stack_object_record *o = &maps->objs[i];
        uintptr_t at = frame_object_addr(fr, o);
        if (at < fr->sp) /* not there yet: the frame is still in its prologue */
            continue;
        const uint8_t *mask = frame_object_mask(fr, o);
        for (int32_t w = 0; w < o->ptr_bytes / 8; w++)
            if ((mask[w / 8] >> (w % 8)) & 1)
                adjust_word(a, (uintptr_t *)at + w);
    }
}

static void adjust_frame(const struct adjust *a, const struct unwinder *u)
{
    const struct frame *fr = &u->frame;
    struct frame_maps maps;

    if (unwinder_conservative(u))
        rt_throw("stack of goroutine %lu moved under asyncPreempt", a->gp->goid);
    if (fr->argp - fr->varp == 16) /* the caller's rbp */
        adjust_word(a, (void *)fr->varp);
    const char *err = frame_get_stackmap(fr, &maps);
    if (err)
        rt_throw("%s: frame of %s, pc %#lx", err, symtab_name(fr->fn), fr->pc);
    if (maps.locals.n > 0)
        adjust_bits(a, fr, fr->varp - (uintptr_t)maps.locals.n * 8, &maps.locals, true);
    if (maps.args.n > 0)
        adjust_bits(a, fr, fr->argp, &maps.args, false);
    adjust_objects(a, fr, &maps);
}

/* Deferred calls: records on the stack and in the heap, linked together. Their sp is not a
 * pointer to the compiler, so no map knows it. */
static void adjust_defers(const struct adjust *a, struct g *gp)
{
    adjust_word(a, &gp->defer);
    for (uint8_t *d = (uint8_t *)gp->defer; d; d = *(uint8_t **)(d + GO_DEFER_LINK)) {
        adjust_word(a, d + GO_DEFER_FN);
        adjust_word(a, d + GO_DEFER_SP);
        adjust_word(a, d + GO_DEFER_LINK);
    }
}

/* Everything else of a g that may point into its stack. Panics live on the stack and are
 * adjusted with their frames; only the head is here. */
static void adjust_g(const struct adjust *a, struct g *gp)
{
    adjust_word(a, &gp->sched.ctxt);
    adjust_word(a, &gp->sched.bp);
    adjust_word(a, &gp->panic);
    adjust_word(a, &gp->param);
    adjust_word(a, &gp->coroarg);
    adjust_word(a, &gp->writebuf.ptr);
    adjust_defers(a, gp);
}

static void adjust_sudogs(const struct adjust *a, struct g *gp)
{
    for (struct sudog *s = gp->waiting; s; s = s->waitlink)
        adjust_word(a, &s->elem);
}

/* While gp waits on channels, others may send into its stack through sudog.elem at any time.
 * Holding all those channels' locks (gp->waiting is in lock order; a channel's sudogs stand
 * together) moves the slots and the elems in one step. Returns how many bytes of the new
 * stack's bottom are copied already. */
static size_t copy_with_channels(struct adjust *a, struct g *gp, size_t used)
{
    uintptr_t bottom = a->old.hi - used;
    struct hchan *last = NULL;
    uintptr_t top = 0;

    for (struct sudog *s = gp->waiting; s; s = s->waitlink) {
        if (s->c && s->c != last)
            lock(&s->c->lock);
        last = s->c ? s->c : last;
        uintptr_t end = (uintptr_t)s->elem + (s->c ? s->c->elemsize : 0);
        if ((uintptr_t)s->elem >= bottom && (uintptr_t)s->elem < a->old.hi && end > top)
            top = end;
    }
    adjust_sudogs(a, gp);
    size_t done = 0;
    if (top) {
        done = top - bottom;
        a->sudog_hi = top + a->delta;
        memcpy((void *)(bottom + a->delta), (void *)bottom, done);
    }
    last = NULL;
    for (struct sudog *s = gp->waiting; s; s = s->waitlink) {
        if (s->c && s->c != last)
            unlock(&s->c->lock);
        last = s->c ? s->c : last;
    }
    return done;
}

static void adjust_frames(const struct adjust *a, struct g *gp)
{
    struct unwinder u;

    for (unwinder_init_gate(&u, gp); unwinder_valid(&u); unwinder_next(&u))
        adjust_frame(a, &u);
    if (u.error)
        rt_throw("stack of goroutine %lu cannot be walked: %s: %#lx", gp->goid, u.error, u.bad);
}

/* For the CPU profile: the old stack stays as it is until it is freed. */
static void moving_set(const struct g *gp, struct stack st)
{
    struct m *mp = m_self();

    mp->moving.pc = gp->sched.pc;
    mp->moving.sp = gp->sched.sp;
    __asm__ volatile("" ::: "memory"); /* towards this CPU's interrupts */
    mp->moving.stack = st;
    __asm__ volatile("" ::: "memory");
}

/* A stack may be moved only while its goroutine stands still: in a gate of its own, or with G_SCAN
 * set by the collector. The stack of a goroutine in a system call belongs to the call. */
static bool stack_is_held(const struct g *gp)
{
    uint32_t s = g_status(gp);

    return s == G_COPYSTACK || ((s & G_SCAN) && (s & ~(uint32_t)G_SCAN) != G_SYSCALL);
}

static void copy_to(struct g *gp, struct stack new)
{
    struct stack old = gp->stack;
    size_t used = old.hi - gp->sched.sp;

    CHECK(stack_is_held(gp), "goroutine %lu: its stack is moved in status %#x", gp->goid,
          gp->status);
    CHECK(gp->sched.sp >= old.lo && gp->sched.sp <= old.hi &&
              used + STACK_GUARD <= new.hi - new.lo,
          "copy of stack [%#lx, %#lx) at sp %#lx to %zu bytes", old.lo, old.hi, gp->sched.sp,
          new.hi - new.lo);
    struct adjust a = { .old = old, .delta = new.hi - old.hi, .gp = gp };
    size_t done = 0;
    moving_set(gp, old);
    if (gp->active_stack_chans)
        done = copy_with_channels(&a, gp, used);
    else
        adjust_sudogs(&a, gp);
    memcpy((void *)(new.hi - used + done), (void *)(old.hi - used + done), used - done);
    adjust_g(&a, gp);
    gp->stack = new;
    gp->sched.sp = new.hi - used;
    __atomic_store_n(&gp->stackguard0, new.lo + STACK_GUARD, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&gp->preempt, __ATOMIC_SEQ_CST)) /* do not lose the request */
        __atomic_store_n(&gp->stackguard0, STACK_PREEMPT, __ATOMIC_SEQ_CST);
    adjust_frames(&a, gp);
    __atomic_add_fetch(&stack_stats.copied_bytes, used, __ATOMIC_RELAXED);
    moving_set(gp, (struct stack){ 0 });
    stack_free(old);
}

bool stack_copy(struct g *gp, size_t newsize)
{
    struct stack new = stack_alloc(newsize);

    if (new.lo)
        copy_to(gp, new);
    return new.lo != 0;
}

/* ---- growing ----------------------------------------------------------------------------- */

/* The program's limit (debug.SetMaxStack), and never more than twice the default. */
static size_t max_size(void)
{
    size_t max = app && app->maxstacksize ? *app->maxstacksize : STACK_DEFAULT_MAX;

    return max < 2 * STACK_DEFAULT_MAX ? max : 2 * STACK_DEFAULT_MAX;
}

/* A stack that has got this big and finds no more memory is an endless recursion too, on a
 * machine with less memory than the limit. */
#define STACK_LARGE (16ul << 20)

static _Noreturn void overflow(const struct g *gp, size_t max)
{
    kprintf("runtime: goroutine stack exceeds %zu-byte limit\n", max);
    kprintf("runtime: sp=%#lx stack=[%#lx, %#lx]\n", gp->sched.sp - 8, gp->stack.lo,
            gp->stack.hi);
    rt_throw("stack overflow");
}

/* Whoever holds a mutex of the runtime, or is allocating, must come to its end first: it is
 * asked again at the next interrupt. */
static bool may_preempt(const struct g *gp)
{
    const struct m *mp = gp->m;

    return mp && mp->locks == 0 && mp->mallocing == 0 && cpu_self()->p;
}

/* Once, and nobody that collection itself may wait for. */
static bool may_wait(const struct g *gp)
{
    return !gp->wanted_memory && may_preempt(gp) && (!gp->system || gp->runs_user);
}

static void grow(struct g *gp)
{
    size_t used = gp->stack.hi - gp->sched.sp;
    size_t size = 2 * (gp->stack.hi - gp->stack.lo);
    size_t max = max_size();
    struct func_info f;

    if (symtab_find(gp->sched.pc, &f)) { /* a big frame: save the steps in between */
        size_t needed = (size_t)symtab_max_spdelta(&f) + STACK_GUARD;
        while (size - used < needed)
            size *= 2;
    }
    if (size > max)
        overflow(gp, max);
    struct stack new = stack_alloc(size);
    if (!new.lo && may_wait(gp))
        stack_hooks.wait_for_memory(gp); /* morestack comes again */
    if (!new.lo && size > STACK_LARGE) {
        kprintf("runtime: no memory for a goroutine stack of %zu bytes\n", size);
        overflow(gp, size / 2);
    }
    if (!new.lo)
        stack_hooks.out_of_memory(size);
    gp->wanted_memory = false;
    start_grew(gp);
    g_status_set(gp, G_RUNNING, G_COPYSTACK);
    copy_to(gp, new);
    g_status_set(gp, G_COPYSTACK, G_RUNNING);
    __atomic_add_fetch(&stack_stats.grown, 1, __ATOMIC_RELAXED);
}

static void preempted(struct g *gp)
{
    if (options.stackstress) {
        g_status_set(gp, G_RUNNING, G_COPYSTACK);
        if (!stack_shrink(gp))
            stack_move(gp);
        g_status_set(gp, G_COPYSTACK, G_RUNNING);
    }
    g_preempt_g0(gp);
}

void rt_newstack(struct g *gp)
{
    CHECK(gp->stack.lo && g_is_go(gp), "morestack of goroutine %lu without a Go stack", gp->goid);
    uintptr_t guard = __atomic_load_n(&gp->stackguard0, __ATOMIC_SEQ_CST);
    if (gp->sched.sp - 8 < gp->stack.lo) {
        kprintf("runtime: split stack overflow: %#lx < %#lx\n", gp->sched.sp - 8, gp->stack.lo);
        rt_throw("runtime: split stack overflow");
    }
    if (guard != STACK_PREEMPT) {
        grow(gp);
        return;
    }
    if (may_preempt(gp))
        preempted(gp); /* does not return */
    __atomic_store_n(&gp->stackguard0, gp->stack.lo + STACK_GUARD, __ATOMIC_SEQ_CST);
}

/* ---- shrinking --------------------------------------------------------------------------- */

bool stack_movable(const struct g *gp)
{
    uint32_t s = __atomic_load_n(&gp->status, __ATOMIC_ACQUIRE) & ~(uint32_t)G_SCAN;

    if (!g_is_go(gp) || !gp->stack.lo || s == G_SYSCALL || s == G_DEAD || s == G_IDLE)
        return false;
    return !gp->async_safe_point;
}

bool stack_shrink(struct g *gp)
{
    size_t size = gp->stack.hi - gp->stack.lo;
    size_t used = gp->stack.hi - gp->sched.sp + GO_STACK_NOSPLIT;

    if (!stack_movable(gp) || size / 2 < GO_STACK_FIXED || used >= size / 4)
        return false;
    if (app && app->debug->gcshrinkstackoff)
        return false;
    if (!stack_copy(gp, size / 2))
        return false;
    __atomic_add_fetch(&stack_stats.shrunk, 1, __ATOMIC_RELAXED);
    return true;
}

/* No pointer into the old stack may survive, whoever has it. */
bool stack_move(struct g *gp)
{
    size_t size = gp->stack.hi - gp->stack.lo;

    return stack_movable(gp) && gp->stack.hi - gp->sched.sp + STACK_GUARD <= size &&
           stack_copy(gp, size);
}
