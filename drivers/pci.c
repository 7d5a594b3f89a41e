#include "drivers/pci.h"
#include <stdio.h>
#include <string.h>
#include "kernel/print.h"
#include "mm/mm.h"

enum {
    REG_ID = 0, REG_COMMAND = 4, REG_STATUS = 6, REG_CLASS = 8, REG_HEADER = 0xe, REG_BAR = 0x10,
    REG_PRIMARY = 0x18, REG_SECONDARY = 0x19, REG_SUBORDINATE = 0x1a, REG_IO_BASE = 0x1c,
    REG_MEM_BASE = 0x20, REG_MEM_LIMIT = 0x22, REG_PREF_BASE = 0x24, REG_PREF_LIMIT = 0x26,
    REG_CAPS = 0x34,
};
enum { CMD_IO = 1, CMD_MEMORY = 2, CMD_MASTER = 4, CMD_NO_INTX = 0x400 };
#define STATUS_CAPS 0x10
#define HEADER_MANY 0x80
#define CAP_MSI 5
#define MSI_ENABLE 1u
#define MSI_SEVERAL 0x70u  /* messages beyond the first */
#define MSI_WIDE 0x80u
#define CAP_MSIX 0x11
#define CAP_EXPRESS 0x10
#define LINK_CONTROL 0x10  /* within it */
#define CAPS_MAX 48        /* that fit behind the header */
#define BRIDGE_UNIT (1ull << 20)
#define MSIX_ENABLE 0x8000
#define MSIX_MASK_ALL 0x4000
#define MSIX_ENTRY 4       /* words */

/* Memory that may be given out, upwards. A bridge that is being numbered takes its part of the
 * same window; behind one that the firmware has set up there is nothing to give. */
struct window { uint64_t next, end; };

static struct pci_dev devs[PCI_MAX]; /* [const after the scan] */
static unsigned ndevs, unkept;
static bool (*has_driver)(uint16_t vendor, uint16_t device); /* [const] NULL: all have */
static bool bus_seen[256];
static unsigned last_bus;

struct pci_dev *pci_get(unsigned i)
{
    return i < ndevs ? &devs[i] : NULL;
}

const char *pci_name(const struct pci_dev *d, char buf[16])
{
    snprintf(buf, 16, "pci %02x:%02x.%x", d->bdf >> 8, d->bdf >> 3 & 31, d->bdf & 7);
    return buf;
}

uint32_t pci_read(const struct pci_dev *d, unsigned reg, unsigned bytes)
{
    return pci_config_read(d->bdf, reg, bytes);
}

static void pci_write(const struct pci_dev *d, unsigned reg, unsigned bytes, uint32_t v)
{
    pci_config_write(d->bdf, reg, bytes, v);
}

unsigned pci_cap(const struct pci_dev *d, unsigned id, unsigned after)
{
    unsigned at = pci_read(d, after ? after + 1 : REG_CAPS, 1) & 0xfc;

    if (!(pci_read(d, REG_STATUS, 2) & STATUS_CAPS))
        return 0;
    for (unsigned i = 0; i < CAPS_MAX && at >= 0x40; i++) {
        if (pci_read(d, at, 1) == id)
            return at;
        at = pci_read(d, at + 1, 1) & 0xfc;
    }
    return 0;
}

/* ---- BARs -------------------------------------------------------------------------- */

static uint64_t bar_size(const struct pci_dev *d, unsigned reg, uint32_t low, bool wide)
{
    uint64_t mask, high = 0xffffffff;

    pci_write(d, reg, 4, 0xffffffff);
    mask = pci_read(d, reg, 4) & ~(low & 1 ? 3u : 15u);
    pci_write(d, reg, 4, low);
    if (wide) {
        uint32_t old = pci_read(d, reg + 4, 4);
        pci_write(d, reg + 4, 4, 0xffffffff);
        high = pci_read(d, reg + 4, 4);
        pci_write(d, reg + 4, 4, old);
    } else if (!mask) {
        return 0;
    }
    mask |= high << 32;
    return mask & -mask;
}

