/* preempt.h - the runtime's interrupt handlers. */
#ifndef GORT_SCHED_PREEMPT_H
#define GORT_SCHED_PREEMPT_H

#include <stdbool.h>
#include <stdint.h>

struct trap_frame;

/* Installs the handlers. Boot CPU, before the others start. */
void preempt_init(void);
/* Makes the interrupted code call `target`, as if the instruction at rip had. */
void inject_call_irq(struct trap_frame *tf, uintptr_t target);
/* A page that a goroutine has touched is there now, and tf is where it did: if it was asked to give
 * way meanwhile it does, where it may be stopped. Otherwise one that touches page after page would
 * be in the kernel at every tick. g0, no locks. */
void preempt_after_fault(struct trap_frame *tf);

#endif
