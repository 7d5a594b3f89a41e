/* fault.h - pages of mappings come when they are touched.
 *
 * An exception handler takes no locks, so it can allocate neither a frame nor a page
 * table. It puts the trap frame on this CPU's g0 stack, which is free while the goroutine's
 * own code runs, and returns to page_fault_entry there (pagefault.S). For the scheduler the
 * goroutine is then in a gate. All code in the lower half of the address space is the
 * program's: its text, and code that it has generated. */
#ifndef GORT_OS_FAULT_H
#define GORT_OS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

struct g;
struct trap_frame;

/* sched_hooks.page_fault_irq: mappings, and memory of the runtime's that is lazy
 * (gort/heap/lazy.h). */
bool page_fault_irq(struct g *gp, struct trap_frame *tf, uint64_t cr2);
/* sched_hooks.kernel_fault_irq: the kernel itself, on g0, has touched lazy memory. It goes on as if
 * it had called a function there, on the same stack. */
bool kernel_fault_irq(struct trap_frame *tf, uint64_t cr2);

#endif
