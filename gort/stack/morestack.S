/* morestack.S - from a prologue to rt_newstack on g0: stack.h. */
#include "offsets.h"

    .text
/* A prologue found the stack too small (or stackguard0 set to trap). rdx = closure context.
 *
 *      ret            f's return address              <- g.sched.sp
 *      pc in f        behind its CALL morestack       <- rsp on entry
 *
 * f has no frame yet; its register arguments are spilled where the unwinder expects them. */
    .globl morestack_enter
    .type morestack_enter, @function
morestack_enter:
    popq    %rcx
    movq    %gs:CPU_CURG, %rax
    movq    %rcx, G_SCHED_PC(%rax)
    movq    %rsp, G_SCHED_SP(%rax)
    movq    %rbp, G_SCHED_BP(%rax)
    movq    %rdx, G_SCHED_CTXT(%rax)
    movq    %gs:CPU_G0_SP, %rsp
    xorl    %ebp, %ebp
    movq    %rax, %rdi
    call    rt_newstack
    .globl morestack_return
morestack_return:
    movq    %gs:CPU_CURG, %rdi
    jmp     g_switch
    .size morestack_enter, . - morestack_enter

    .section .note.GNU-stack, "", @progbits
