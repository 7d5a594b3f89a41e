/* desc.c - per-CPU descriptor tables. */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/die.h"
#include "arch/x86_64/state.h"

struct cpu *cpus[CPU_MAX];
unsigned ncpu = 1;
struct cpu boot_cpu;
static struct cpu_arch boot_arch;
/* Before there is memory management the boot CPU's handlers run on these. */
static char early_ist[IST_COUNT][32768] __attribute__((aligned(16)));
extern char boot_stack[], boot_stack_top[];

const uint32_t ist_size[IST_COUNT] = { 16384, 65536, 16384, 32768, 16384 };

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
}

/* Once for each CPU, before it has our IDT: for some instructions GS points nowhere, and a
 * handler that ran then, an NMI's for instance, would have no cpu_self. */
void desc_load(struct cpu *c)
{
    struct cpu_arch *a = arch_of(c);
    struct { uint16_t limit; uint64_t base; } __attribute__((packed)) gdtr = {
        sizeof a->gdt - 1, (uintptr_t)a->gdt
    };

    ARCH_CHECK(!a->loaded, "descriptor tables of cpu %u loaded twice", c->id);
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

void cpu_fill(struct cpu *c, struct cpu_arch *a, unsigned id, uint32_t apic_id)
{
    c->self = c;
    c->id = id;
    c->apic_id = apic_id;
    c->tls_end = (uintptr_t)&c->tls_end;
    c->arch = a;
    tables_fill(a);
}

/* The TSS may be in use: the CPU reads an entry when it needs it, and each is one store. */
void cpu_set_stacks(struct cpu *c, const struct cpu_stacks *s)
{
    struct cpu_arch *a = arch_of(c);

    c->g0_lo = s->g0.lo;
    c->g0_hi = c->g0_sp = s->g0.hi;
    for (int i = 0; i < IST_COUNT; i++) {
        a->ist[i] = s->ist[i];
        a->tss.ist[i] = s->ist[i].hi;
    }
}

void desc_init_boot(void)
{
    struct cpu_stacks s = { .g0 = { (uintptr_t)boot_stack, (uintptr_t)boot_stack_top } };

    cpu_fill(&boot_cpu, &boot_arch, 0, 0);
    boot_cpu.online = true;
    for (int i = 0; i < IST_COUNT; i++) {
        s.ist[i].lo = (uintptr_t)early_ist[i];
        s.ist[i].hi = (uintptr_t)early_ist[i] + sizeof early_ist[i];
    }
    cpu_set_stacks(&boot_cpu, &s);
    cpus[0] = &boot_cpu;
    idt_init();
    desc_load(&boot_cpu);
}
