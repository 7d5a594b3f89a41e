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

static uint64_t low;            /* the page that they start in */
static bool begun;
static unsigned next;           /* of acpi.cpu_apic_id, to be started */
static struct cpu *waking;      /* NULL: none is on its way */

static bool is_deaf(uint32_t apic_id) { return options.deadcpu && apic_id == options.deadcpu; }

static void not_started(uint32_t apic_id)
{
    kprintf("gort: the CPU with APIC id %u did not start, going on without it\n", apic_id);
}

/* Starts the next one, if there is one. */
static void wake_next(void)
{
    waking = NULL;
    while (!waking && next < acpi.ncpus) {
        uint32_t id = acpi.cpu_apic_id[next++];
        if (id == boot_cpu.apic_id)
            continue;
        if (ncpu >= most()) {
            boot_log("cpu with APIC id %u not used (maxcpus)", id);
            continue;
        }
        waking = smp_addressable(id) ? cpu_create(ncpu, id) : NULL;
        if (waking)
            smp_wake(waking, is_deaf(id));
        else
            not_started(id);
    }
}

static void await(struct cpu *c)
{
    if (!smp_await(c, is_deaf(c->apic_id)))
        not_started(c->apic_id);
    else if (tsc_sync_found())
        boot_log("the TSC of cpu %u is %lld ticks ahead of cpu 0's: corrected", c->id,
                 (long long)tsc_sync_found());
}

void cpus_begin(void)
{
    low = mm_low_page();
    if (acpi.ncpus < 2 || most() < 2)
        return;
    if (!low || vm_map_phys(low, low, PAGE_SIZE, VM_R | VM_X) < 0) {
        kprintf("gort: no page below 1 MiB: only the boot CPU is used\n");
        return;
    }
    smp_begin(low, cpu_begins, acpi.cpu_apic_id, acpi.ncpus);
    begun = true;
    wake_next();
}

bool cpus_settled(void) { return !waking; }

void cpus_finish(void)
{
    if (!begun)
        return;
    for (; waking; wake_next())
        await(waking);
    vm_unmap_phys(low, PAGE_SIZE);
    if (options.deadcpu) /* it comes to life now: too late */
        lapic_send_startup((uint32_t)options.deadcpu, (uint8_t)(low >> 12));
}
