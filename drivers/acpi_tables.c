#include "drivers/acpi_tables.h"
#include <string.h>

static uint64_t read_le(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static uint8_t sum(const uint8_t *p, size_t n)
{
    uint8_t s = 0;

    while (n--)
        s = (uint8_t)(s + *p++);
    return s;
}

uint64_t acpi_rsdp_parse(const void *ptr, size_t max, bool *wide)
{
    const uint8_t *p = ptr;
    uint64_t xsdt = 0;

    if (max < 20 || memcmp(p, "RSD PTR ", 8) || sum(p, 20))
        return 0;
    if (p[15] >= 2 && max >= 36 && read_le(p + 20, 4) >= 36 && !sum(p, 36))
        xsdt = read_le(p + 24, 8);
    *wide = xsdt != 0;
    return xsdt ? xsdt : read_le(p + 16, 4);
}

bool acpi_table_valid(const void *ptr, size_t max)
{
    const uint8_t *p = ptr;

    if (max < sizeof(struct acpi_header))
        return false;
    uint64_t length = read_le(p + 4, 4);
    return length >= sizeof(struct acpi_header) && length <= max && !sum(p, length);
}

bool acpi_root_entry(const struct acpi_header *root, bool wide, unsigned i, uint64_t *pa)
{
    size_t size = wide ? 8 : 4, at = sizeof *root + i * size;

    if (at + size > root->length)
        return false;
    *pa = read_le((const uint8_t *)root + at, (unsigned)size);
    return true;
}

static void add_cpu(struct acpi_info *o, uint32_t apic_id, uint32_t flags)
{
    if (!(flags & 1)) /* enabled; "online capable" ones would need hot-plug */
        return;
    for (unsigned i = 0; i < o->ncpus; i++)
        if (o->cpu_apic_id[i] == apic_id)
            return;   /* listed as APIC and as x2APIC */
    if (o->ncpus == ACPI_MAX_CPUS)
        o->ncpus_ignored++;
    else
        o->cpu_apic_id[o->ncpus++] = apic_id;
}

/* MPS INTI flags: polarity in bits 0-1 (3 = low), trigger in bits 2-3 (3 = level). */
static void add_override(struct acpi_info *o, const uint8_t *e)
{
    uint16_t flags = (uint16_t)read_le(e + 8, 2);

    if (o->noverrides == ACPI_MAX_OVERRIDE || e[2] != 0) /* bus 0 is ISA */
        return;
    o->override[o->noverrides++] = (struct acpi_override){
        e[3], (uint32_t)read_le(e + 4, 4), (flags & 3) == 3, (flags >> 2 & 3) == 3
    };
}

static void madt_entry(struct acpi_info *o, const uint8_t *e, unsigned len)
{
    switch (e[0]) {
    case 0: /* processor local APIC */
        if (len >= 8)
            add_cpu(o, e[3], (uint32_t)read_le(e + 4, 4));
        break;
    case 1:
        if (len >= 12 && o->nioapics < ACPI_MAX_IOAPICS)
            o->ioapic[o->nioapics++] = (struct acpi_ioapic){
                e[2], (uint32_t)read_le(e + 4, 4), (uint32_t)read_le(e + 8, 4)
            };
        break;
    case 2:
        if (len >= 10)
            add_override(o, e);
        break;
    case 4: /* local APIC NMI */
        if (len >= 6 && e[2] == 0xff && e[5] <= 1) {
            o->nmi_lint = e[5];
            o->nmi_low = (e[3] & 3) == 3;
        }
        break;
    case 5: /* 64-bit local APIC address */
        if (len >= 12)
            o->lapic_address = read_le(e + 4, 8);
        break;
    case 9: /* processor local x2APIC */
        if (len >= 16 && read_le(e + 4, 4) != UINT32_MAX) {
            o->has_x2apic_ids = true;
            add_cpu(o, (uint32_t)read_le(e + 4, 4), (uint32_t)read_le(e + 8, 4));
        }
        break;
    }
}

void acpi_madt_parse(const struct acpi_header *madt, struct acpi_info *out)
{
    const uint8_t *p = (const uint8_t *)madt;
    size_t at = 44;

    out->nmi_lint = -1;
    if (madt->length < 44)
        return;
    out->lapic_address = read_le(p + 36, 4);
    while (at + 2 <= madt->length) {
        unsigned len = p[at + 1];
        if (len < 2 || at + len > madt->length)
            return; /* a broken entry: what follows cannot be found */
        madt_entry(out, p + at, len);
        at += len;
    }
}

/* A generic address structure at p[at] (12 bytes: space, width, offset, access, address). */
static struct acpi_reg address_at(const uint8_t *p, uint32_t length, size_t at)
{
    struct acpi_reg r = { 0 };

    if (at + 12 <= length && p[at] <= ACPI_IO)
        r = (struct acpi_reg){ read_le(p + at + 4, 8), p[at], NULL };
    return r;
}

/* The 64-bit field at p[wide] if it is there and not 0, else the port at p[old]. */
static struct acpi_reg block_at(const uint8_t *p, uint32_t length, size_t old, size_t wide)
{
    struct acpi_reg r = address_at(p, length, wide);

    return r.address ? r : (struct acpi_reg){ read_le(p + old, 4), ACPI_IO, NULL };
}

/* ACPI specification 6.5, 4.8.3: which blocks there are; none on hardware-reduced machines. */
static void fadt_blocks(const uint8_t *p, uint32_t length, struct acpi_info *o)
{
    o->smi_command = (uint32_t)read_le(p + 48, 4);
    o->acpi_enable = p[52];
    o->pm1_event[0] = block_at(p, length, 56, 148);
    o->pm1_event[1] = block_at(p, length, 60, 160);
    o->pm1_event_length = p[88];
    o->pm1_control[0] = block_at(p, length, 64, 172);
    o->pm1_control[1] = block_at(p, length, 68, 184);
    o->gpe[0] = block_at(p, length, 80, 220);
    o->gpe[1] = block_at(p, length, 84, 232);
    o->gpe_length[0] = p[92];
    o->gpe_length[1] = p[93];
    struct acpi_reg timer = block_at(p, length, 76, 208);
    o->pm_timer_port = p[91] == 4 && timer.space == ACPI_IO ? (uint32_t)timer.address : 0;
}

void acpi_fadt_parse(const struct acpi_header *fadt, struct acpi_info *o)
{
    const uint8_t *p = (const uint8_t *)fadt;

    if (fadt->length < 116) /* ACPI 1.0 size */
        return;
    uint32_t flags = (uint32_t)read_le(p + 112, 4);
    o->has_fadt = true;
    o->dsdt = read_le(p + 40, 4);
    o->sci_irq = (uint16_t)read_le(p + 46, 2);
    o->hardware_reduced = flags >> 20 & 1;
    o->has_power_button = !(flags >> 4 & 1) && !o->hardware_reduced;
    o->pm_timer_32bit = flags >> 8 & 1;
    o->century = p[108];
    if (!o->hardware_reduced)
        fadt_blocks(p, fadt->length, o);
    else
        o->sleep_control = address_at(p, fadt->length, 244);
    if (fadt->length >= 129 && flags >> 10 & 1) {
        o->reset = address_at(p, fadt->length, 116);
        o->reset_value = p[128];
    }
    if (fadt->length >= 148 && read_le(p + 140, 8))
        o->dsdt = read_le(p + 140, 8);
}

void acpi_hpet_parse(const struct acpi_header *hpet, struct acpi_info *o)
{
    const uint8_t *p = (const uint8_t *)hpet;

    if (hpet->length >= 56 && p[40] == 0) /* in memory space */
        o->hpet_address = read_le(p + 44, 8);
}

void acpi_mcfg_parse(const struct acpi_header *mcfg, struct acpi_info *o)
{
    const uint8_t *p = (const uint8_t *)mcfg;

    for (size_t at = 44; at + 16 <= mcfg->length; at += 16) {
        uint64_t base = read_le(p + at, 8);
        bool sane = base && !(base & 0xfffff) && base < 1ull << 52 && p[at + 10] <= p[at + 11];
        if (read_le(p + at + 8, 2) != 0 || !sane)
            continue;
        o->ecam_address = base;
        o->ecam_first_bus = p[at + 10];
        o->ecam_last_bus = p[at + 11];
        return;
    }
}

/* An AML integer constant: value, and *at moved behind it. -1 if it is something else. */
static int aml_byte(const uint8_t *p, size_t end, size_t *at)
{
    if (*at >= end)
        return -1;
    uint8_t op = p[(*at)++];
    if (op == 0x00 || op == 0x01) /* ZeroOp, OneOp */
        return op;
    unsigned n = op == 0x0a ? 1 : op == 0x0b ? 2 : op == 0x0c ? 4 : 0;
    if (!n || end - *at < n)
        return -1;
    int v = p[*at];
    *at += n;
    return v;
}

/* Name(_S5_, Package(){ a, b, ... }) without an AML interpreter: the bytes
 * 08 ['\'] "_S5_" 12 PkgLength NumElements a b. */
static void s5_find(const uint8_t *p, size_t end, struct acpi_info *o)
{
    for (size_t i = sizeof(struct acpi_header) + 1; i + 8 < end; i++) {
        if (memcmp(p + i, "_S5_", 4) || p[i + 4] != 0x12)
            continue;
        if (p[i - 1] != 0x08 && !(p[i - 1] == '\\' && p[i - 2] == 0x08))
            continue;
        size_t at = i + 5;
        at += 1 + (p[at] >> 6); /* PkgLength: the top bits count further bytes */
        at += 1;                /* NumElements */
        int a = aml_byte(p, end, &at), b = aml_byte(p, end, &at);
        if (a >= 0 && b >= 0) {
            o->has_s5 = true;
            o->s5_a = (uint8_t)(a & 7);
            o->s5_b = (uint8_t)(b & 7);
            return;
        }
    }
}

/* Resource descriptors of ACPI 6.5, chapter 6.4: Memory32Fixed is 86 09 00, access, base and
 * length; Extended Interrupt 89, length, flags, a count and the first number. */
static bool virtio_resources(const uint8_t *p, size_t end, struct acpi_virtio *o)
{
    bool memory = false, line = false;

    for (size_t i = 0; i + 9 <= end && !(memory && line); i++) {
        if (!memory && i + 12 <= end && p[i] == 0x86 && p[i + 1] == 9 && p[i + 2] == 0) {
            o->address = read_le(p + i + 4, 4);
            o->size = read_le(p + i + 8, 4);
            memory = true;
            i += 11;
        } else if (memory && p[i] == 0x89 && p[i + 1] >= 6 && p[i + 2] == 0 && p[i + 4] >= 1) {
            o->gsi = (unsigned)read_le(p + i + 5, 4);
            line = true;
        }
    }
    return line && o->address && o->size >= 0x108 && o->size <= 1u << 20 && o->gsi < 1024;
}

/* Finds virtio devices without an AML interpreter: the resources of each lie behind its name,
 * at most 256 bytes away and before the next name. */
static void virtio_devices(const uint8_t *p, size_t end, struct acpi_info *o)
{
    static const char kind[] = "LNRO0005";
    const size_t n = sizeof kind - 1;

    for (size_t i = sizeof(struct acpi_header); i + n <= end; i++) {
        if (memcmp(p + i, kind, n))
            continue;
        size_t stop = i + n;
        while (stop < end && stop < i + n + 256 && (stop + n > end || memcmp(p + stop, kind, n)))
            stop++;
        struct acpi_virtio v;
        if (o->nvirtio < ACPI_MAX_VIRTIO && virtio_resources(p + i + n, stop - i - n, &v))
            o->virtio[o->nvirtio++] = v;
        i = stop - 1;
    }
}

void acpi_dsdt_parse(const struct acpi_header *dsdt, struct acpi_info *o)
{
    const uint8_t *p = (const uint8_t *)dsdt;

    s5_find(p, dsdt->length, o);
    virtio_devices(p, dsdt->length, o);
}
