/* test_acpi.c - ACPI tables, correct ones and broken ones.
 * sources: drivers/acpi_tables.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "drivers/acpi_tables.h"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

static uint8_t t[4096];
static size_t n;

static void put(unsigned bytes, uint64_t v)
{
    for (unsigned i = 0; i < bytes; i++)
        t[n++] = (uint8_t)(v >> 8 * i);
}

static void begin(const char *sig)
{
    memset(t, 0, sizeof t);
    memcpy(t, sig, 4);
    n = 36;
}

static void put32(size_t at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        t[at + (size_t)i] = (uint8_t)(v >> 8 * i);
}

static const struct acpi_header *finish(void)
{
    uint8_t s = 0;

    put32(4, (uint32_t)n);
    t[9] = 0;
    for (size_t i = 0; i < n; i++)
        s = (uint8_t)(s + t[i]);
    t[9] = (uint8_t)-s;
    return (const void *)t;
}

static const struct acpi_header *sample_madt(void)
{
    begin("APIC");
    put(4, 0xfee00000);
    put(4, 1);
    for (unsigned i = 0; i < 3; i++) { /* the third is disabled */
        put(2, 0x0800);
        put(1, i);
        put(1, i * 2);
        put(4, i < 2);
    }
    put(2, 0x1009); put(2, 0); put(4, 300); put(4, 1); put(4, 9); /* x2APIC */
    put(2, 0x1009); put(2, 0); put(4, 2); put(4, 1); put(4, 1);   /* the same CPU again */
    put(2, 0x0c01); put(1, 5); put(1, 0); put(4, 0xfec00000); put(4, 0);
    put(2, 0x0a02); put(1, 0); put(1, 9); put(4, 20); put(2, 0xf);
    put(2, 0x0604); put(1, 0xff); put(2, 0); put(1, 1);
    return finish();
}

static bool madt(void)
{
    struct acpi_info o = { 0 };

    acpi_madt_parse(sample_madt(), &o);
    return o.lapic_address == 0xfee00000 && o.ncpus == 3 && o.cpu_apic_id[1] == 2 &&
           o.cpu_apic_id[2] == 300 && o.has_x2apic_ids && o.nioapics == 1 &&
           o.ioapic[0].address == 0xfec00000 && o.noverrides == 1 && o.override[0].isa_irq == 9 &&
           o.override[0].gsi == 20 && o.override[0].low && o.override[0].level && o.nmi_lint == 1;
}

static bool validity(void)
{
    const struct acpi_header *h = sample_madt();
    size_t len = n;
    bool good = acpi_table_valid(h, len) && !acpi_table_valid(h, len - 1) &&
                !acpi_table_valid(h, 20);

    for (size_t i = 0; i < len; i++) { /* every flipped bit is noticed */
        t[i] ^= 4;
        good &= !acpi_table_valid(h, len);
        t[i] ^= 4;
    }
    return good;
}

/* Any bytes behind a valid header: no crash, no runaway (ASan watches). */
static bool garbage(void)
{
    for (unsigned seed = 0; seed < 20000; seed++) {
        struct acpi_info o = { 0 };
        srand(seed);
        begin("XXXX");
        n = 36 + (size_t)rand() % 300;
        for (size_t i = 36; i < n; i++)
            t[i] = rand() % 3 ? (uint8_t)rand() : (uint8_t)(rand() % 14);
        for (int i = n > 36 ? rand() % 3 : 0; i > 0; i--) /* names that the DSDT is searched for */
            memcpy(t + 36 + (size_t)rand() % (n - 36), "LNRO0005\x86\x09\0", 11);
        finish();
        struct acpi_header *exact = malloc(n); /* so that ASan sees reads past the end */
        memcpy(exact, t, n);
        acpi_madt_parse(exact, &o);
        acpi_fadt_parse(exact, &o);
        acpi_hpet_parse(exact, &o);
        acpi_dsdt_parse(exact, &o);
        acpi_mcfg_parse(exact, &o);
        uint64_t pa;
        for (unsigned i = 0; acpi_root_entry(exact, seed & 1, i, &pa); i++)
            ;
        free(exact);
        if (o.ncpus > ACPI_MAX_CPUS || o.nioapics > ACPI_MAX_IOAPICS)
            return false;
    }
    return true;
}

static bool many_cpus(void)
{
    struct acpi_info o = { 0 };

    begin("APIC");
    put(4, 0xfee00000);
    put(4, 1);
    for (unsigned i = 0; i < 100; i++) {
        put(2, 0x0800);
        put(1, i);
        put(1, i);
        put(4, 1);
    }
    acpi_madt_parse(finish(), &o);
    return o.ncpus == 64 && o.ncpus_ignored == 36;
}

static void gas(size_t at, uint8_t space, uint64_t address)
{
    t[at] = space;
    for (int i = 0; i < 8; i++)
        t[at + 4 + (size_t)i] = (uint8_t)(address >> 8 * i);
}

static const struct acpi_header *sample_fadt(uint32_t flags)
{
    begin("FACP");
    n = 276;
    put32(56, 0x600);           /* PM1a event, control; GPE0: ports */
    put32(64, 0x604);
    put32(80, 0x620);
    t[88] = 4;
    t[91] = 4;
    t[92] = 16;
    t[108] = 0x32;
    put32(112, flags);
    put32(76, 0x608);
    gas(116, ACPI_IO, 0xcf9);
    t[128] = 6;
    gas(148, ACPI_MEMORY, 0xfe000000000); /* the 64-bit field wins */
    gas(160, 5, 0x1234);                  /* a space that we do not know */
    gas(244, ACPI_MEMORY, 0xfea00000);
    return finish();
}

