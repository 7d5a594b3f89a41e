/* panics.c - where a panic goes: from frame to frame, to those that have deferred calls.
 *
 * The deferred calls themselves are made in Go, on the goroutine's stack, by gopanic and Goexit
 * (overlay/panic.go):
 *
 *     panic_enter(&p)             p is the innermost panic now
 *     for p.more() { p.todo.call() }      takes a call; none left: panic_frame finds a frame
 *
 * A deferred call that panics begins a walk of its own, further in. Frames between the place where
 * an older panic stands and the call that it is making have no deferred calls any more, so a walk
 * that arrives at an older panic's gopanic goes on where that panic stands: a frame is passed once,
 * by whichever panic comes first, and a chain of panics costs as much as its length.
 *
 *     f1 .. f8 | gopanic A | closure of f5 | gopanic B | closure of f4 | gopanic C
 *                stands at f5                stands at f4
 *     C passes its closure, arrives at B, is at f4 at once, and next at f3
 *
 * gpanic.outer is the innermost panic at which the walk has not arrived yet. */
#include "gort/abi/app.h"
#include "gort/g.h"
#include "gort/sched/mp.h"
#include "gort/stack/symtab.h"
#include "gort/stack/unwind.h"
#include "kernel/check.h"
#include "rt_frames.h"

/* What a frame has still to call: Go's frameDefers. Linked records are those of g.defer that have
 * the frame's sp; open-coded ones are bits, one for each closure in slots. */
struct frame_defers {
    uintptr_t sp;
    uint8_t  *bits;
    void     *slots, *call;
};

/* Where a walk stands. */
struct position {
    struct frame_defers todo;
    uintptr_t lr, fp;      /* the caller's pc and sp: from there it goes on. lr 0: at the end */
    uintptr_t resume;      /* pc of the frame's call of deferreturn, for a recover */
    struct gpanic *outer;
};

/* Go's _panic, in the frame of gopanic or Goexit. */
struct gpanic {
    struct goeface arg;
    struct gpanic *link;
    struct position at;
    uintptr_t loop_pc, loop_sp; /* Goexit: where panic_enter returns to, the loop of the calls */
    bool recovered, repanicked, goexit;
};

/* The head of Go's _defer (cmd/compile knows it too). */
struct gdefer {
    bool heap, rangefunc;
    uintptr_t sp;
};

#define SAME(what, macro) _Static_assert((what) == (macro), #macro)
SAME(offsetof(struct gpanic, link), OVERLAY_PANIC_LINK);
SAME(offsetof(struct gpanic, at.todo), OVERLAY_PANIC_TODO);
SAME(offsetof(struct gpanic, at.lr), OVERLAY_PANIC_LR);
SAME(offsetof(struct gpanic, at.outer), OVERLAY_PANIC_OUTER);
SAME(offsetof(struct gpanic, loop_sp), OVERLAY_PANIC_LOOP_SP);
SAME(offsetof(struct gpanic, goexit), OVERLAY_PANIC_GOEXIT);
SAME(sizeof(struct gpanic), OVERLAY_PANIC__SIZE);
SAME(offsetof(struct gdefer, sp), OVERLAY_DEFER_SP);

_Noreturn void g_switch(struct g *gp);

