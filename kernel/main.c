/* main.c - the script of the boot. */
#include "kernel/main.h"
#include <string.h>
#include "arch/x86_64/asm.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/state.h"
#include "arch/x86_64/tscsync.h"
#include "boot/common/cpio.h"
#include "drivers/acpi.h"
#include "drivers/console.h"
#include "drivers/cpus.h"
#include "drivers/e1000e.h"
#include "drivers/fbcon.h"
#include "drivers/irq.h"
#include "drivers/net.h"
#include "drivers/pci.h"
#include "drivers/power.h"
#include "drivers/rtc.h"
#include "drivers/timer_ref.h"
#include "drivers/virtio.h"
#include "kernel/check.h"
#include "kernel/clock.h"
#include "kernel/lock.h"
#include "kernel/mce.h"
#include "kernel/options.h"
#include "kernel/panic.h"
#include "kernel/print.h"
#include "kernel/random.h"
#include "mm/mm.h"

static struct boot_info boot;
static char cmdline[2048];

static void option_ignored(const char *word, size_t n)
{
    (void)word, (void)n;
}

/* The command line is copied: it lies in memory that mm_reclaim gives away. */
static void take_boot_info(const struct boot_info *from)
{
    boot = *from;
    CHECK(boot.magic == BOOT_INFO_MAGIC && boot.version == BOOT_INFO_VERSION,
          "boot_info of another kernel: magic %#llx version %u, want version %u",
          (unsigned long long)boot.magic, boot.version, BOOT_INFO_VERSION);
    if (boot.cmdline)
        strncpy(cmdline, phys_to_virt(boot.cmdline), sizeof cmdline - 1);
    options_parse(cmdline);
}

/* .gort/options of the bundle. A broken archive is the bundle reader's to report. */
static void take_bundle_options(void)
{
    struct cpio c;
    struct cpio_entry e;

    if (!boot.bundle_base)
        return;
    cpio_open(&c, phys_to_virt(boot.bundle_base), boot.bundle_size);
    while (cpio_next(&c, &e) == 1)
        if (!strcmp(e.name, ".gort/options"))
            options_apply(&options, (const char *)e.data, e.size, option_ignored);
}

static void measure_memory(void)
{
    struct mm_stats s;

    mm_stats_read(&s);
    pkt_init(s.ram_bytes / 8);
    boot_log("memory: %llu MiB of RAM free, %llu map entries",
             (unsigned long long)s.free_bytes >> 20, (unsigned long long)boot.mem_count);
}

static bool driven(uint16_t vendor, uint16_t device)
{
    return virtio_pci_drives(vendor, device) || e1000e_drives(vendor, device);
}

/* What the firmware has left without an address gets one above the RAM below 4 GiB and below
 * what machines have at the top: their configuration space, if it is there, and the I/O APICs. */
static void find_devices(void)
{
    const struct boot_mem *m = phys_to_virt(boot.mem_map);
    uint64_t low = 0xc0000000, high = 0xfe000000;

    CHECK(cpus_settled(), "devices get their addresses while a CPU comes up");
    for (uint64_t i = 0; i < boot.mem_count; i++) {
        uint64_t end = m[i].base + m[i].size;
        if (m[i].type != BOOT_MEM_MMIO && m[i].base < 0xfe000000 && end > low)
            low = end;
    }
    if (acpi.ecam_address >= low && acpi.ecam_address < high)
        high = acpi.ecam_address;
    pci_scan(low, high, driven);
    virtio_init(cmdline);
    e1000e_init();
}

_Noreturn static void refuse(const char *what)
{
    kprintf("gort: %s: this machine cannot be used\n", what);
    machine_exit(2);
}

static void local_apic_init(void)
{
    const struct lapic_nmi nmi = { acpi.nmi_lint, acpi.nmi_low };
    uint64_t pa = acpi.lapic_address ? acpi.lapic_address : lapic_address();
    void *regs = cpu_features.x2apic ? NULL
                                     : vm_map_device(pa, PAGE_SIZE, VM_R | VM_W | VM_UNCACHED);

    if (!regs && !cpu_features.x2apic)
        refuse("no memory to map the local APIC");
    lapic_init(regs, &nmi);
    lapic_setup();
    boot_cpu.apic_id = lapic_id();
}

static void clocks_init(void)
{
    int64_t wall = boot.wall_seconds ? boot.wall_seconds : rtc_read();
    const char *bad = clock_begin(timer_ref_init(), boot.tsc_entry, wall);

    if (bad)
        refuse(bad);
}

static void power_pressed(void) { console_press(KEY_POWER); }

/* The rest of the boot, on the guarded g0 stack. */
static void main_on_g0(void *unused)
{
    (void)unused;
    acpi_init(boot.rsdp);                 /* who is there, what turns it off */
    boot_log("acpi: %u CPUs, %u I/O APICs%s", acpi.ncpus, acpi.nioapics,
             acpi.has_s5 ? "" : ", no S5");
    local_apic_init();
    irq_init();
    clocks_init();
    random_init(boot.seed, boot.seed_bytes);
    irq_enable();
    acpi_power_button(power_pressed);
    cpus_begin();                         /* one comes up meanwhile */
    boot.cmdline = virt_to_phys(cmdline);
    mm_reclaim(&boot);
    measure_memory();
    cpus_finish();                        /* no CPU comes up while devices get their addresses */
    boot_log("smp: %u of %u CPUs", ncpu, acpi.ncpus ? acpi.ncpus : 1);
    find_devices();
    console_input_init();
    clock_settle();                       /* by what has passed since clocks_init */
    gort_main(&boot);
}

void kernel_main(struct boot_info *loader_info)
{
    crash_init();
    power_init();
    cpu_detect();
    desc_init_boot();                     /* from here on faults are caught */
    cpu_setup();
    irq_init_early();
    console_init();                       /* and reported */
    mce_setup();
    take_boot_info(loader_info);
    take_bundle_options();                /* the loader's page tables map it, too */
    lock_watched |= options.lockrank;
    tsc_skew = options.tscskew;
    ipi_fault_rate = options.ipifault;
    mm_init(&boot, options.memlimit);     /* our own page tables */
    fbcon_init(&boot);
    if (!cpu_give_stacks(&boot_cpu))      /* with guard pages */
        refuse("no memory for the boot CPU's stacks");
    stack_call((void *)boot_cpu.g0_hi, main_on_g0, NULL);
}

__attribute__((weak)) void gort_cpu_main(struct cpu *c)
{
    kprintf("gort: cpu %u idle\n", c->id);
    irq_enable();
    for (;;)
        __asm__ volatile("hlt");
}

__attribute__((weak)) void gort_main(struct boot_info *bi)
{
    kprintf("gort: no runtime in this kernel; %u CPUs, bundle of %llu bytes\n", ncpu,
            (unsigned long long)bi->bundle_size);
    smp_start(gort_cpu_main);
    machine_exit(0);
}
