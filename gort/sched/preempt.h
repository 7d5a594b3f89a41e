/* preempt.h - the runtime's interrupt handlers. */
#ifndef GORT_SCHED_PREEMPT_H
#define GORT_SCHED_PREEMPT_H

#include <stdbool.h>
#include <stdint.h>

struct trap_frame;

/* Installs the handlers. Boot CPU, before the others start. */
void preempt_init(void);
/* Asks the goroutine that this CPU runs to yield: at its next prologue, and at once if the
 * interrupted instruction is a safe point (then the frame is changed and true returned).
 * Interrupt context. */
bool preempt_here_irq(struct trap_frame *tf);
/* Makes the interrupted code call `target`, as if the instruction at rip had. */
void inject_call_irq(struct trap_frame *tf, uintptr_t target);

#endif
