/* cpus.c - the CPUs that ACPI names: memory for each, its start, a line about it. */
#include "drivers/cpus.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/state.h"
#include "arch/x86_64/tscsync.h"
#include "drivers/acpi.h"
#include "kernel/mce.h"
#include "kernel/options.h"
#include "kernel/print.h"
#include "kernel/random.h"
#include "mm/mm.h"

static unsigned most(void)
{
    return options.maxcpus && options.maxcpus < CPU_MAX ? (unsigned)options.maxcpus : CPU_MAX;
}

/* On each new CPU. */
static void cpu_begins(void)
{
    mce_setup();
    random_cpu_init();
}

static void start(uint32_t apic_id)
{
    if (ncpu >= most()) {
        boot_log("cpu with APIC id %u not used (maxcpus)", apic_id);
        return;
    }
    struct cpu *c = smp_addressable(apic_id) ? cpu_create(ncpu, apic_id) : NULL;
    if (!c || !smp_start_one(c, options.deadcpu && apic_id == options.deadcpu))
        kprintf("gort: the CPU with APIC id %u did not start, going on without it\n", apic_id);
    else if (tsc_sync_found())
        boot_log("the TSC of cpu %u is %lld ticks ahead of cpu 0's: corrected", c->id,
                 (long long)tsc_sync_found());
}

void cpus_start(void)
{
    uint64_t low = mm_low_page();

    if (acpi.ncpus < 2 || most() < 2)
        return;
    if (!low || vm_map_phys(low, low, PAGE_SIZE, VM_R | VM_X) < 0) {
        kprintf("gort: no page below 1 MiB: only the boot CPU is used\n");
        return;
    }
    smp_begin(low, cpu_begins, acpi.cpu_apic_id, acpi.ncpus);
    for (unsigned i = 0; i < acpi.ncpus; i++)
        if (acpi.cpu_apic_id[i] != boot_cpu.apic_id)
            start(acpi.cpu_apic_id[i]);
    vm_unmap_phys(low, PAGE_SIZE);
    if (options.deadcpu) /* it comes to life now: too late */
        lapic_send_startup((uint32_t)options.deadcpu, (uint8_t)(low >> 12));
}
