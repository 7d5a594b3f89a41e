/* cgate.S - in and out of C goroutines: cgoroutine.h. Between cg_text_lo and cg_text_hi no
 * goroutine is preempted: its sched is being written or read. */
#include "offsets.h"
#include "arch/x86_64/trapframe.inc"

    .section .rodata
default_mxcsr: .long 0x1f80             /* all exceptions masked, round to nearest */
default_fcw:   .word 0x037f

    .text
    .globl cg_text_lo
cg_text_lo:

/* void cg_call(void *frame, void (*fn)(void *))
 *
 *      return address
 *      rbp                         <- rbp: the frame that a traceback begins with
 *      rbx r12 r13 r14 r15
 *      mxcsr, x87 control word     <- g.sched.sp */
    .globl cg_call
    .type cg_call, @function
cg_call:
    pushq   %rbp
    movq    %rsp, %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    subq    $8, %rsp
    stmxcsr (%rsp)
    fnstcw  4(%rsp)
    movq    %gs:CPU_CURG, %rdx
    movq    G_CG(%rdx), %rcx
    movq    %rdi, CG_GATE_FRAME(%rcx)
    movq    $cg_call_return, G_SCHED_PC(%rdx)
    movq    %rsp, G_SCHED_SP(%rdx)
    movq    %rbp, G_SCHED_BP(%rdx)
    movq    %gs:CPU_G0_SP, %rsp
    ldmxcsr default_mxcsr(%rip)
    xorl    %ebp, %ebp
    call    *%rsi
    movq    %gs:CPU_CURG, %rdx
    movq    G_SCHED_SP(%rdx), %rsp
cg_call_return:                         /* by g_switch, when it has parked */
    ldmxcsr (%rsp)
    fldcw   4(%rsp)
    addq    $8, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    ret
    .size cg_call, . - cg_call

/* Where a new goroutine begins: fn and arg are on its stack. The registers are still those of
 * whoever ran here last; its first function would save them on a stack that the collector reads as
 * a root, and what they happen to point to would live as long as the goroutine: so they are 0. */
    .globl cg_start
    .type cg_start, @function
cg_start:
    ldmxcsr default_mxcsr(%rip)
    fninit
    popq    %rax
    popq    %rdi
    xorl    %ebx, %ebx
    xorl    %r12d, %r12d
    xorl    %r13d, %r13d
    xorl    %r14d, %r14d
    xorl    %r15d, %r15d
    xorl    %ebp, %ebp
    call    *%rax
    call    cg_exit
    ud2
    .size cg_start, . - cg_start

/* The interrupt or exception handler has copied the registers into cg->trap and put rip here
 * and rsp on the g0 stack; all else is still the goroutine's. */
    .macro save_vector_state
    movq    %gs:CPU_CURG, %rdi
    movq    G_VEC(%rdi), %rcx
    vector_state save
    ldmxcsr default_mxcsr(%rip)
    fldcw   default_fcw(%rip)
    xorl    %ebp, %ebp
    .endm

    .globl cg_preempt_entry
    .type cg_preempt_entry, @function
cg_preempt_entry:
    save_vector_state
    call    cg_preempted
    ud2
    .size cg_preempt_entry, . - cg_preempt_entry

    .globl cg_fault_entry
    .type cg_fault_entry, @function
cg_fault_entry:
    save_vector_state
    call    cg_faulted
    /* falls through */
    .size cg_fault_entry, . - cg_fault_entry

/* Back to the interrupted instruction. While rsp points into the trap frame an interrupt does
 * no harm: its handler runs on a stack of its own. */
    .globl cg_resume
    .type cg_resume, @function
cg_resume:
    movq    %gs:CPU_CURG, %rdi
    movq    G_VEC(%rdi), %rcx
    vector_state rstor
    movq    G_CG(%rdi), %rsp
    pop_registers_iret
    .size cg_resume, . - cg_resume

    .globl cg_text_hi
cg_text_hi:
    .section .note.GNU-stack, "", @progbits
