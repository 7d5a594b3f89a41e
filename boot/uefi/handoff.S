/* handoff.S - the last instructions of the loader.
 *
 * void handoff(cr3, stack_top, entry, info_pa): RDI, RSI, RDX, RCX
 *
 * This code lies in memory that both the firmware's and the new page tables map 1:1. The
 * kernel's entry gets boot_info's physical address in RDI and a stack that is aligned as
 * after a call, with 0 as the return address:
 *
 *   stack_top ->  (16-byte aligned, direct map)
 *         RSP ->  0                 return address
 */
    .text
    .globl handoff
    .type handoff, @function
handoff:
    cli
    cld
    movq %rdi, %cr3
    movq %rsi, %rsp
    pushq $0
    movq %rcx, %rdi
    xorl %ebp, %ebp
    jmp *%rdx
    .size handoff, . - handoff
    .section .note.GNU-stack, "", @progbits
