/* pagefault.S - from a page fault to C on g0, and back to the instruction: fault.h. */
#include "offsets.h"
#include "arch/x86_64/trapframe.inc"

    .text
/* A page of the program's is missing: page_fault_irq has put the trap frame here, on g0, and made
 * interrupts possible. All but the registers in the frame is still the goroutine's; C may use
 * vector registers, which the CPU's scratch area keeps meanwhile: nobody saves into it before
 * this returns, the goroutine being neither preempted nor parked. */
    .globl page_fault_entry
    .type page_fault_entry, @function
page_fault_entry:
    movq    %gs:CPU_VEC_SCRATCH, %rcx
    vector_state save
    movq    %rsp, %rdi
    xorl    %ebp, %ebp
    call    page_faulted
    movq    %gs:CPU_VEC_SCRATCH, %rcx
    vector_state rstor
    pop_registers_iret
    .size page_fault_entry, . - page_fault_entry

/* The kernel has touched lazy memory, at rdi: its trap frame is here, on its own stack. All that is
 * called is compiled without vector registers. rbp is kept, so a traceback goes on. */
    .globl kernel_fault_entry
    .type kernel_fault_entry, @function
kernel_fault_entry:
    call    kernel_faulted
    pop_registers_iret
    .size kernel_fault_entry, . - kernel_fault_entry

    .section .note.GNU-stack, "", @progbits
