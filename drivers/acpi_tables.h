/* acpi_tables.h - reading ACPI tables (ACPI specification 6.5, chapter 5). Pure: works on
 * bytes in memory, and checks every length and checksum before it relies on it. */
#ifndef DRIVERS_ACPI_TABLES_H
#define DRIVERS_ACPI_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_MAX_CPUS     64
#define ACPI_MAX_IOAPICS  8
#define ACPI_MAX_OVERRIDE 24
#define ACPI_MAX_VIRTIO   32

struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem_id[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct acpi_ioapic { uint8_t id; uint32_t address, gsi_base; };
struct acpi_override { uint8_t isa_irq; uint32_t gsi; bool low, level; };

struct acpi_virtio { uint64_t address, size; unsigned gsi; };

/* A block of registers: a generic address structure, or a port of the older fields. */
enum { ACPI_MEMORY = 0, ACPI_IO = 1 };
struct acpi_reg {
    uint64_t address;                    /* 0: there is none */
    uint8_t space;                       /* ACPI_MEMORY or ACPI_IO; others count as none */
    volatile uint8_t *mapped;            /* of ACPI_MEMORY, once acpi_power_init has mapped it */
};

struct acpi_info {
    char oem[7];                         /* of the root table: who made the firmware */
    uint64_t lapic_address;
    unsigned ncpus;                      /* usable ones, as listed */
    unsigned ncpus_ignored;              /* enabled ones beyond ACPI_MAX_CPUS */
    uint32_t cpu_apic_id[ACPI_MAX_CPUS];
    bool has_x2apic_ids;
    unsigned nioapics, noverrides;
    struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
    struct acpi_override override[ACPI_MAX_OVERRIDE];
    int nmi_lint;                        /* LINT pin of NMI on all CPUs, -1 = none given */
    bool nmi_low;
    /* FADT */
    bool has_fadt, pm_timer_32bit, hardware_reduced;
    struct acpi_reg pm1_event[2];        /* PM1a, PM1b: status, then enable */
    uint8_t pm1_event_length;            /* bytes, of both */
    struct acpi_reg pm1_control[2];
    struct acpi_reg gpe[2];              /* GPE0, GPE1: status, then enable */
    uint8_t gpe_length[2];               /* bytes, of both */
    struct acpi_reg sleep_control;       /* of hardware-reduced machines */
    struct acpi_reg reset;
    uint8_t reset_value;
    uint8_t century;                     /* index of the CMOS clock's century, 0 = none */
    uint16_t sci_irq;
    bool has_power_button;               /* as a fixed feature */
    uint32_t pm_timer_port, smi_command;
    uint8_t acpi_enable;
    uint64_t dsdt;
    /* _S5_ of the DSDT */
    bool has_s5;
    uint8_t s5_a, s5_b;
    uint64_t hpet_address;
    /* MCFG: configuration space of PCI segment 0, 1 MiB a bus, from bus 0 on; 0 = none */
    uint64_t ecam_address;
    uint8_t ecam_first_bus, ecam_last_bus;
    /* devices LNRO0005 of the DSDT: virtio over MMIO */
    unsigned nvirtio;
    struct acpi_virtio virtio[ACPI_MAX_VIRTIO];
};

/* Root pointer: address of XSDT (*wide = true) or RSDT; 0 if it is damaged. */
uint64_t acpi_rsdp_parse(const void *p, size_t max, bool *wide);
/* Is this a table of exactly h->length bytes, all of them within max, summing to 0? */
bool acpi_table_valid(const void *p, size_t max);
/* Physical address of table number i of an XSDT/RSDT. False: i is behind the last one. Entries
 * that are 0 occur in real firmware; they stand for no table and do not end the list. */
bool acpi_root_entry(const struct acpi_header *root, bool wide, unsigned i, uint64_t *pa);
/* Each takes a valid table and fills its part of *out; broken entries are skipped. */
void acpi_madt_parse(const struct acpi_header *madt, struct acpi_info *out);
void acpi_fadt_parse(const struct acpi_header *fadt, struct acpi_info *out);
void acpi_hpet_parse(const struct acpi_header *hpet, struct acpi_info *out);
void acpi_mcfg_parse(const struct acpi_header *mcfg, struct acpi_info *out);
void acpi_dsdt_parse(const struct acpi_header *dsdt, struct acpi_info *out);

#endif
