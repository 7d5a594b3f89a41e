/* traps.S - the 256 entries of the IDT.
 *
 * The CPU switches to the vector's IST stack (aligned to 16) and pushes ss, rsp, rflags, cs,
 * rip and for some vectors an error code. The stubs complete struct trap_frame:
 *
 *   high  ss rsp rflags cs rip | error vector | rax rbx rcx rdx rsi rdi rbp r8 .. r15  low = rsp
 *
 * 22 words = 11 * 16 bytes, so the stack is aligned for C at the call. Floating-point state
 * is not saved: everything called from here is compiled with -mgeneral-regs-only. */
#include "offsets.h"
#include "trapframe.inc"

#define TRAP_NMI 2
#define TRAP_DF  8
#define TRAP_MC  18

    .text
    .altmacro
/* Vectors 8, 10-14, 17, 21, 29 and 30 push an error code (SDM vol. 3, table 6-1). */
    .macro stub n
    .balign 16
    .if (\n == 8) || ((\n >= 10) && (\n <= 14)) || (\n == 17) || (\n == 21)
    .elseif (\n == 29) || (\n == 30)
    .else
    pushq $0
    .endif
    pushq $\n
    .if (\n < 32) && (\n != TRAP_NMI) && (\n != TRAP_DF) && (\n != TRAP_MC)
    jmp exception_entry
    .else
    jmp trap_entry
    .endif
    .endm

    .balign 16
    .globl trap_stubs
trap_stubs:
    .set i, 0
    .rept 256
    stub %i
    .set i, i + 1
    .endr

    .macro enter_c
    push_registers
    cld
    xorl %ebp, %ebp
    movq %rsp, %rdi
    .endm

/* While an exception is handled, the IST entry points below its frame, so that a fault in
 * the handler does not overwrite it. Runs out after three levels into the guard page: #DF. */
exception_entry:
    enter_c
    movq %gs:CPU_ARCH, %rbx
    subq $IST_EXC_STEP_SIZE, ARCH_TSS_IST_EXC(%rbx)
    call trap_dispatch
    addq $IST_EXC_STEP_SIZE, ARCH_TSS_IST_EXC(%rbx)
    pop_registers_iret

trap_entry:
    enter_c
    call trap_dispatch
    pop_registers_iret

/* void idle_halt(void): interrupts off -> on, and halts until one comes. `sti` takes effect behind
 * the next instruction, so none comes between the two. But an NMI may, and its IRET leaves
 * nothing of the delay: an interrupt that is pending would be taken before `hlt`, which would then
 * wait for another one. trap.c knows the address and returns behind the `hlt` instead. */
    .globl idle_halt, idle_hlt
    .type idle_halt, @function
idle_halt:
    sti
idle_hlt:
    hlt
    ret
    .size idle_halt, . - idle_halt

    .section .note.GNU-stack, "", @progbits
