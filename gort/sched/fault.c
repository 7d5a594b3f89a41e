/* fault.c - exceptions in the program's code: SIGSEGV, SIGFPE and SIGILL become calls of
 * sigpanic.
 *
 * Compiled, as preempt.c, with -mgeneral-regs-only. */
#include "gort/sched/fault.h"
#include "arch/x86_64/arch.h"
#include "gort/abi/app.h"
#include "gort/sched/hooks.h"
#include "gort/sched/mp.h"
#include "gort/sched/preempt.h"

enum { SI_KERNEL = 0x80, FPE_INTDIV = 1, FPE_FLTDIV = 3, ILL_ILLOPN = 2 };

/* What Linux would have put into the signal. */
static bool describe(struct g *gp, const struct trap_frame *tf, uint64_t cr2)
{
    gp->sigpc = tf->rip;
    gp->sigcode1 = tf->rip;
    switch (tf->vector) {
    case TRAP_PF:
        gp->sig_flags = SIG_SEGV;
        gp->sigcode0 = tf->error & PF_PRESENT ? SEGV_ACCERR : SEGV_MAPERR;
        gp->sigcode1 = cr2;
        return true;
    case TRAP_GP:
        gp->sig_flags = SIG_SEGV;
        gp->sigcode0 = SI_KERNEL;
        gp->sigcode1 = 0;
        return true;
    case TRAP_DE:
        gp->sig_flags = SIG_FPE;
        gp->sigcode0 = FPE_INTDIV;
        return true;
    case TRAP_MF:
    case TRAP_XM:
        gp->sig_flags = SIG_FPE;
        gp->sigcode0 = FPE_FLTDIV;
        return true;
    case TRAP_UD:
        gp->sig_flags = SIG_ILL;
        gp->sigcode0 = ILL_ILLOPN;
        return true;
    default:
        return false;
    }
}

bool fault_raise(struct g *gp, struct trap_frame *tf, uint64_t cr2)
{
    if (tf->rsp < gp->stack.lo || tf->rsp + 8 > gp->stack.hi)
        return false;
    bool code = app_is_text(tf->rip);
    if (!code && !app_is_text(*(uint64_t *)tf->rsp))
        return false;
    if (!describe(gp, tf, cr2))
        return false;
    if (!code)
        tf->rip = app->sigpanic;
    else
        inject_call_irq(tf, app->sigpanic);
    return true;
}

/* arch_hooks.exception. */
static bool fault_irq(struct trap_frame *tf, uint64_t cr2)
{
    struct cpu *c = cpu_self();
    struct g *gp = c->curg;

    if (sched_hooks.copy_fault_irq(tf) || sched_hooks.kernel_fault_irq(tf, cr2))
        return true;
    if (gp && !g_is_go(gp))
        return gp->kind->fault_irq(gp, tf, cr2);
    if (!app || !gp || !gp->m || c->m->dying)
        return false;
    return sched_hooks.page_fault_irq(gp, tf, cr2) || fault_raise(gp, tf, cr2);
}

void fault_init(void) { arch_hooks.exception = fault_irq; }
