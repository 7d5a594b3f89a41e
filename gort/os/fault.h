/* fault.h - pages of mappings come when they are touched.
 *
 * A frame, and a page table for it, cannot be had in an exception handler, which takes no locks.
 * The handler puts the trap frame on this CPU's g0 stack, which is free while the goroutine's own
 * code runs, and returns to page_fault_entry there (pagefault.S). For the scheduler the goroutine
 * is in a gate. Code of the program is what runs in the lower half: its own text, or what it has
 * made itself. */
#ifndef GORT_OS_FAULT_H
#define GORT_OS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

struct g;
struct trap_frame;

/* sched_hooks.page_fault_irq. */
bool page_fault_irq(struct g *gp, struct trap_frame *tf, uint64_t cr2);

#endif