static void bar_assign(struct pci_dev *d, unsigned i, bool wide, struct window *w)
{
    struct pci_bar *b = &d->bar[i];
    uint64_t at = (w->next + b->size - 1) & -b->size;
    char name[16];

    if (at < w->next || at + b->size > w->end || at + b->size < at) {
        kprintf("gort: %s: no room for the %llu bytes of BAR %u\n", pci_name(d, name),
                (unsigned long long)b->size, i);
        return;
    }
    pci_write(d, REG_BAR + 4 * i, 4, (uint32_t)at);
    if (wide)
        pci_write(d, REG_BAR + 4 * i + 4, 4, (uint32_t)(at >> 32));
    b->base = at;
    w->next = at + b->size;
    boot_log("%s: BAR %u at %#llx, assigned by us", pci_name(d, name), i,
             (unsigned long long)at);
}

/* Sizes are read with decoding off, since the device would otherwise answer at the trial
 * address. Port BARs are left alone, as no driver uses them. */
static void bars_read(struct pci_dev *d, unsigned n, struct window *w)
{
    uint32_t command = pci_read(d, REG_COMMAND, 2);

    pci_write(d, REG_COMMAND, 2, command & ~(uint32_t)(CMD_IO | CMD_MEMORY));
    for (unsigned i = 0; i < n; i++) {
        uint32_t low = pci_read(d, REG_BAR + 4 * i, 4);
        bool wide = (low & 7) == 4 && i + 1 < n;
        struct pci_bar *b = &d->bar[i];
        b->memory = !(low & 1);
        b->size = bar_size(d, REG_BAR + 4 * i, low, wide);
        b->base = low & ~15u;
        if (wide)
            b->base |= (uint64_t)pci_read(d, REG_BAR + 4 * i + 4, 4) << 32;
        if (b->memory && b->size && !b->base)
            bar_assign(d, i, wide, w);
        i += wide;
    }
    pci_write(d, REG_COMMAND, 2, command);
}

/* ---- the scan ---------------------------------------------------------------------- */

static void scan_bus(unsigned bus, struct window *w);

static void bridge_number(const struct pci_dev *d, struct window *w)
{
    unsigned bus = ++last_bus;
    uint64_t start = (w->next + BRIDGE_UNIT - 1) & -BRIDGE_UNIT;

    pci_write(d, REG_PRIMARY, 1, d->bdf >> 8);
    pci_write(d, REG_SECONDARY, 1, bus);
    pci_write(d, REG_SUBORDINATE, 1, 0xff);
    w->next = start;
    scan_bus(bus, w);
    pci_write(d, REG_SUBORDINATE, 1, last_bus);
    w->next = (w->next + BRIDGE_UNIT - 1) & -BRIDGE_UNIT;
    bool any = w->next > start && w->next <= w->end;
    /* A limit below the base passes nothing. */
    pci_write(d, REG_MEM_BASE, 2, any ? (uint32_t)(start >> 16) & 0xfff0 : 0xfff0);
    pci_write(d, REG_MEM_LIMIT, 2, any ? (uint32_t)((w->next - 1) >> 16) & 0xfff0 : 0);
    pci_write(d, REG_PREF_BASE, 2, 0xfff0);
    pci_write(d, REG_PREF_LIMIT, 2, 0);
    pci_write(d, REG_IO_BASE, 2, 0x00f0);
    pci_write(d, REG_COMMAND, 2, CMD_MEMORY | CMD_MASTER);
}

static void scan_bridge(const struct pci_dev *d, struct window *w)
{
    unsigned bus = pci_read(d, REG_SECONDARY, 1);
    struct window none = { 0, 0 };

    if (bus == 0 && last_bus < 255)
        bridge_number(d, w);
    else if (bus != 0 && !bus_seen[bus])
        scan_bus(bus, &none);
}

static void resources_read(struct pci_dev *d, unsigned type, struct window *w)
{
    if (type <= 1)
        bars_read(d, type ? 2 : PCI_BARS, w);
    d->msix = (uint8_t)pci_cap(d, CAP_MSIX, 0);
    if (d->msix)
        d->msix_count = (uint16_t)((pci_read(d, d->msix + 2u, 2) & 0x7ff) + 1);
}

static void scan_function(uint16_t bdf, struct window *w)
{
    struct pci_dev d = { .bdf = bdf };
    uint32_t id = pci_read(&d, REG_ID, 4), class = pci_read(&d, REG_CLASS, 4);
    unsigned type = pci_read(&d, REG_HEADER, 1) & 0x7f;

    d.vendor = (uint16_t)id;
    d.device = (uint16_t)(id >> 16);
    d.class = (uint8_t)(class >> 24);
    d.subclass = (uint8_t)(class >> 16);
    if (type == 1 && d.class == 6)
        scan_bridge(&d, w);
    if (!has_driver || has_driver(d.vendor, d.device))
        resources_read(&d, type, w);
    if (ndevs < PCI_MAX)
        devs[ndevs++] = d;
    else
        unkept++;
}

