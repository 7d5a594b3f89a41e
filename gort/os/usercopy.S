/* usercopy.S - size_t user_copy(void *dst, const void *src, size_t n), of gort/os/user.h.
 *
 *   rdi dst, rsi src, rdx bytes that are left: each loop changes them only when a whole step has
 *   been done, so that the state is true at every instruction that may fault.
 *
 * The last bytes are copied as a word that begins in what has been copied, if that is a word long.
 *
 * A fault in the loops of words goes on bytewise, up to the byte that cannot be copied; a fault
 * there ends the copy. user_fault_irq (user.c) knows the ranges by their labels. Words of sixteen
 * bytes, since g0's vector registers are free in a gate; QEMU's TCG executes `rep movs` slowly. */

    .text
    .globl user_copy
    .type user_copy, @function
user_copy:
    .globl user_words_lo
user_words_lo:
    movq    %rdx, %r10
    cmpq    $64, %rdx
    jb      2f
1:
    movups  (%rsi), %xmm0
    movups  16(%rsi), %xmm1
    movups  32(%rsi), %xmm2
    movups  48(%rsi), %xmm3
    movups  %xmm0, (%rdi)
    movups  %xmm1, 16(%rdi)
    movups  %xmm2, 32(%rdi)
    movups  %xmm3, 48(%rdi)
    addq    $64, %rsi
    addq    $64, %rdi
    subq    $64, %rdx
    cmpq    $64, %rdx
    jae     1b
2:
    cmpq    $16, %rdx
    jb      4f
3:
    movups  (%rsi), %xmm0
    movups  %xmm0, (%rdi)
    addq    $16, %rsi
    addq    $16, %rdi
    subq    $16, %rdx
    cmpq    $16, %rdx
    jae     3b
4:
    testq   %rdx, %rdx
    jz      user_copied
    cmpq    $16, %r10
    jb      5f
    movups  -16(%rsi,%rdx), %xmm0
    movups  %xmm0, -16(%rdi,%rdx)
    xorl    %edx, %edx
    jmp     user_copied
5:
    cmpq    $8, %r10
    jb      user_bytes_lo
    movq    (%rsi), %rax
    movq    -8(%rsi,%rdx), %rcx
    movq    %rax, (%rdi)
    movq    %rcx, -8(%rdi,%rdx)
    xorl    %edx, %edx
    jmp     user_copied
    .globl user_bytes_lo
user_bytes_lo:
    testq   %rdx, %rdx
    jz      user_copied
6:
    movb    (%rsi), %al
    movb    %al, (%rdi)
    incq    %rsi
    incq    %rdi
    decq    %rdx
    jnz     6b
    .globl user_copied
user_copied:
    movq    %rdx, %rax
    ret
    .size user_copy, . - user_copy

    .section .note.GNU-stack, "", @progbits
