/* userfault.c - page faults in user_copy. Called by the exception handler, so compiled with
 * -mgeneral-regs-only as that is. */
#include "arch/x86_64/arch.h"
#include "gort/os/user.h"

extern char user_words_lo[], user_bytes_lo[], user_copied[]; /* usercopy.S */

bool user_fault_irq(struct trap_frame *tf)
{
    uintptr_t at = tf->rip, words = (uintptr_t)user_words_lo, bytes = (uintptr_t)user_bytes_lo,
              end = (uintptr_t)user_copied;

    if (tf->vector != TRAP_PF || at < words || at >= end)
        return false;
    tf->rip = at < bytes ? bytes : end;
    return true;
}
