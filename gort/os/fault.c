/* fault.c - page faults in mappings: fault.h. Compiled with -mgeneral-regs-only. */
#include "gort/os/fault.h"
#include "arch/x86_64/arch.h"
#include "gort/dying.h"
#include "gort/g.h"
#include "gort/gc/gc.h"
#include "gort/heap/lazy.h"
#include "gort/heap/malloc.h"
#include "gort/os/mmap.h"
#include "gort/sched/fault.h"
#include "gort/sched/preempt.h"
#include "kernel/panic.h"
#include "mm/mm.h"

void page_fault_entry(void), kernel_fault_entry(void); /* pagefault.S */

#define FLAG_IF     0x200ull /* interrupts are on */
#define KERNEL_ROOM 8192 /* bytes of g0's stack that must be left */

static bool absent(const struct trap_frame *tf)
{
    return tf->vector == TRAP_PF && !(tf->error & PF_PRESENT);
}

static bool lazy(const struct trap_frame *tf, uint64_t cr2)
{
    uintptr_t lo, hi;

    return absent(tf) && lazy_range(cr2, &lo, &hi);
}

bool page_fault_irq(struct g *gp, struct trap_frame *tf, uint64_t cr2)
{
    if (tf->vector != TRAP_PF || (int64_t)tf->rip < 0 || !(mmap_window(cr2) || lazy(tf, cr2)))
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

/* Interrupts stay as they were: the code that is interrupted may have them off. */
bool kernel_fault_irq(struct trap_frame *tf, uint64_t cr2)
{
    const struct cpu *c = cpu_self();

    if (c->irq_depth || tf->rsp > c->g0_hi || tf->rsp < c->g0_lo + KERNEL_ROOM || !lazy(tf, cr2))
        return false;
    struct trap_frame *kept = (struct trap_frame *)(tf->rsp & ~15ull) - 1;
    *kept = *tf;
    tf->rdi = cr2;
    tf->rip = (uintptr_t)kernel_fault_entry;
    tf->rsp = (uintptr_t)kept;
    tf->rflags = 2 | (tf->rflags & FLAG_IF);
    return true;
}

/* Whatever locks are held: memory that is kept for the kernel may be taken, and none is looked
 * for elsewhere. */
void kernel_faulted(uintptr_t at);
void kernel_faulted(uintptr_t at)
{
    if (lazy_touch(at, VM_FILL_FEW | VM_FILL_LAST) == LAZY_NOMEM)
        malloc_out_of_memory(PAGE_SIZE);
}

/* Is it lazy memory? Then it is there now. */
static bool brought(const struct trap_frame *tf, uintptr_t at)
{
    enum lazy_result r = absent(tf) ? lazy_bring(at) : LAZY_NOT;

    if (r == LAZY_NOMEM)
        malloc_out_of_memory(PAGE_SIZE);
    if (r == LAZY_OK)
        gc_touched();
    return r == LAZY_OK;
}

void page_faulted(struct trap_frame *tf);
void page_faulted(struct trap_frame *tf)
{
    struct g *gp = cpu_self()->curg;
    uintptr_t at = gp->sigcode1;
    unsigned access = tf->error & PF_FETCH ? VM_X : tf->error & PF_WRITE ? VM_W : VM_R;
    enum mmap_result r = brought(tf, at) ? MMAP_OK : mmap_fault(at, access);

    if (r == MMAP_OK) {
        preempt_after_fault(tf);
        return;
    }
    if (r == MMAP_NOMEM)
        rt_fatal("out of memory: page of a mapping at %#lx", at);
    if (!fault_raise(gp, tf, at))
        crash_exception(tf, at);
    if (r == MMAP_BUS)
        gp->sig_flags = SIG_BUS;
    gp->sigcode0 = r == MMAP_BUS ? BUS_ADRERR : r == MMAP_DENIED ? SEGV_ACCERR : SEGV_MAPERR;
}