static uint32_t read_varint(const uint8_t **p)
{
    uint32_t v = 0;

    for (unsigned shift = 0;; shift += 7) {
        uint8_t b = *(*p)++;
        v |= (uint32_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return v;
    }
}

/* Open-coded defers: the function's bit mask and closure slots lie at fixed distances below
 * varp; a set bit is a deferred call that has still to be made. */
static void open_coded(const struct frame *fr, struct frame_defers *todo)
{
    const uint8_t *fd = symtab_funcdata(fr->fn, FUNCDATA_OPEN_CODED_DEFER_INFO);

    todo->bits = NULL;
    if (!fd)
        return;
    uint8_t *bits = (uint8_t *)(fr->varp - read_varint(&fd));
    if (*bits) {
        todo->bits = bits;
        todo->slots = (void *)(fr->varp - read_varint(&fd));
    }
}

/* Is fr the one whose loop makes p's calls? */
static bool is_loop(const struct frame *fr, const struct gpanic *p)
{
    return (uintptr_t)p >= fr->sp && (uintptr_t)p < fr->fp;
}

static bool anything_left(const struct g *gp, const struct frame_defers *todo)
{
    return (todo->bits && *todo->bits) || (gp->defer && gp->defer->sp == todo->sp);
}

/* Moves at to the next frame, from u's on outward, that has something left. */
static bool find_frame(struct g *gp, struct unwinder *u, struct position *at)
{
    while (unwinder_valid(u)) {
        const struct frame *fr = &u->frame;
        struct frame_defers todo = { .sp = fr->sp };

        if (at->outer && is_loop(fr, at->outer)) {
            *at = at->outer->at; /* its outer is the next one */
            if (anything_left(gp, &at->todo))
                return true;
            if (at->lr == 0)
                return false;
            unwinder_init_at(u, gp, at->lr, at->fp, m_self()->pc_cache);
            continue;
        }
        open_coded(fr, &todo);
        if (anything_left(gp, &todo)) {
            uint32_t d = symtab_deferreturn(fr->fn);

            CHECK(d, "%s has deferred calls and no deferreturn", symtab_name(fr->fn));
            *at = (struct position){ todo, fr->lr, fr->fp, symtab_entry(fr->fn) + d, at->outer };
            return true;
        }
        unwinder_next(u);
    }
    at->lr = 0;
    return false;
}

/* Goexit's loop goes on after a recover as if panic_enter returned once more. */
static void note_loop(struct unwinder *u, const struct g *gp, struct gpanic *p)
{
    for (unwinder_init_gate(u, gp); unwinder_valid(u); unwinder_next(u))
        if (is_loop(&u->frame, p))
            break;
    CHECK(unwinder_valid(u), "the record %p of a Goexit is in no frame of goroutine %lu", (void *)p,
          (unsigned long)gp->goid);
    p->loop_pc = u->frame.pc;
    p->loop_sp = u->frame.sp;
}

/* gopanic, with pc and sp of its caller, or Goexit begins. */
void rt_panic_enter(struct panic_enter_frame *f)
{
    struct g *gp = g_calling();
    struct gpanic *p = f->p;
    struct unwinder u;

    p->link = p->at.outer = gp->panic;
    gp->panic = p;
    if (p->goexit) {
        note_loop(&u, gp, p);
        unwinder_next(&u);
    } else {
        __atomic_add_fetch(app->panic_defers, 1, __ATOMIC_SEQ_CST);
        unwinder_init_at(&u, gp, f->pc, (uintptr_t)f->sp, m_self()->pc_cache);
    }
    find_frame(gp, &u, &p->at);
}

void rt_panic_frame(struct panic_frame_frame *f)
{
    struct g *gp = g_calling();
    struct gpanic *p = f->p;
    struct unwinder u;

    CHECK(gp->panic == p, "goroutine %lu: a panic goes on that is not the innermost",
          (unsigned long)gp->goid);
    f->ok = false;
    if (p->at.lr == 0)
        return;
    unwinder_init_at(&u, gp, p->at.lr, p->at.fp, m_self()->pc_cache);
    f->ok = find_frame(gp, &u, &p->at);
}

/* Does gorecover's caller, at pc and sp, stop p? Only the deferred function itself does: exactly
 * one function, wrappers aside, between the loop and gorecover, which the loop calls and which is
 * inlined into nothing. */
static bool called_by_loop(const struct g *gp, const struct gpanic *p, uintptr_t pc, uintptr_t sp)
{
    struct unwinder u;
    unsigned depth = 0;

    unwinder_init_at(&u, gp, pc, sp, m_self()->pc_cache);
    for (; unwinder_valid(&u); unwinder_next(&u)) {
        struct inline_iter it;
        if (is_loop(&u.frame, p))
            return depth == 1;
        for (inline_first(&it, u.frame.fn, unwinder_sympc(&u)); it.valid; inline_next(&it)) {
            if (it.func_id == FUNCID_WRAPPER)
                continue;
            if (it.func_id == FUNCID_GOPANIC || ++depth > 1)
                return false;
        }
    }
    return false;
}

void rt_panic_claim(struct panic_claim_frame *f)
{
    struct g *gp = g_calling();
    struct gpanic *p = f->p;

    f->ok = !p->goexit && !p->recovered &&
            called_by_loop(gp, p, f->pc, (uintptr_t)f->sp);
    if (f->ok)
        p->recovered = true;
}

/* The frame at which p stands goes on in its deferreturn, which finds in g what of its open-coded
 * calls is left: as distances from its stack pointer, since the stack may move before. */
static uintptr_t return_to_frame(struct g *gp, const struct gpanic *p)
{
    const struct frame_defers *todo = &p->at.todo;

    gp->left_bits = 0;
    if (todo->bits && *todo->bits) {
        gp->left_bits = (uint32_t)((uintptr_t)todo->bits - todo->sp) + 1;
        gp->left_slots = (uint32_t)((uintptr_t)todo->slots - todo->sp);
    }
    gp->sched.sp = todo->sp;
    return p->at.resume;
}

/* Continues in the frame that recovered, dropping the panics that started further in. A Goexit
 * among them is not dropped: its loop goes on, from that frame. */
void rt_panic_recover(struct panic_recover_frame *f)
{
    struct g *gp = g_calling();
    struct gpanic *p = gp->panic, *last = p;

    (void)f;
    CHECK(p && p->recovered && p->at.resume, "goroutine %lu recovers from nothing",
          (unsigned long)gp->goid);
    gp->sched.pc = return_to_frame(gp, p);
    gp->sched.bp = p->at.fp - 16;
    for (; p && (uintptr_t)p < last->at.todo.sp; p = p->link) {
        if (p->goexit) {
            p->at = last->at;
            gp->left_bits = 0;
            gp->sched.pc = p->loop_pc;
            gp->sched.sp = p->loop_sp;
            break;
        }
        __atomic_sub_fetch(app->panic_defers, 1, __ATOMIC_SEQ_CST);
    }
    gp->panic = p;
    if (!p)
        gp->sig_flags = 0;
    uintptr_t sp = gp->sched.sp;
    CHECK(sp >= gp->stack.lo && sp < gp->stack.hi, "recovery to sp %#lx outside [%#lx, %#lx)", sp,
          gp->stack.lo, gp->stack.hi);
    g_switch(gp);
}
