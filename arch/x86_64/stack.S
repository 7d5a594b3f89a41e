/* stack.S - the boot CPU's first stack, and the switch to another one. */

/* stack_call(void *top, void (*fn)(void *), void *arg): leaves the old stack for good. */
    .text
    .globl stack_call
    .type stack_call, @function
stack_call:
    movq %rdi, %rsp
    xorl %ebp, %ebp
    movq %rdx, %rdi
    call *%rsi
    ud2
    .size stack_call, . - stack_call

    .section .bss
    .balign 4096
    .globl boot_stack, boot_stack_top
boot_stack: .skip 32768
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
