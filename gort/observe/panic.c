/* panic.c - the parts of panic, recover and dying that look at stacks. The loops that call
 * deferred closures are Go (gort/overlay/panic.go). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "gort/app.h"
#include "gort/sched/preempt.h"
#include "gort/sched/sched.h"
#include "gort/observe/schedtrace.h"
#include "gort/stack/symtab.h"
#include "gort/observe/traceback.h"
#include "gort/stack/unwind.h"
#include "kernel/clock.h"
#include "kernel/print.h"
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

_Noreturn void g_switch_args(struct g *gp, uintptr_t a, uintptr_t b, uintptr_t c);
_Noreturn void g_switch(struct g *gp);

/* ---- walking -------------------------------------------------------------------------------- */

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

void rt_pcdata_value(struct pcdata_value_frame *f)
{
    struct func_info fn;

    f->v = symtab_find(f->pc, &fn) ? symtab_pcdata(&fn, (uint32_t)f->table, f->pc) : -1;
}

void rt_caller_name(struct caller_name_frame *f)
{
    struct func_info fn;
    const char *name = symtab_find(f->pc, &fn) ? symtab_name(&fn) : "?";
    size_t n = strlen(name);

    if (n > (size_t)f->cap)
        n = (size_t)f->cap;
    memcpy(f->buf, name, n);
    f->n = (int64_t)n;
}

/* ---- from C into a Go panic -------------------------------------------------------------- */

void gate_panic(struct g *gp, enum gate_panic kind, const char *msg)
{
    CHECK(cpu_self()->curg == gp, "gate_panic for goroutine %lu, which is not calling", gp->goid);
    gp->sched.pc = app->raise;
    g_switch_args(gp, kind, (uintptr_t)msg, strlen(msg));
}

/* ---- dying ------------------------------------------------------------------------------- */

/* Stops the other CPUs' goroutines as well as it goes: nothing is scheduled any more; one that
 * cannot be preempted is left running after a moment. GODEBUG=dontfreezetheworld=1: they go on. */
static void freeze(void)
{
    static uint32_t dying; /* [atomic] 1 + the CPU's id */
    uint32_t first = 0, me = cpu_self()->id + 1;

    if (!__atomic_compare_exchange_n(&dying, &first, me, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        if (first == me)
            return;
        for (;;) /* another CPU prints the fatal error; it turns the machine off when it is done */
            cpu_relax();
    }
    sched_trace_dying();
    if (app && app->debug->dontfreezetheworld > 0)
        return;
    int64_t until = clock_mono_ns() + 20000000;
    __atomic_store_n(&sched.frozen, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&sched.stopping, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < ncpu; i++)
        if (allm[i] && allm[i] != m_self())
            preempt_cpu(i);
    while (clock_mono_ns() < until) {
        bool busy = false;
        for (unsigned i = 0; i < gomaxprocs; i++)
            busy |= allp[i] != p_self() && allp[i]->status == P_RUNNING;
        if (!busy)
            break;
        cpu_relax();
    }
}

void rt_freeze_world(struct freeze_world_frame *f)
{
    (void)f;
    freeze();
    m_self()->locks++; /* the dying goroutine keeps its CPU to the end */
}

/* The frame that called fatalpanic, throw or fatal, the caller of this gate. Looked for only
 * now: what it has printed since may have moved the stack. */
static bool dying_caller(struct g *gp, uintptr_t *pc, uintptr_t *sp)
{
    struct unwinder u;

    unwinder_init(&u, gp);
    while (unwinder_valid(&u) &&
           strcmp(symtab_name(u.frame.fn), "runtime.crash_traceback") == 0)
        unwinder_next(&u);
    if (!unwinder_valid(&u) || !u.frame.lr)
        return false;
    *pc = u.frame.lr;
    *sp = u.frame.fp;
    return true;
}

enum { LEVEL_NONE, LEVEL_SINGLE, LEVEL_ALL, LEVEL_SYSTEM, LEVEL_CRASH };

void rt_crash_traceback(struct crash_traceback_frame *f)
{
    struct g *gp = g_calling();
    int level = app->debug->gotraceback;
    bool all = level >= LEVEL_ALL;

    if (level == LEVEL_NONE)
        return;
    bool runtime = level >= LEVEL_SYSTEM;
    if (f->level > 0) /* throw shows everybody and everything */
        all = runtime = true;
    uintptr_t pc = gp->sched.pc, sp = gp->sched.sp;
    if (!gp->is_c)
        dying_caller(gp, &pc, &sp);
    kprintf("\n");
    traceback_g(gp, pc, sp, 0, runtime);
    if (all)
        traceback_others(gp, runtime);
}

void rt_signal_death(const char *what)
{
    const struct g *gp = cpu_self()->curg;

    freeze();
    kprintf("%s\nPC=%#lx m=%u sigcode=0\n", what, gp ? gp->sched.pc : 0ul, m_self()->id);
    if (gp) {
        kprintf("\n");
        traceback_g(gp, gp->sched.pc, gp->sched.sp, gp->sched.bp, true);
    }
    traceback_others(gp, true);
    kprintf("\n");
    machine_exit(2);
}

static _Noreturn void die(bool runtime, const char *fmt, va_list ap)
{
    freeze();
    kprintf("fatal error: ");
    kvprintf(fmt, ap);
    kprintf("\n");
    struct g *gp = cpu_self()->curg;
    if (gp) {
        kprintf("\n");
        traceback_g(gp, gp->sched.pc, gp->sched.sp, gp->sched.bp, runtime);
    }
    traceback_others(gp, runtime);
    machine_exit(2);
}

void rt_throw(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    die(true, fmt, ap);
}

void rt_fatal(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    die(false, fmt, ap);
}
