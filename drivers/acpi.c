#include "drivers/acpi.h"
#include <string.h>
#include "kernel/print.h"
#include "mm/mm.h"

struct acpi_info acpi = { .nmi_lint = -1 };

#define TABLE_MAX (16u << 20)

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

void acpi_init(uint64_t rsdp)
{
    const struct acpi_header *root, *dsdt;
    bool wide = false;

    if (!rsdp)
        rsdp = rsdp_search();
    const void *p = rsdp ? vm_map_device(rsdp, 36, VM_R) : NULL;
    uint64_t root_pa = p ? acpi_rsdp_parse(p, 36, &wide) : 0;
    if (!(root = table_map(root_pa))) {
        kprintf("gort: no usable ACPI tables (root pointer %#llx): one CPU, no power button\n",
                (unsigned long long)rsdp);
        return;
    }
    uint64_t pa;
    memcpy(acpi.oem, root->oem_id, sizeof root->oem_id);
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
    acpi_power_init();
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
