/* fault.c - exceptions in the program's code: SIGSEGV, SIGBUS, SIGFPE and SIGILL become calls
 * of sigpanic, and pages of mappings come when they are touched.
 *
 * Compiled, as preempt.c, with -mgeneral-regs-only. */
#include "gort/sched/fault.h"
#include "gort/app.h"
#include "gort/capp/cgoroutine.h"
#include "gort/dying.h"
#include "gort/os/mmap.h"
#include "gort/os/user.h"
#include "gort/sched/preempt.h"
#include "kernel/panic.h"
#include "mm/mm.h"

enum { SIG_ILL = 4, SIG_TRAP = 5, SIG_BUS = 7, SIG_FPE = 8, SIG_SEGV = 11 };
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_FETCH = 16 }; /* SDM vol. 3, 4.7 */
enum { SEGV_MAPERR = 1, SEGV_ACCERR = 2, SI_KERNEL = 0x80, FPE_INTDIV = 1, FPE_FLTDIV = 3,
       BUS_ADRERR = 2, ILL_ILLOPN = 2, TRAP_BRKPT = 1 };

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

/* A fault in a goroutine's own code becomes a call of sigpanic by the faulting instruction.
 * A jump to an address without code has pushed the return address already: then it is the
 * caller of the missing function that calls sigpanic. Interrupt context, or g0 with tf the
 * state to be resumed. */
static bool raise_sigpanic(struct g *gp, struct trap_frame *tf, uint64_t cr2)
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

/* ---- pages that come when they are touched -------------------------------------------------
 * A frame, and a page table for it, cannot be had in an exception handler, which takes no
 * locks. The handler puts the trap frame on this CPU's g0 stack, which is free while the
 * goroutine's own code runs, and returns to page_fault_entry there. For the scheduler the
 * goroutine is in a gate. Code of the program is what runs in the lower half: its own text, or
 * what it has made itself. */

void page_fault_entry(void); /* gate.S */

static bool page_fault_irq(struct g *gp, struct trap_frame *tf, uint64_t cr2)
{
    if (tf->vector != TRAP_PF || (int64_t)tf->rip < 0 || !mmap_window(cr2))
        return false;
    struct trap_frame *kept = (struct trap_frame *)cpu_self()->g0_sp - 1;
    *kept = *tf;
    gp->sigcode1 = cr2;
    gp->sched.pc = tf->rip;
    gp->sched.sp = tf->rsp;
    gp->sched.bp = tf->rbp;
    tf->rip = (uintptr_t)page_fault_entry;
    tf->rsp = (uintptr_t)kept;
    tf->rflags = 0x202; /* interrupts on, nothing else */
    return true;
}

void page_faulted(struct trap_frame *tf);
void page_faulted(struct trap_frame *tf)
{
    struct g *gp = cpu_self()->curg;
    uintptr_t at = gp->sigcode1;
    unsigned access = tf->error & PF_FETCH ? VM_X : tf->error & PF_WRITE ? VM_W : VM_R;
    enum mmap_result r = mmap_fault(at, access);

    if (r == MMAP_OK)
        return;
    if (r == MMAP_NOMEM)
        rt_fatal("out of memory: page of a mapping at %#lx", at);
    if (!raise_sigpanic(gp, tf, at))
        crash_exception(tf, at);
    if (r == MMAP_BUS)
        gp->sig_flags = SIG_BUS;
    gp->sigcode0 = r == MMAP_BUS ? BUS_ADRERR : r == MMAP_DENIED ? SEGV_ACCERR : SEGV_MAPERR;
}

bool fault_irq(struct trap_frame *tf, uint64_t cr2)
{
    struct cpu *c = cpu_self();
    struct g *gp = c->curg;

    if (user_fault_irq(tf))
        return true;
    if (gp && gp->is_c)
        return cg_fault_irq(gp, tf, cr2);
    if (!app || !gp || !gp->m || c->m->dying)
        return false;
    return page_fault_irq(gp, tf, cr2) || raise_sigpanic(gp, tf, cr2);
}