static void scan_bus(unsigned bus, struct window *w)
{
    bus_seen[bus] = true;
    last_bus = bus > last_bus ? bus : last_bus;
    for (unsigned slot = 0; slot < 32; slot++) {
        for (unsigned fn = 0; fn < 8; fn++) {
            uint16_t bdf = (uint16_t)(bus << 8 | slot << 3 | fn);
            bool there = (pci_config_read(bdf, REG_ID, 4) & 0xffff) != 0xffff;
            if (there)
                scan_function(bdf, w);
            if (fn == 0 && !(there && pci_config_read(bdf, REG_HEADER, 1) & HEADER_MANY))
                break;
        }
    }
}

void pci_scan(uint64_t low, uint64_t high, bool (*driven)(uint16_t vendor, uint16_t device))
{
    struct window w = { low, high };

    has_driver = driven;
    pci_config_init();
    scan_bus(0, &w);
    if (unkept)
        kprintf("gort: %u PCI functions beyond %u are not used\n", unkept, PCI_MAX);
    boot_log("pci: %u functions on %u buses", ndevs, last_bus + 1);
}

/* ---- use of a function ------------------------------------------------------------- */

void pci_enable(const struct pci_dev *d)
{
    uint32_t command = pci_read(d, REG_COMMAND, 2);

    pci_write(d, REG_COMMAND, 2, command | CMD_MEMORY | CMD_MASTER | CMD_NO_INTX);
}

void pci_stop(const struct pci_dev *d)
{
    pci_write(d, REG_COMMAND, 2, pci_read(d, REG_COMMAND, 2) & ~(uint32_t)CMD_MASTER);
}

void pci_link_awake(const struct pci_dev *d)
{
    unsigned c = pci_cap(d, CAP_EXPRESS, 0);

    if (c)
        pci_write(d, c + LINK_CONTROL, 2, pci_read(d, c + LINK_CONTROL, 2) & ~3u);
}

volatile void *pci_map(const struct pci_dev *d, unsigned bar, uint64_t offset, uint64_t size)
{
    const struct pci_bar *b = bar < PCI_BARS ? &d->bar[bar] : NULL;

    if (!b || !b->memory || !b->base || !size || size > b->size || offset > b->size - size)
        return NULL;
    return vm_map_device(b->base + offset, size, VM_R | VM_W | VM_UNCACHED);
}

unsigned pci_msix_enable(struct pci_dev *d)
{
    if (!d->msix)
        return 0;
    uint32_t where = pci_read(d, d->msix + 4u, 4);
    uint32_t control = pci_read(d, d->msix + 2u, 2);
    volatile uint32_t *t = pci_map(d, where & 7, where & ~7u, d->msix_count * 4u * MSIX_ENTRY);
    if (!t)
        return 0;
    pci_write(d, d->msix + 2u, 2, control | MSIX_ENABLE | MSIX_MASK_ALL);
    for (unsigned i = 0; i < d->msix_count; i++)
        t[i * MSIX_ENTRY + 3] = 1; /* masked */
    pci_write(d, d->msix + 2u, 2, (control | MSIX_ENABLE) & ~(uint32_t)MSIX_MASK_ALL);
    d->msix_table = t;
    return d->msix_count;
}

void pci_msix_set(struct pci_dev *d, unsigned entry, uint64_t address, uint32_t data)
{
    volatile uint32_t *e = d->msix_table + entry * MSIX_ENTRY;

    e[3] = 1;
    e[0] = (uint32_t)address;
    e[1] = (uint32_t)(address >> 32);
    e[2] = data;
    e[3] = 0;
}

bool pci_msi_enable(const struct pci_dev *d, uint64_t address, uint32_t data)
{
    unsigned c = pci_cap(d, CAP_MSI, 0);

    if (!c)
        return false;
    uint32_t control = pci_read(d, c + 2, 2);
    pci_write(d, c + 4, 4, (uint32_t)address);
    if (control & MSI_WIDE)
        pci_write(d, c + 8, 4, (uint32_t)(address >> 32));
    pci_write(d, c + (control & MSI_WIDE ? 12 : 8), 2, data);
    pci_write(d, c + 2, 2, (control & ~MSI_SEVERAL) | MSI_ENABLE);
    return true;
}