static bool fadt(void)
{
    struct acpi_info o = { 0 };

    acpi_fadt_parse(sample_fadt(1 << 8 | 1 << 10), &o);
    return o.pm1_event[0].address == 0xfe000000000 && o.pm1_event[0].space == ACPI_MEMORY &&
           !o.pm1_event[1].address && o.pm1_control[0].address == 0x604 &&
           o.pm1_control[0].space == ACPI_IO && o.gpe[0].address == 0x620 &&
           o.gpe_length[0] == 16 && !o.gpe[1].address && o.pm_timer_port == 0x608 &&
           o.pm_timer_32bit && o.has_power_button && !o.sleep_control.address &&
           o.reset.address == 0xcf9 && o.reset_value == 6 && o.century == 0x32;
}

static bool fadt_reduced(void)
{
    struct acpi_info o = { 0 };

    acpi_fadt_parse(sample_fadt(1 << 20 | 1 << 10), &o);
    return o.hardware_reduced && !o.has_power_button && !o.pm1_event[0].address &&
           !o.pm1_control[0].address && !o.gpe[0].address && !o.pm_timer_port &&
           o.sleep_control.address == 0xfea00000 && o.reset.address == 0xcf9;
}

static bool s5(const void *aml, size_t len, int a, int b)
{
    struct acpi_info o = { 0 };

    begin("DSDT");
    put(8, 0x5f5f5f5f5f5f5f5f);
    memcpy(t + n, aml, len);
    n += len;
    put(8, 0);
    acpi_dsdt_parse(finish(), &o);
    return a < 0 ? !o.has_s5 : o.has_s5 && o.s5_a == a && o.s5_b == b;
}

/* Two devices, and between them one whose interrupt is missing. */
static bool virtio_devices(void)
{
    struct acpi_info o = { 0 };

    begin("DSDT");
    for (unsigned i = 0; i < 3; i++) {
        memcpy(t + n, "\x08_HID\x0dLNRO0005\x00\x08_CRS\x11\x18\x0a\x15", 24);
        n += 24;
        put(4, 0x01000986);
        put(4, 0xfeb00000 + i * 512);
        put(4, 512);
        if (i != 1) {
            put(4, 0x01000689 | 1u << 24);
            put(1, 1);
            put(4, 20 + i);
        }
        put(2, 0x0079);
    }
    acpi_dsdt_parse(finish(), &o);
    return o.nvirtio == 2 && o.virtio[0].address == 0xfeb00000 && o.virtio[0].size == 512 &&
           o.virtio[0].gsi == 20 && o.virtio[1].address == 0xfeb00400 && o.virtio[1].gsi == 22;
}

static bool mcfg(void)
{
    struct acpi_info o = { 0 }, bad = { 0 };

    begin("MCFG");
    put(8, 0);
    put(8, 0x80000000), put(2, 1), put(2, 0xff00), put(4, 0); /* another segment */
    put(8, 0xb0000000), put(2, 0), put(1, 2), put(1, 0x7f), put(4, 0);
    acpi_mcfg_parse(finish(), &o);
    begin("MCFG");
    put(8, 0);
    put(8, 0xb0000001), put(2, 0), put(2, 0xff00), put(4, 0);
    put(8, 0xb0000000), put(2, 0), put(1, 3), put(1, 2), put(4, 0);
    put(8, 0xb0000000), put(2, 0); /* cut off */
    acpi_mcfg_parse(finish(), &bad);
    return o.ecam_address == 0xb0000000 && o.ecam_first_bus == 2 && o.ecam_last_bus == 0x7f &&
           !bad.ecam_address;
}

static bool rsdp(void)
{
    uint8_t r[36] = "RSD PTR ";
    bool wide = true;
    uint8_t s = 0;

    r[16] = 0x78;
    r[17] = 0x56;
    for (int i = 0; i < 20; i++)
        s = (uint8_t)(s + r[i]);
    r[8] = (uint8_t)-s;
    bool good = acpi_rsdp_parse(r, 36, &wide) == 0x5678 && !wide;
    r[3] ^= 1;
    return good && !acpi_rsdp_parse(r, 36, &wide) && !acpi_rsdp_parse(r, 19, &wide);
}

/* The tables behind an empty entry are found. */
static bool empty_entry(void)
{
    const uint64_t want[] = { 0x1000, 0, 0x3000 };
    uint64_t pa = 1;

    begin("XSDT");
    for (unsigned i = 0; i < 3; i++)
        put(8, want[i]);
    const struct acpi_header *h = finish();
    for (unsigned i = 0; i < 3; i++)
        if (!acpi_root_entry(h, true, i, &pa) || pa != want[i])
            return false;
    return !acpi_root_entry(h, true, 3, &pa);
}

int main(void)
{
    report("MADT", madt());
    report("checksums and lengths", validity());
    report("garbage", garbage());
    report("more CPUs than we use", many_cpus());
    report("S5", s5("\x08_S5_\x12\x06\x04\x0a\x05\x0a\x07", 12, 5, 7));
    report("S5 with a root prefix", s5("\x08\\_S5_\x12\x06\x04\x00\x01\x00", 12, 0, 1));
    report("S5 of a long package", s5("\x08_S5_\x12\x46\x00\x04\x0b\x05\x00\x01", 13, 5, 1));
    report("S5 that is no package", s5("\x08_S5_\x0a\x05\x00", 8, -1, 0));
    report("S5 that is only used", s5("\x70_S5_\x12\x06\x04\x00\x00\x00", 11, -1, 0));
    report("FADT: ports, 64-bit blocks", fadt());
    report("FADT of a hardware-reduced machine", fadt_reduced());
    report("virtio devices of the DSDT", virtio_devices());
    report("MCFG", mcfg());
    report("RSDP", rsdp());
    report("an empty entry in the root table", empty_entry());
    return failures != 0;
}
