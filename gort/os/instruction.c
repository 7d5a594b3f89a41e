/* instruction.c - the SYSCALL instruction: instruction.h. All of it on g0. */
#include "gort/os/instruction.h"
#include "arch/x86_64/arch.h"
#include "gort/dying.h"
#include "gort/os/sys.h"
#include "gort/sched/mp.h"
#include "mm/mm.h"

void syscall_resume(void); /* syscall.S */

/* The call is complete and gp about to run, here: registers and place are as the program expects
 * them. An on_wake function. */
static void go_on(struct g *gp)
{
    struct instruction *in = instruction_of(gp);

    in->regs->rax = in->result.err ? -in->result.err : in->result.r1;
    gp->at_syscall = false;
    if (g_is_go(gp))
        gp->sched.pc = (uintptr_t)syscall_resume;
}

static void stop_at(struct g *gp, const struct trap_frame *tf)
{
    if (!gp->regs)
        gp->regs = persistent_alloc(sizeof(struct instruction), 16, NULL);
    struct instruction *in = instruction_of(gp);
    g_take_vec(gp);
    if (g_is_go(gp)) {
        in->own = *tf;
        in->regs = &in->own;
        gp->sched = (struct gobuf){ .sp = tf->rsp, .pc = tf->rip, .bp = tf->rbp };
        gp->at_syscall = true;
    } else {
        gp->at_syscall = true;
        in->regs = gp->kind->syscall(gp, tf);
    }
    gp->on_wake = go_on;
}

/* Assembly has no place where it could be stopped but here. */
static bool must_yield(const struct g *gp)
{
    return g_is_go(gp) && __atomic_load_n(&gp->preempt, __ATOMIC_RELAXED) && cpu_self()->p &&
           gp->m->locks == 0 && gp->m->mallocing == 0;
}

_Noreturn void syscall_instruction(const struct trap_frame *tf);
void syscall_instruction(const struct trap_frame *tf)
{
    struct g *gp = g_calling();
    uint64_t a[6] = {tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9};

    if (tf->rsp < gp->stack.lo || tf->rsp > gp->stack.hi)
        rt_fatal("SYSCALL instruction at %#lx on a stack that is not the goroutine's: rsp=%#lx",
                 tf->rip, tf->rsp);
    stop_at(gp, tf);
    call_start(gp, &instruction_of(gp)->result, tf->rax, a);
    if (must_yield(gp))
        g_preempt_g0(gp);
    gp->on_wake = NULL;
    gp->async_safe_point = false;
    go_on(gp);
    g_switch(gp);
}
