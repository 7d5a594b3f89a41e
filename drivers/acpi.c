#include "drivers/acpi.h"
#include <string.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"
#include "drivers/irq.h"
#include "kernel/print.h"
#include "mm/mm.h"

struct acpi_info acpi = { .nmi_lint = -1 };

#define TABLE_MAX (16u << 20)
#define SLP_EN    (1u << 13)
#define SCI_EN    1u

/* Maps the header first, then as much as it claims. NULL if it is not a sound table. */
static const struct acpi_header *table_map(uint64_t pa)
{
    const struct acpi_header *h = pa ? vm_map_device(pa, sizeof *h, VM_R) : NULL;

    if (!h || h->length < sizeof *h || h->length > TABLE_MAX)
        return NULL;
    uint32_t length = h->length;
    h = vm_map_device(pa, length, VM_R);
    return h && acpi_table_valid(h, length) ? h : NULL;
}

static uint64_t rsdp_search(void)
{
    const char *bios = vm_map_device(0xe0000, 0x20000, VM_R);
    bool wide;

    for (uint64_t i = 0; bios && i < 0x20000 - 36; i += 16)
        if (!memcmp(bios + i, "RSD PTR ", 8) && acpi_rsdp_parse(bios + i, 36, &wide))
            return 0xe0000 + i;
    return 0;
}

static void take_table(const struct acpi_header *h)
{
    if (!memcmp(h->signature, "APIC", 4))
        acpi_madt_parse(h, &acpi);
    else if (!memcmp(h->signature, "FACP", 4))
        acpi_fadt_parse(h, &acpi);
    else if (!memcmp(h->signature, "HPET", 4))
        acpi_hpet_parse(h, &acpi);
    else if (!memcmp(h->signature, "MCFG", 4))
        acpi_mcfg_parse(h, &acpi);
}

static void enable_acpi_mode(void)
{
    if (!acpi.smi_command || !acpi.acpi_enable || !acpi.pm1a_control ||
        inw((uint16_t)acpi.pm1a_control) & SCI_EN)
        return;
    outb((uint16_t)acpi.smi_command, acpi.acpi_enable);
    for (int i = 0; i < 100000 && !(inw((uint16_t)acpi.pm1a_control) & SCI_EN); i++)
        cpu_relax();
}

void acpi_init(uint64_t rsdp)
{
    const struct acpi_header *root, *dsdt;
    bool wide = false;

    if (!rsdp)
        rsdp = rsdp_search();
    const void *p = rsdp ? vm_map_device(rsdp, 36, VM_R) : NULL;
    uint64_t root_pa = p ? acpi_rsdp_parse(p, 36, &wide) : 0;
    if (!(root = table_map(root_pa))) {
        kprintf("gort: no usable ACPI tables (root pointer %#llx): one CPU, no power off\n",
                (unsigned long long)rsdp);
        return;
    }
    uint64_t pa;
    for (unsigned i = 0; acpi_root_entry(root, wide, i, &pa); i++) {
        if (!pa)
            continue;
        const struct acpi_header *h = table_map(pa);
        if (h)
            take_table(h);
        else
            kprintf("gort: ACPI table %u at %#llx is damaged, ignored\n", i,
                    (unsigned long long)pa);
    }
    if ((dsdt = table_map(acpi.dsdt)))
        acpi_dsdt_parse(dsdt, &acpi);
    enable_acpi_mode();
    if (acpi.ncpus_ignored)
        kprintf("gort: %u CPUs beyond %d are not used\n", acpi.ncpus_ignored, ACPI_MAX_CPUS);
}

unsigned acpi_isa_gsi(unsigned irq)
{
    for (unsigned i = 0; i < acpi.noverrides; i++)
        if (acpi.override[i].isa_irq == irq)
            return acpi.override[i].gsi;
    return irq;
}

#define PWRBTN (1u << 8) /* in the status and in the enable register */

static void (*power_button)(void); /* [const once set] */

static void sci(void *arg)
{
    uint16_t status = inw((uint16_t)acpi.pm1a_event);

    (void)arg;
    if (!(status & PWRBTN))
        return;
    outw((uint16_t)acpi.pm1a_event, PWRBTN); /* one bits are cleared */
    power_button();
}

void acpi_power_button(void (*fn)(void))
{
    if (!acpi.has_power_button || !acpi.pm1a_event || acpi.pm1_event_length < 4)
        return;
    power_button = fn;
    if (irq_register(acpi_isa_gsi(acpi.sci_irq), sci, NULL) < 0)
        return;
    uint16_t port = (uint16_t)acpi.pm1a_event;
    outw(port, PWRBTN);
    outw(port + acpi.pm1_event_length / 2, PWRBTN);
}

static void sleep_write(uint32_t port, uint8_t type)
{
    if (!port)
        return;
    uint16_t v = inw((uint16_t)port) & ~(7u << 10);
    outw((uint16_t)port, (uint16_t)(v | type << 10 | SLP_EN));
}

static void wait_a_little(void)
{
    for (int i = 0; i < 200000; i++)
        cpu_relax();
}

void acpi_power_off(void)
{
    if (!acpi.has_s5)
        return;
    sleep_write(acpi.pm1a_control, acpi.s5_a);
    sleep_write(acpi.pm1b_control, acpi.s5_b);
    wait_a_little();
}

void acpi_reset(void)
{
    if (acpi.reset_supported && acpi.reset_space == 1) {
        outb((uint16_t)acpi.reset_address, acpi.reset_value);
        wait_a_little();
    }
}
