/* panic.h - the end of the machine after a bug: one CPU reports, the others are stopped.
 *
 * The first CPU to arrive owns the report. A second one that arrives meanwhile is stopped
 * like the rest; the owner arriving again (a fault in the report itself) prints one line
 * and powers off. From then on no lock is taken: the console writes without its lock. */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/arch.h"

extern uint32_t crash_owner; /* [atomic] 0 nobody, else 1 + cpu id */
static inline bool crash_in_progress(void)
{
    return __builtin_expect(__atomic_load_n(&crash_owner, __ATOMIC_ACQUIRE) != 0, 0);
}
/* Exception context: the report for an unhandled exception. */
_Noreturn void crash_exception(struct trap_frame *tf, uint64_t cr2);
/* NMI context: parks this CPU if the machine is being stopped, else returns. */
void crash_nmi(struct trap_frame *tf);
/* For the runtime's own fatal errors: stops the other CPUs, without any report. The first
 * caller returns; any other CPU stops here. g0 context. */
void crash_stop_others(void);

#endif
