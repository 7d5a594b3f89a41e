/* test_idle.c - a CPU that halts, and shootdowns meanwhile: a `hlt` that ends without a trap (an
 * SMI, a hypervisor that resumes behind it) leaves the CPU awake, and others must know. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The machine under arch/: what asm.h and arch.h have single instructions for. */
#define ARCH_ASM_H
#define irq_save hw_irq_save
#define irq_restore hw_irq_restore
#include "arch/x86_64/arch.h"
#undef irq_save
#undef irq_restore
static unsigned flushes[2], all_flushes[2], now_on; /* of each CPU; which CPU this is */
static void invlpg(uintptr_t va) { (void)va; flushes[now_on]++; }
static uint64_t read_cr3(void) { return 0; }
static void write_cr3(uint64_t v) { (void)v; all_flushes[now_on]++; }
static void irq_disable(void) {}
static void irq_enable(void) {}
static uint64_t irq_save(void) { return 0; }
static void irq_restore(uint64_t flags) { (void)flags; }

#include "arch/x86_64/idle.c"
#include "arch/x86_64/tlb.c"

static int failures;
static void report(const char *name, int good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

static struct cpu cpu[2];
static struct cpu_arch arch[2];
struct cpu *cpus[CPU_MAX] = {&cpu[0], &cpu[1]};
unsigned ncpu = 2;
uint32_t crash_owner;
static unsigned ipis;
static int64_t now;
int64_t clock_mono_ns(void) { return now += 1000; }

static void be(unsigned id)
{
    now_on = id;
    syscall(SYS_arch_prctl, ARCH_SET_GS, (unsigned long)&cpu[id]);
}

/* The IPI's handler, on the CPU that gets it. */
void ipi_send(unsigned to, enum ipi_kind kind)
{
    unsigned from = now_on;

    ipis += kind == IPI_TLB;
    be(to);
    tlb_halt_end();
    tlb_poll();
    be(from);
}

void arch_die(const char *file, int line, const char *fmt, ...)
{
    printf("FAIL %s:%d %s\n", file, line, fmt);
    exit(1);
}

/* hlt, which just returns; CPU 0 unmaps something meanwhile, or not. */
static int unmaps;
void idle_halt(void)
{
    if (!unmaps)
        return;
    be(0);
    tlb_shootdown(0x1000, 0x1000);
    be(1);
}

int main(void)
{
    volatile uint32_t flag = 0;

    for (unsigned i = 0; i < 2; i++) {
        cpu[i].self = &cpu[i];
        cpu[i].id = i;
        cpu[i].arch = &arch[i];
        arch[i].tlb_ready = 1;
    }
    unmaps = 1;
    be(1);
    cpu_idle(&flag);
    report("a CPU that halts is left alone", ipis == 0);
    report("it forgets everything when it is awake", all_flushes[1] == 1);
    be(0);
    tlb_shootdown(0x2000, 0x1000);
    report("awake, it is told", ipis == 1 && flushes[1] == 1);
    unmaps = 0;
    be(1);
    cpu_idle(&flag);
    report("with nothing to forget it forgets nothing", all_flushes[1] == 1);
    be(0);
    tlb_shootdown(0x2000, 0x1000);
    report("awake again, it is told", ipis == 2 && flushes[1] == 2);
    flag = 1;
    be(1);
    cpu_idle(&flag);
    be(0);
    tlb_shootdown(0x2000, 0x1000);
    report("one that need not halt is told", ipis == 3 && flushes[1] == 3);
    report("its halts are counted", cpu[1].idle_ns > 0 && !cpu_halts(&cpu[1]));
    return failures != 0;
}
