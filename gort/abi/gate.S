/* gate.S - the switches between goroutine stacks and the per-CPU g0 stack.
 *
 * A gate, seen from the stub (build/gen/zgates_amd64.s):
 *
 *      ...            arguments and results, in the caller's frame
 *      ret            into the stub's caller          <- g.sched.sp
 *      pc in stub     pushed by CALL gate_enter       <- rsp on entry; becomes g.sched.pc
 *
 * While C runs on g0 the goroutine is completely described by g.sched: it can be unwound,
 * moved, parked and resumed on any CPU. */
#include "offsets.h"
#include "arch/x86_64/trapframe.inc"

    .text
    .globl gate_text_lo
gate_text_lo:

/* rax = C function (slot of the kernel table). Go's ABI0: everything but rsp is the caller's
 * to save, rbp is kept. Interrupts may come at any instruction: they run on IST stacks and
 * take a pc outside the app's text to mean "do not touch". */
    .globl gate_enter
    .type gate_enter, @function
gate_enter:
    popq    %rcx
    movq    %gs:CPU_CURG, %rdx
    movq    %rcx, G_SCHED_PC(%rdx)
    movq    %rsp, G_SCHED_SP(%rdx)
    movq    %rbp, G_SCHED_BP(%rdx)
    leaq    8(%rsp), %rdi
    movq    %gs:CPU_G0_SP, %rsp
    xorl    %ebp, %ebp
    call    *%rax
    /* The gate did not park: the same goroutine goes on, perhaps on a moved stack. */
    movq    %gs:CPU_CURG, %rdx
    movq    G_SCHED_SP(%rdx), %rsp
    movq    G_SCHED_BP(%rdx), %rbp
    jmpq    *G_SCHED_PC(%rdx)
    .size gate_enter, . - gate_enter

/* g_switch(struct g *gp): continue gp at gp->sched, as Go's ABIInternal wants the world:
 * r14 = g, xmm15 = 0, rdx = context. Does not return. The caller has set cpu->curg. */
    .globl g_switch
    .type g_switch, @function
g_switch:
    movq    %rdi, %gs:CPU_TLS_G
    movq    %rdi, %r14
    xorps   %xmm15, %xmm15
    movq    G_SCHED_CTXT(%rdi), %rdx
    movq    $0, G_SCHED_CTXT(%rdi)
    movq    G_SCHED_BP(%rdi), %rbp
    movq    G_SCHED_SP(%rdi), %rsp
    jmpq    *G_SCHED_PC(%rdi)
    .size g_switch, . - g_switch

/* g_switch_args(struct g *gp, a, b, c): as g_switch, with ABIInternal arguments in ax, bx, cx. */
    .globl g_switch_args
    .type g_switch_args, @function
g_switch_args:
    movq    %rsi, %rax
    movq    %rdx, %rbx
    jmp     g_switch
    .size g_switch_args, . - g_switch_args

/* void go_call_switch(struct g *helper, uintptr_t fn, uintptr_t ctxt, const uintptr_t args[4])
 * Saves the C state on g0, moves g0_sp below it and runs fn on the helper. gocall_return,
 * called by the helper's last gate, comes back to the caller of this function.
 *
 *      return address of go_call_switch
 *      rbp rbx r12 r13 r14 r15
 *      old cpu->g0_sp                  <- new cpu->g0_sp (16-byte aligned) */
    .globl go_call_switch
    .type go_call_switch, @function
go_call_switch:
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    pushq   %gs:CPU_G0_SP
    movq    %rsp, %gs:CPU_G0_SP
    movq    %rdi, %gs:CPU_TLS_G
    movq    %rdi, %r14
    movq    %rsi, %r8
    xorps   %xmm15, %xmm15
    movq    G_SCHED_SP(%rdi), %rsp
    movq    %rcx, %rsi
    movq    0(%rsi), %rax
    movq    8(%rsi), %rbx
    movq    16(%rsi), %rcx
    movq    24(%rsi), %rdi
    xorl    %ebp, %ebp
    jmpq    *%r8
    .size go_call_switch, . - go_call_switch

/* void gocall_return(void): on g0 below go_call_switch's frame; drops to it and returns from it. */
    .globl gocall_return
    .type gocall_return, @function
gocall_return:
    movq    %gs:CPU_G0_SP, %rsp
    popq    %gs:CPU_G0_SP
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    ret
    .size gocall_return, . - gocall_return

/* Vector state of an asynchronously preempted goroutine, called from asyncPreempt on the
 * goroutine's stack. Save: into the CPU's scratch area. Restore: from the g's own area (the
 * gate has swapped them). Clobber rax, rcx, rdx, r11 only: asyncPreempt has saved those. */
    .globl vec_save
    .type vec_save, @function
vec_save:
    movq    %gs:CPU_VEC_SCRATCH, %rcx
    vector_state save
    ret
    .size vec_save, . - vec_save

    .globl vec_restore
    .type vec_restore, @function
vec_restore:
    movq    %gs:CPU_CURG, %rcx
    movq    G_VEC(%rcx), %rcx
    vector_state rstor
    ret
    .size vec_restore, . - vec_restore

    .globl gate_text_hi
gate_text_hi:
    .section .note.GNU-stack, "", @progbits
