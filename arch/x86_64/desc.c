/* desc.c - per-CPU descriptor tables and stacks. */
#include <string.h>
#include "arch/x86_64/asm.h"
#include "arch/x86_64/state.h"
#include "kernel/check.h"
#include "mm/mm.h"

struct cpu *cpus[CPU_MAX];
unsigned ncpu = 1;
struct cpu boot_cpu;
static struct cpu_arch boot_arch;
/* Before there is memory management the boot CPU's handlers run on these. */
static char early_ist[IST_COUNT][32768] __attribute__((aligned(16)));
extern char boot_stack[], boot_stack_top[];

static const uint32_t ist_size[IST_COUNT] = { 16384, 65536, 16384, 32768, 16384 };

static void tables_fill(struct cpu_arch *a)
{
    uintptr_t t = (uintptr_t)&a->tss;

    a->gdt[0] = 0;
    a->gdt[1] = 0x00af9b000000ffffull; /* 64-bit code, ring 0, accessed */
    a->gdt[2] = 0x00cf93000000ffffull; /* data, ring 0, accessed */
    a->gdt[3] = (sizeof a->tss - 1) | (t & 0xffffff) << 16 | 0x89ull << 40 |
                (t >> 24 & 0xff) << 56;
    a->gdt[4] = t >> 32;
    a->tss.iomap = sizeof a->tss;
    for (int i = 0; i < IST_COUNT; i++)
        a->tss.ist[i] = a->ist[i].hi;
}

/* Once for each CPU, before it has our IDT: for some instructions GS points nowhere, and a
 * handler that ran then, an NMI's for instance, would have no cpu_self. */
void desc_load(struct cpu *c)
{
    struct cpu_arch *a = arch_of(c);
    struct { uint16_t limit; uint64_t base; } __attribute__((packed)) gdtr = {
        sizeof a->gdt - 1, (uintptr_t)a->gdt
    };

    CHECK(!a->loaded, "descriptor tables of cpu %u loaded twice", c->id);
    a->loaded = true;
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\tmovl %2, %%ds; movl %2, %%es; movl %2, %%ss\n\t"
                     "movl %3, %%fs; movl %3, %%gs\n\t"
                     "ltr %w4"
                     ::"m"(gdtr), "i"(SEL_CODE), "r"(SEL_DATA), "r"(0), "r"(SEL_TSS)
                     : "rax", "memory");
    wrmsr(MSR_GS_BASE, (uintptr_t)c);
    wrmsr(MSR_FS_BASE, (uintptr_t)&c->tls_end);
    idt_load();
}

static void cpu_fill(struct cpu *c, struct cpu_arch *a, unsigned id, uint32_t apic_id)
{
    c->self = c;
    c->id = id;
    c->apic_id = apic_id;
    c->tls_end = (uintptr_t)&c->tls_end;
    c->arch = a;
}

void desc_init_boot(void)
{
    cpu_fill(&boot_cpu, &boot_arch, 0, 0);
    boot_cpu.g0_lo = (uintptr_t)boot_stack;
    boot_cpu.g0_hi = boot_cpu.g0_sp = (uintptr_t)boot_stack_top;
    boot_cpu.online = true;
    for (int i = 0; i < IST_COUNT; i++) {
        boot_arch.ist[i].lo = (uintptr_t)early_ist[i];
        boot_arch.ist[i].hi = (uintptr_t)early_ist[i] + sizeof early_ist[i];
    }
    tables_fill(&boot_arch);
    cpus[0] = &boot_cpu;
    idt_init();
    desc_load(&boot_cpu);
}

/* A committed stack with an unmapped page below it. Returns the lowest byte, 0 if none. */
static uintptr_t stack_new(size_t size)
{
    uintptr_t va = vm_reserve(VM_KERNEL, 0, size + PAGE_SIZE, PAGE_SIZE);

    if (!va || vm_commit(va + PAGE_SIZE, size) < 0)
        return 0;
    return va + PAGE_SIZE;
}

/* The TSS may be in use: the CPU reads an entry when it needs it, and each is one store. */
static bool stacks_make(struct cpu *c, struct cpu_arch *a)
{
    c->g0_lo = stack_new(G0_STACK_SIZE);
    if (!c->g0_lo)
        return false;
    c->g0_hi = c->g0_sp = c->g0_lo + G0_STACK_SIZE;
    for (int i = 0; i < IST_COUNT; i++) {
        a->ist[i].lo = stack_new(ist_size[i]);
        if (!a->ist[i].lo)
            return false;
        a->ist[i].hi = a->ist[i].lo + ist_size[i];
        a->tss.ist[i] = a->ist[i].hi;
    }
    return true;
}

struct cpu *cpu_create(unsigned id, uint32_t apic_id)
{
    struct cpu *c = persistent_alloc(sizeof *c, 64, NULL);
    struct cpu_arch *a = persistent_alloc(sizeof *a, 64, NULL);

    cpu_fill(c, a, id, apic_id);
    tables_fill(a);
    return stacks_make(c, a) ? c : NULL;
}

void boot_cpu_finish(void)
{
    CHECK(stacks_make(&boot_cpu, &boot_arch), "no memory for the boot CPU's stacks");
}
