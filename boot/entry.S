/* entry.S - where every loader enters the kernel. */

#define CR0_KEEP_OUT 0xfffffffffffffff3   /* not EM, not TS */
#define CR0_SET      0x10022              /* WP, NE, MP */
#define CR4_SET      0x600                /* OSFXSR, OSXMMEXCPT: C code may use SSE */

/* rdi = struct boot_info *, 64-bit mode, interrupts off, page tables as in boot_info.h. */
    .section .text.boot, "ax"
    .globl kernel_start
kernel_start:
    cli
    cld
    movq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    movq %cr0, %rax
    andq $CR0_KEEP_OUT, %rax
    orq $CR0_SET, %rax
    movq %rax, %cr0
    movq %cr4, %rax
    orq $CR4_SET, %rax
    movq %rax, %cr4
    call kernel_main
    ud2

    .section .note.GNU-stack, "", @progbits
