/* entry.S - PVH: QEMU's -kernel starts us here, in 32-bit protected mode without paging.
 *
 *   in:  ebx = physical address of struct hvm_start_info (Xen: public/arch-x86/hvm/start_info.h)
 *   out: kernel_start in 64-bit mode, rdi = boot_info, page tables as boot_info.h promises:
 *
 *        PML4[0], PML4[256] -> pdpt_low  -> 4 page directories of 2 MiB pages: 0..4 GiB
 *        PML4[511]          -> pdpt_high [510], [511] -> the first two of them
 *
 * An NMI here would be a triple fault (there is no IDT), so LINT1 is masked first. */
#define PHYS(x) ((x) - 0xffffffff80000000)
#define LAPIC_LVT_LINT1 0xfee00360
#define LVT_MASKED      0x10000

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 8, 18              /* name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .quad PHYS(pvh_start32)

    .section .text.boot, "ax"
    .code32
    .globl pvh_start32
pvh_start32:
    cld
    cli
    movl $LVT_MASKED, LAPIC_LVT_LINT1
    rdtsc
    movl %eax, %esi             /* TSC at entry, kept in ebp:esi */
    movl %edx, %ebp

    movl $PHYS(early_pd), %edi
    movl $0x83, %eax            /* present, writable, 2 MiB */
    movl $2048, %ecx
1:  movl %eax, (%edi)
    movl $0, 4(%edi)
    addl $8, %edi
    addl $0x200000, %eax
    decl %ecx
    jnz 1b

    movl $PHYS(early_pd) + 3, %eax
    movl $PHYS(early_pdpt_low), %edi
    movl %eax, 0(%edi)
    addl $0x1000, %eax
    movl %eax, 8(%edi)
    addl $0x1000, %eax
    movl %eax, 16(%edi)
    addl $0x1000, %eax
    movl %eax, 24(%edi)
    movl $PHYS(early_pd) + 3, %eax
    movl $PHYS(early_pdpt_high), %edi
    movl %eax, 510*8(%edi)
    addl $0x1000, %eax
    movl %eax, 511*8(%edi)
    movl $PHYS(early_pml4), %edi
    movl $PHYS(early_pdpt_low) + 3, 0(%edi)
    movl $PHYS(early_pdpt_low) + 3, 256*8(%edi)
    movl $PHYS(early_pdpt_high) + 3, 511*8(%edi)

    movl %edi, %cr3
    movl %cr4, %eax
    orl $0x20, %eax             /* PAE */
    movl %eax, %cr4
    movl $0xc0000080, %ecx      /* EFER.LME */
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80000001, %eax       /* PG, PE */
    movl %eax, %cr0
    lgdt PHYS(early_gdtr)
    ljmp $8, $PHYS(pvh_start64)

    .code64
pvh_start64:
    movabsq $pvh_high, %rax
    jmp *%rax
pvh_high:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movq $boot_stack_top, %rsp
    movl %ebx, %edi
    movl %esi, %esi
    shlq $32, %rbp
    orq %rbp, %rsi
    xorl %ebp, %ebp
    call pvh_boot_info
    movq %rax, %rdi
    jmp kernel_start

    .section .rodata
    .balign 8
early_gdt:
    .quad 0
    .quad 0x00af9b000000ffff    /* 64-bit code */
    .quad 0x00cf93000000ffff    /* data */
early_gdtr:
    .word early_gdtr - early_gdt - 1
    .long PHYS(early_gdt)

    .section .bss
    .balign 4096
early_pml4:      .skip 4096
early_pdpt_low:  .skip 4096
early_pdpt_high: .skip 4096
early_pd:        .skip 4*4096

    .section .note.GNU-stack, "", @progbits
