/* lock_kept.S - the slow ways of lock() and unlock(), for callers that do not know that they call.
 *
 *   rdi  the lock
 *
 * All registers stay, and the stack may be misaligned. What is called is the kernel's, which uses
 * general registers alone. */

.macro KEPT name
    .globl \name\()_kept
    .type \name\()_kept, @function
\name\()_kept:
    pushq   %rbp
    movq    %rsp, %rbp
    pushq   %rax
    pushq   %rcx
    pushq   %rdx
    pushq   %rsi
    pushq   %rdi
    pushq   %r8
    pushq   %r9
    pushq   %r10
    pushq   %r11
    pushq   %rbx
    movq    %rsp, %rbx
    andq    $-16, %rsp
    call    \name
    movq    %rbx, %rsp
    popq    %rbx
    popq    %r11
    popq    %r10
    popq    %r9
    popq    %r8
    popq    %rdi
    popq    %rsi
    popq    %rdx
    popq    %rcx
    popq    %rax
    popq    %rbp
    ret
    .size \name\()_kept, . - \name\()_kept
.endm

    .text
    KEPT    lock_slow
    KEPT    unlock_slow

    .section .note.GNU-stack, "", @progbits
