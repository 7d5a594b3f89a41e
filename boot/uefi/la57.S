/* la57.S - leaves 5-level paging, which some firmware runs with and our kernel does not.
 *
 * CR4.LA57 cannot change in long mode (SDM vol. 3, 2.5), so paging has to be off for a
 * moment: 64-bit code -> 32-bit compatibility segment -> paging off, LA57 and CR3 changed,
 * paging on -> back to 64-bit code. All of it lies between la57_start and la57_end, does not
 * care where it is, and is copied to a page below 4 GiB that is mapped 1:1 before and after.
 *
 * void la57_start(uint32_t cr3, uint64_t cr4): RDI, RSI; interrupts off. The GDT stays ours
 * (in the copy) afterwards. */
    .text
    .globl la57_start, la57_end
    .balign 16
la57_start:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, saved_rsp(%rip)      /* upper register halves do not survive 32-bit mode */
    leaq gdt(%rip), %rax
    movq %rax, gdt_base(%rip)
    lgdt gdt_limit(%rip)
    leaq back64(%rip), %rax
    movl %eax, far_offset(%rip)
    leaq far_offset(%rip), %rbx
    leaq in32(%rip), %rax
    pushq $8
    pushq %rax
    lretq

    .code32
in32:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %cr0, %eax
    andl $0x7fffffff, %eax
    movl %eax, %cr0
    movl %edi, %cr3
    movl %esi, %cr4
    orl $0x80000000, %eax
    movl %eax, %cr0
    ljmp *(%ebx)

    .code64
back64:
    movq saved_rsp(%rip), %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff        /* 0x08: 32-bit code */
    .quad 0x00cf93000000ffff        /* 0x10: data */
    .quad 0x00af9b000000ffff        /* 0x18: 64-bit code */
gdt_limit:
    .word 4 * 8 - 1
gdt_base:
    .quad 0
far_offset:
    .long 0
    .word 0x18
    .balign 8
saved_rsp:
    .quad 0
la57_end:
    .section .note.GNU-stack, "", @progbits
