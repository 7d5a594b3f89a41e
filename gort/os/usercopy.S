/* usercopy.S - size_t user_copy(void *dst, const void *src, size_t n), of gort/os/user.h.
 *
 *   rdi dst, rsi src, rdx bytes that are left: each loop changes them only when a whole step has
 *   been done, so that the state is true at every instruction that may fault.
 *
 * The last bytes are copied as a word that begins in what has been copied, if that is a word long.
 *
 * A fault in the loops of words goes on bytewise, up to the byte that cannot be copied; a fault
 * there ends the copy. user_fault_irq (user.c) knows the ranges by their labels. Words of eight
 * bytes, as in memcpy: QEMU's TCG executes `rep movs` slowly. */

    .text
    .globl user_copy
    .type user_copy, @function
user_copy:
    .globl user_words_lo
user_words_lo:
    movq    %rdx, %r10
    cmpq    $32, %rdx
    jb      2f
1:
    movq    (%rsi), %rax
    movq    8(%rsi), %rcx
    movq    16(%rsi), %r8
    movq    24(%rsi), %r9
    movq    %rax, (%rdi)
    movq    %rcx, 8(%rdi)
    movq    %r8, 16(%rdi)
    movq    %r9, 24(%rdi)
    addq    $32, %rsi
    addq    $32, %rdi
    subq    $32, %rdx
    cmpq    $32, %rdx
    jae     1b
2:
    cmpq    $8, %rdx
    jb      4f
    movq    (%rsi), %rax
    movq    %rax, (%rdi)
    addq    $8, %rsi
    addq    $8, %rdi
    subq    $8, %rdx
    jmp     2b
4:
    testq   %rdx, %rdx
    jz      user_copied
    cmpq    $8, %r10
    jb      user_bytes_lo
    movq    -8(%rsi,%rdx), %rax
    movq    %rax, -8(%rdi,%rdx)
    xorl    %edx, %edx
    jmp     user_copied
    .globl user_bytes_lo
user_bytes_lo:
    testq   %rdx, %rdx
    jz      user_copied
3:
    movb    (%rsi), %al
    movb    %al, (%rdi)
    incq    %rsi
    incq    %rdi
    decq    %rdx
    jnz     3b
    .globl user_copied
user_copied:
    movq    %rdx, %rax
    ret
    .size user_copy, . - user_copy

    .section .note.GNU-stack, "", @progbits
