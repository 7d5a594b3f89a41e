/* panics.c - the parts of panic and recover that look at stacks. The loops that call deferred
 * closures are Go (gort/overlay/panic.go). */
#include "arch/x86_64/arch.h"
#include "gort/app.h"
#include "gort/g.h"
#include "gort/stack/symtab.h"
#include "gort/stack/unwind.h"
#include "rt_frames.h"

/* Go's _panic as gort/overlay/runtime2.go declares it. */
struct gpanic {
    struct goeface arg;
    struct gpanic *link;
    uintptr_t start_pc, start_sp;
    uintptr_t sp, lr, fp, retpc;
    uint8_t  *defer_bits;
    void     *slots;
    bool      recovered, repanicked, goexit, deferreturn;
    uintptr_t gopanic_fp;
};

/* The head of Go's _defer (cmd/compile knows it too). */
struct gdefer {
    bool heap, rangefunc;
    uintptr_t sp, pc;
    void *fn;
    struct gdefer *link;
    void *head;
};

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
static bool open_defers(struct gpanic *p, const struct frame *fr)
{
    const uint8_t *fd = symtab_funcdata(fr->fn, FUNCDATA_OPEN_CODED_DEFER_INFO);

    if (!fd)
        return false;
    uint8_t *bits = (uint8_t *)(fr->varp - read_varint(&fd));
    if (*bits == 0)
        return false;
    p->slots = (void *)(fr->varp - read_varint(&fd));
    p->defer_bits = bits;
    p->retpc = symtab_entry(fr->fn) + symtab_deferreturn(fr->fn);
    return true;
}

/* Moves p to the next frame, outward, that has deferred calls: linked records with the
 * frame's sp, or open-coded ones. */
void rt_panic_frame(struct panic_frame_frame *f)
{
    struct g *gp = g_calling();
    struct gpanic *p = f->p;
    uintptr_t limit = gp->defer ? gp->defer->sp : 0;
    struct unwinder u;

    f->ok = false;
    if (p->lr == 0)
        return;
    unwinder_init_at(&u, gp, p->lr, p->fp, m_self()->pc_cache);
    for (; unwinder_valid(&u); unwinder_next(&u)) {
        if (u.frame.sp == limit || open_defers(p, &u.frame)) {
            p->lr = u.frame.lr;
            p->sp = u.frame.sp;
            p->fp = u.frame.fp;
            f->ok = true;
            return;
        }
    }
    p->lr = 0;
}

/* A recover counts if exactly one function, wrappers aside, stands between gopanic and
 * gorecover: the deferred one itself. */
void rt_panic_can_recover(struct panic_can_recover_frame *f)
{
    struct g *gp = g_calling();
    const struct gpanic *p = f->p;
    struct unwinder u;
    unsigned depth = 0;
    bool inside = false; /* past gorecover */

    f->ok = false;
    for (unwinder_init_gate(&u, gp); unwinder_valid(&u); unwinder_next(&u)) {
        struct inline_iter it;
        if (!inside) {
            inside = symtab_is_gorecover(u.frame.fn);
            continue;
        }
        if (u.frame.fp == p->gopanic_fp) { /* its call of the deferred function is no inlined one */
            f->ok = depth == 1;
            return;
        }
        for (inline_first(&it, u.frame.fn, unwinder_sympc(&u)); it.valid; inline_next(&it)) {
            if (it.func_id == FUNCID_WRAPPER)
                continue;
            if (it.func_id == FUNCID_GOPANIC || ++depth > 1)
                return;
        }
    }
}

/* Continues at the deferreturn call of the frame that recovered, dropping the panics that
 * started further in. A Goexit among them is not dropped: its loop starts again instead. */
void rt_panic_recover(struct panic_recover_frame *f)
{
    struct g *gp = g_calling();
    struct gpanic *p = gp->panic;
    struct func_info fn;

    (void)f;
    CHECK(symtab_find(p->retpc, &fn) && symtab_deferreturn(&fn),
          "recovered frame of pc %#lx has no deferreturn", p->retpc);
    uintptr_t pc = symtab_entry(&fn) + symtab_deferreturn(&fn);
    uintptr_t sp = p->sp, fp = p->fp;

    for (; p && p->start_sp < sp; p = p->link) {
        if (p->goexit) {
            pc = p->start_pc;
            sp = p->start_sp;
            gp->param = NULL;
            break;
        }
        __atomic_sub_fetch(app->panic_defers, 1, __ATOMIC_SEQ_CST);
    }
    gp->panic = p;
    if (!p)
        gp->sig_flags = 0;
    CHECK(sp >= gp->stack.lo && sp < gp->stack.hi, "recovery to sp %#lx outside [%#lx, %#lx)", sp,
          gp->stack.lo, gp->stack.hi);
    gp->sched = (struct gobuf){ .sp = sp, .pc = pc, .bp = fp - 16 };
    g_switch(gp);
}
