/* fault.h - exceptions in the program's code. */
#ifndef GORT_SCHED_FAULT_H
#define GORT_SCHED_FAULT_H

#include <stdbool.h>
#include <stdint.h>

struct g;
struct trap_frame;

/* As Linux numbers them: g.sig_flags, g.sigcode0. */
enum { SIG_ILL = 4, SIG_BUS = 7, SIG_FPE = 8, SIG_SEGV = 11 };
enum { SEGV_MAPERR = 1, SEGV_ACCERR = 2, BUS_ADRERR = 2 };
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_FETCH = 16 }; /* error code of #PF: SDM vol. 3, 4.7 */

/* From here on exceptions but #DF, #MC and NMI become signals, bring pages, or are crash reports:
 * no goroutine's own code has done them. Boot, before any code of the program runs. */
void fault_init(void);
/* A fault in a goroutine's own code becomes a call of sigpanic by the faulting instruction.
 * A jump to an address without code has pushed the return address already: then it is the
 * caller of the missing function that calls sigpanic. Interrupt context, or g0 with tf the
 * state to be resumed. False: tf is not in such code. */
bool fault_raise(struct g *gp, struct trap_frame *tf, uint64_t cr2);

#endif
