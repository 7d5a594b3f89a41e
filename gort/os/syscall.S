/* syscall.S - from the SYSCALL instruction to g0 and back: instruction.h. */
#include "offsets.h"
#include "arch/x86_64/trapframe.inc"

    .section .rodata
default_mxcsr: .long 0x1f80             /* all exceptions masked, round to nearest */
default_fcw:   .word 0x037f

    .text
/* Interrupts are off until the goroutine is off its stack. On g0, at its top, a struct trap_frame
 * as traps.S makes it:
 *
 *   g0_sp  ss rsp rflags cs rip | 0 0 | rax rbx rcx rdx rsi rdi rbp r8 .. r15    <- rdi for C */
    .globl syscall_entry
    .type syscall_entry, @function
syscall_entry:
    movq    %rsp, %gs:CPU_SYSCALL_SP
    movq    %gs:CPU_G0_SP, %rsp
    pushq   $DATA_SELECTOR
    pushq   %gs:CPU_SYSCALL_SP
    pushq   %r11
    pushq   $CODE_SELECTOR
    pushq   %rcx
    pushq   $0
    pushq   $0
    push_registers
    movq    %gs:CPU_VEC_SCRATCH, %rcx
    vector_state save
    ldmxcsr default_mxcsr(%rip)
    fldcw   default_fcw(%rip)
    movq    %gs:CPU_CURG, %rdi          /* a profile's sample finds the program's frames */
    movq    TF_RIP(%rsp), %rax
    movq    %rax, G_SCHED_PC(%rdi)
    movq    TF_RSP(%rsp), %rax
    movq    %rax, G_SCHED_SP(%rdi)
    movq    %rbp, G_SCHED_BP(%rdi)
    movq    %rsp, %rdi
    xorl    %ebp, %ebp
    sti
    call    syscall_instruction
    ud2
    .size syscall_entry, . - syscall_entry

/* By g_switch: back behind the instruction. */
    .globl syscall_resume
    .type syscall_resume, @function
syscall_resume:
    movq    %gs:CPU_CURG, %rdi
    movq    G_VEC(%rdi), %rcx
    vector_state rstor
    movq    G_REGS(%rdi), %rsp
    pop_registers_iret
    .size syscall_resume, . - syscall_resume

    .section .note.GNU-stack, "", @progbits
