/* ap_start.S - the first instructions of every other CPU, copied to a page below 1 MiB.
 *
 * STARTUP enters at CS = page << 8, IP = 0, in real mode. The page holds code and, at its
 * end, the parameters that smp.c fills in before each STARTUP:
 *
 *   ap_param_base  physical address of this page      ap_param_root   page tables (< 4 GiB)
 *   ap_param_stack g0 stack                           ap_param_cpu    struct cpu *
 *   ap_param_ticket 1: come in. The CPU takes it by exchange, and the boot CPU takes it back when
 *                  it gives a CPU up: one that wakes up late finds 0 and halts
 *
 * The page is mapped 1:1 (read, execute) while CPUs start; paging is switched on from it. It is
 * nobody else's for ever, and one without a ticket stays in it, without paging. */
#define OFF(x) ((x) - ap_start)

    .section .rodata
    .balign 16
    .globl ap_start, ap_start_end, ap_param_base, ap_param_root, ap_param_stack, ap_param_cpu
    .globl ap_param_efer, ap_param_ticket
    .code16
ap_start:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    movl OFF(ap_param_base), %ebx
    leal OFF(ap_gdt)(%ebx), %eax
    movl %eax, OFF(ap_gdtr) + 2
    leal OFF(ap_32)(%ebx), %eax
    movl %eax, OFF(ap_far32)
    leal OFF(ap_64)(%ebx), %eax
    movl %eax, OFF(ap_far64)
    lgdtl OFF(ap_gdtr)
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl *OFF(ap_far32)

    .code32
ap_32:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    xchgl %eax, OFF(ap_param_ticket)(%ebx)
    testl %eax, %eax
    jz ap_late
    movl %cr4, %eax
    orl $0x620, %eax            /* PAE, OSFXSR, OSXMMEXCPT */
    movl %eax, %cr4
    movl OFF(ap_param_root)(%ebx), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    movl OFF(ap_param_efer)(%ebx), %eax
    xorl %edx, %edx
    wrmsr
    movl $0x80010033, %eax      /* PG, WP, NE, ET, MP, PE */
    movl %eax, %cr0
    ljmpl *OFF(ap_far64)(%ebx)
ap_late:
    cli
    hlt
    jmp ap_late

    .code64
ap_64:
    movl %ebx, %ebx
    movq OFF(ap_param_cpu)(%rbx), %rdi
    movq OFF(ap_param_stack)(%rbx), %rsp
    xorl %ebp, %ebp
    pushq $0                    /* the end of backtraces */
    movq $ap_main, %rax
    jmp *%rax

    .balign 8
ap_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff    /* 32-bit code */
    .quad 0x00cf93000000ffff    /* data */
    .quad 0x00af9b000000ffff    /* 64-bit code */
ap_gdtr:
    .word ap_gdtr - ap_gdt - 1
    .long 0
ap_far32:
    .long 0
    .word 8
ap_far64:
    .long 0
    .word 24
    .balign 8
ap_param_base:   .long 0
ap_param_efer:   .long 0
ap_param_ticket: .long 0
ap_param_root:   .quad 0
ap_param_stack:  .quad 0
ap_param_cpu:    .quad 0
ap_start_end:

    .section .note.GNU-stack, "", @progbits
