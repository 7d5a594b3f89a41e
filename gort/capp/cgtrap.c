/* cgtrap.c - C goroutines and interrupts (cgoroutine.h). Interrupt context, but for what the
 * collector and tracebacks ask. */
#include "gort/capp/cgoroutine.h"
#include "gort/abi/app.h"
#include "gort/heap/lazy.h"
#include "gort/sched/sched.h"
#include "mm/mm.h"

#define FRAME_SLACK 65536 /* below the guard page: how far rsp may lie when it is hit */

extern char cg_text_lo[], cg_text_hi[], gate_text_lo[], gate_text_hi[];
void cg_preempt_entry(void);
void cg_fault_entry(void);
void cg_call_return(void);

static bool in_gate_text(uintptr_t pc)
{
    return pc - (uintptr_t)cg_text_lo < (uintptr_t)(cg_text_hi - cg_text_lo) ||
           pc - (uintptr_t)gate_text_lo < (uintptr_t)(gate_text_hi - gate_text_lo);
}

/* The goroutine's registers are put away; it goes on at `entry` on g0. */
static void divert_irq(struct g *gp, struct trap_frame *tf, void (*entry)(void))
{
    gp->cg->trap = *tf;
    tf->rip = (uintptr_t)entry;
    tf->rsp = cpu_self()->g0_sp;
    tf->rflags = 0x202; /* interrupts on, nothing else */
}

bool cg_preempt_irq(struct g *gp, struct trap_frame *tf)
{
    const struct m *mp = gp->m;

    if (!mp || mp->locks || !cpu_self()->p)
        return false;
    if (tf->rsp < gp->stack.lo || tf->rsp > gp->stack.hi || in_gate_text(tf->rip))
        return false;
    divert_irq(gp, tf, cg_preempt_entry);
    return true;
}

bool cg_fault_irq(struct g *gp, struct trap_frame *tf, uint64_t cr2)
{
    const struct cg *cg = gp->cg;

    if (tf->vector != TRAP_PF || (tf->error & 1) || !gp->m)
        return false;
    if (tf->rsp < cg->base - FRAME_SLACK || tf->rsp > gp->stack.hi)
        return false; /* C on g0, or another stack */
    uintptr_t lo, hi;
    if ((cr2 < cg->base || cr2 >= gp->stack.hi) && !lazy_range(cr2, &lo, &hi))
        return false;
    gp->cg->fault = cr2;
    divert_irq(gp, tf, cg_fault_entry);
    return true;
}

/* On g0, by cg_preempt_entry. */
_Noreturn void cg_preempted(struct g *gp);
void cg_preempted(struct g *gp)
{
    const struct trap_frame *tf = &gp->cg->trap;

    gp->sched = (struct gobuf){ .sp = tf->rsp, .pc = (uintptr_t)cg_resume, .bp = tf->rbp };
    g_preempt_g0(gp);
}

bool cg_is_trapped(const struct g *gp) { return gp->sched.pc == (uintptr_t)cg_resume; }

/* Lowest byte of the stack that may be live. */
static uintptr_t stack_bottom(const struct g *gp)
{
    uintptr_t sp = gp->sched.sp, zone = sp - CG_RED_ZONE;

    if (!cg_is_trapped(gp))
        return sp;
    if (zone < gp->stack.lo || !vm_is_mapped(zone, false))
        zone = sp & ~(PAGE_SIZE - 1);
    return zone;
}

void cg_memory(const struct g *gp, void (*fn)(void *ctx, uintptr_t lo, uintptr_t hi), void *ctx)
{
    fn(ctx, stack_bottom(gp), gp->stack.hi);
    if (cg_is_trapped(gp)) {
        fn(ctx, (uintptr_t)&gp->cg->trap, (uintptr_t)(&gp->cg->trap + 1));
        fn(ctx, (uintptr_t)gp->vec, (uintptr_t)gp->vec + vec_area_size);
    }
}

void cg_position(const struct g *gp, uintptr_t *pc, uintptr_t *bp)
{
    if (cg_is_trapped(gp)) {
        *pc = gp->cg->trap.rip;
        *bp = gp->cg->trap.rbp;
    } else if (gp->sched.bp) { /* in cg_call: its frame holds the caller's */
        *pc = ((const uintptr_t *)gp->sched.bp)[1];
        *bp = ((const uintptr_t *)gp->sched.bp)[0];
    } else {
        *pc = gp->startpc;
        *bp = 0;
    }
}
