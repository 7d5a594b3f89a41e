/* fault.c - page faults in mappings: fault.h. Compiled with -mgeneral-regs-only. */
#include "gort/os/fault.h"
#include "arch/x86_64/arch.h"
#include "gort/dying.h"
#include "gort/g.h"
#include "gort/os/mmap.h"
#include "gort/sched/fault.h"
#include "kernel/panic.h"
#include "mm/mm.h"

void page_fault_entry(void); /* pagefault.S */

bool page_fault_irq(struct g *gp, struct trap_frame *tf, uint64_t cr2)
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
    if (!fault_raise(gp, tf, at))
        crash_exception(tf, at);
    if (r == MMAP_BUS)
        gp->sig_flags = SIG_BUS;
    gp->sigcode0 = r == MMAP_BUS ? BUS_ADRERR : r == MMAP_DENIED ? SEGV_ACCERR : SEGV_MAPERR;
}
