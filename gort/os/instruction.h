/* instruction.h - system calls that a program makes by itself: the SYSCALL instruction in the
 * assembly of a module, or of a C program.
 *
 *   SYSCALL -> syscall_entry -> g0, registers in a trap frame -> call_start, as any other call
 *                                    the same goroutine, at once or when it is readied <-'
 *
 * What Linux promises: rax is the result (-errno), rcx and r11 are lost, all else stays, vector
 * registers and the memory below rsp included. So nothing is written to the program's stack, and
 * the goroutine is one that was stopped in the midst of its code: it stands behind the
 * instruction (g.sched), what it refers to is looked at conservatively, registers too, and its
 * stack stays where it is until it goes on, for the registers may point into it.
 *
 * A C goroutine is put where a preemption puts it (g_kind.syscall). */
#ifndef GORT_OS_INSTRUCTION_H
#define GORT_OS_INSTRUCTION_H

#include "arch/x86_64/arch.h"
#include "gort/g.h"
#include "rt_frames.h"

/* All of what g.regs points to. */
struct instruction {
    struct trap_frame own;         /* first: g.regs */
    struct trap_frame *regs;       /* [owner] own, or what a C goroutine goes on with */
    struct syscall6_frame result;  /* [owner, then who completes the call] */
};

void syscall_entry(void); /* syscall.S; for cpu_syscall_entry */

static inline struct instruction *instruction_of(const struct g *gp)
{
    return (struct instruction *)gp->regs;
}

/* The results' frame of gp, which is stopped at a SYSCALL. */
static inline void *instruction_frame(const struct g *gp) { return &instruction_of(gp)->result; }

#endif
