/* fault.h - exceptions in the program's code. */
#ifndef GORT_SCHED_FAULT_H
#define GORT_SCHED_FAULT_H

#include <stdbool.h>
#include <stdint.h>

struct trap_frame;

/* The hook of the exceptions but #DF, #MC and NMI. True: tf has been changed to where it goes
 * on. False: no goroutine's own code has done it. Interrupt context. */
bool fault_irq(struct trap_frame *tf, uint64_t cr2);

#endif
