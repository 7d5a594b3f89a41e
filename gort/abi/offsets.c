/* offsets.c - what assembly and the Go stubs know of the structures of arch/ and of g.h. */
#include "arch/x86_64/state.h"
#include "gort/abi/offset.h"
#include "gort/g.h"
#include "gort/sched/mp.h"

void offsets(void);
void offsets(void)
{
    OFFSET(CPU_SELF, struct cpu, self);
    OFFSET(CPU_CURG, struct cpu, curg);
    OFFSET(CPU_G0_SP, struct cpu, g0_sp);
    OFFSET(CPU_M, struct cpu, m);
    OFFSET(CPU_TLS_G, struct cpu, tls_g);
    OFFSET(CPU_TLS_END, struct cpu, tls_end);
    OFFSET(CPU_P, struct cpu, p);
    OFFSET(CPU_ID, struct cpu, id);
    OFFSET(CPU_APIC_ID, struct cpu, apic_id);
    OFFSET(CPU_G0_LO, struct cpu, g0_lo);
    OFFSET(CPU_G0_HI, struct cpu, g0_hi);
    OFFSET(CPU_PENDING, struct cpu, pending);
    OFFSET(CPU_IRQ_DEPTH, struct cpu, irq_depth);
    OFFSET(CPU_ARCH, struct cpu, arch);
    OFFSET(CPU_SYSCALL_SP, struct cpu, syscall_sp);
    OFFSET(CPU_VEC_SCRATCH, struct cpu, vec_scratch);

    OFFSET(ARCH_TSS_IST_EXC, struct cpu_arch, tss.ist[IST_EXC - 1]);
    VALUE(IST_EXC_STEP_SIZE, IST_EXC_STEP);

    OFFSET(TF_R15, struct trap_frame, r15);
    OFFSET(TF_R14, struct trap_frame, r14);
    OFFSET(TF_RBP, struct trap_frame, rbp);
    OFFSET(TF_RDX, struct trap_frame, rdx);
    OFFSET(TF_RAX, struct trap_frame, rax);
    OFFSET(TF_VECTOR, struct trap_frame, vector);
    OFFSET(TF_ERROR, struct trap_frame, error);
    OFFSET(TF_RIP, struct trap_frame, rip);
    OFFSET(TF_RFLAGS, struct trap_frame, rflags);
    OFFSET(TF_RSP, struct trap_frame, rsp);
    VALUE(CODE_SELECTOR, SEL_CODE);
    VALUE(DATA_SELECTOR, SEL_DATA);
    VALUE(TF_SIZE, sizeof(struct trap_frame));

    OFFSET(G_STACK_LO, struct g, stack.lo);
    OFFSET(G_STACK_HI, struct g, stack.hi);
    OFFSET(G_STACKGUARD0, struct g, stackguard0);
    OFFSET(G_PANIC, struct g, panic);
    OFFSET(G_DEFER, struct g, defer);
    OFFSET(G_M, struct g, m);
    OFFSET(G_SCHED, struct g, sched);
    OFFSET(G_SCHED_SP, struct g, sched.sp);
    OFFSET(G_SCHED_PC, struct g, sched.pc);
    OFFSET(G_SCHED_G, struct g, sched.g);
    OFFSET(G_SCHED_CTXT, struct g, sched.ctxt);
    OFFSET(G_SCHED_BP, struct g, sched.bp);
    OFFSET(G_GOID, struct g, goid);
    OFFSET(G_VEC, struct g, vec);
    OFFSET(G_REGS, struct g, regs);
    OFFSET(G_CG, struct g, cg);
    OFFSET(G_STATUS, struct g, status);
    OFFSET(GOBUF_SP, struct gobuf, sp);
    OFFSET(GOBUF_PC, struct gobuf, pc);
    OFFSET(GOBUF_G, struct gobuf, g);
    OFFSET(GOBUF_CTXT, struct gobuf, ctxt);
    OFFSET(GOBUF_BP, struct gobuf, bp);
    OFFSET(M_G0, struct m, g0);
}
