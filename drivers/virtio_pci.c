/* virtio_pci.c - the PCI transport (virtio 1.1, section 4.1), with MSI-X. */
#include <stdio.h>
#include <string.h>
#include "drivers/msi.h"
#include "drivers/pci.h"
#include "drivers/virtio.h"
#include "kernel/print.h"
#include "mm/mm.h"

#define VENDOR 0x1af4
#define CAP_VENDOR 9
enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE };
enum { CAP_TYPE = 3, CAP_BAR = 4, CAP_OFFSET = 8, CAP_LENGTH = 12, CAP_UNIT = 16 };
#define REG_SUBSYSTEM 0x2e
#define NO_VECTOR 0xffff

/* The common configuration. */
enum {
    C_FEATURE_SELECT = 0, C_FEATURE = 4, C_DRIVER_SELECT = 8, C_DRIVER_FEATURE = 12,
    C_MSIX_CONFIG = 16, C_STATUS = 20, C_GENERATION = 21, C_QUEUE = 22, C_QUEUE_SIZE = 24,
    C_QUEUE_VECTOR = 26, C_QUEUE_ENABLE = 28, C_QUEUE_NOTIFY = 30, C_DESC = 32, C_AVAIL = 40,
    C_USED = 48, C_BYTES = 56,
};

static volatile uint16_t *r16(struct virtio_dev *d, unsigned at)
{
    return (volatile uint16_t *)(d->pci.common + at);
}

static volatile uint32_t *r32(struct virtio_dev *d, unsigned at)
{
    return (volatile uint32_t *)(d->pci.common + at);
}

static void w64(struct virtio_dev *d, unsigned at, uint64_t v)
{
    *r32(d, at) = (uint32_t)v;
    *r32(d, at + 4) = (uint32_t)(v >> 32);
}

static uint8_t get_status(struct virtio_dev *d)
{
    return d->pci.common[C_STATUS];
}

static void set_status(struct virtio_dev *d, uint8_t v)
{
    d->pci.common[C_STATUS] = v;
}

static uint64_t get_features(struct virtio_dev *d)
{
    uint64_t v;

    *r32(d, C_FEATURE_SELECT) = 0;
    v = *r32(d, C_FEATURE);
    *r32(d, C_FEATURE_SELECT) = 1;
    return v | (uint64_t)*r32(d, C_FEATURE) << 32;
}

static void set_features(struct virtio_dev *d, uint64_t v)
{
    *r32(d, C_DRIVER_SELECT) = 0;
    *r32(d, C_DRIVER_FEATURE) = (uint32_t)v;
    *r32(d, C_DRIVER_SELECT) = 1;
    *r32(d, C_DRIVER_FEATURE) = (uint32_t)(v >> 32);
}

static unsigned queue_max(struct virtio_dev *d, unsigned index)
{
    *r16(d, C_QUEUE) = (uint16_t)index;
    return *r16(d, C_QUEUE) == index ? *r16(d, C_QUEUE_SIZE) : 0;
}

static void queue_irq(void *arg)
{
    for (struct virtio_queue *q = arg; q; q = __atomic_load_n(&q->sharing, __ATOMIC_ACQUIRE))
        q->irq(q->irq_arg);
}

/* Each queue that interrupts gets an entry of the MSI-X table, once and for all. When these, or
 * the CPU's vectors, have run out, the rest share the last one. */
static bool vector_get(struct virtio_dev *d, struct virtio_queue *q)
{
    uint64_t address;
    uint32_t data;

    if (!q->irq || q->msi_entry)
        return true;
    if (d->pci.msi_used < d->pci.msi_entries &&
        irq_msi_alloc(q->cpu, queue_irq, q, &address, &data) == 0) {
        q->msi_entry = d->pci.msi_used++;
        pci_msix_set(d->pci.dev, q->msi_entry, address, data);
    } else if (d->pci.last) {
        q->msi_entry = d->pci.last->msi_entry;
        q->sharing = d->pci.last->sharing;
        __atomic_store_n(&d->pci.last->sharing, q, __ATOMIC_RELEASE);
        return true;
    }
    d->pci.last = q->msi_entry ? q : NULL;
    return q->msi_entry != 0;
}

static bool queue_enable(struct virtio_dev *d, struct virtio_queue *q)
{
    unsigned size = q->q.size;
    uint16_t vector = NO_VECTOR;

    if (!vector_get(d, q))
        return false;
    if (q->irq)
        vector = (uint16_t)q->msi_entry;
    *r16(d, C_QUEUE) = (uint16_t)q->index;
    uint64_t at = (uint64_t)*r16(d, C_QUEUE_NOTIFY) * d->pci.notify_unit;
    if (at + 2 > d->pci.notify_size)
        return false;
    q->notify = (volatile uint16_t *)(d->pci.notify + at);
    *r16(d, C_QUEUE_SIZE) = (uint16_t)size;
    *r16(d, C_QUEUE_VECTOR) = vector;
    if (*r16(d, C_QUEUE_VECTOR) != vector) /* the device has no room for it */
        return false;
    w64(d, C_DESC, q->mem_pa);
    w64(d, C_AVAIL, q->mem_pa + virtq_avail_offset(size));
    w64(d, C_USED, q->mem_pa + virtq_used_offset(size));
    *r16(d, C_QUEUE_ENABLE) = 1;
    return true;
}

static void notify(struct virtio_queue *q)
{
    *q->notify = (uint16_t)q->index;
}

static uint8_t generation(struct virtio_dev *d)
{
    return d->pci.common[C_GENERATION];
}

static volatile uint8_t *config(struct virtio_dev *d, size_t *size)
{
    *size = d->pci.config_size;
    return d->pci.config;
}

/* Entry 0 of the table is the configuration's. */
static bool config_irq(struct virtio_dev *d)
{
    uint64_t address;
    uint32_t data;

    if (!d->pci.config_set) {
        if (irq_msi_alloc(0, d->config_changed, d->config_arg, &address, &data) < 0)
            return false;
        pci_msix_set(d->pci.dev, 0, address, data);
        d->pci.config_set = true;
    }
    *r16(d, C_MSIX_CONFIG) = 0;
    return *r16(d, C_MSIX_CONFIG) == 0;
}

static const struct virtio_transport transport = {
    .status = get_status, .set_status = set_status, .features = get_features,
    .set_features = set_features, .queue_max = queue_max, .queue_enable = queue_enable,
    .notify = notify, .generation = generation, .config = config, .config_irq = config_irq,
};

/* The structure of one kind that the device describes first, mapped; NULL: none that is sound. */
static volatile uint8_t *map_part(const struct pci_dev *p, unsigned type, size_t least,
                                  size_t *size, unsigned *at)
{
    for (unsigned c = 0; (c = pci_cap(p, CAP_VENDOR, c));) {
        if (pci_read(p, c + CAP_TYPE, 1) != type)
            continue;
        uint32_t length = pci_read(p, c + CAP_LENGTH, 4);
        if (length < least)
            continue;
        *size = length < 65536 ? length : 65536;
        *at = c;
        volatile void *m = pci_map(p, pci_read(p, c + CAP_BAR, 1), pci_read(p, c + CAP_OFFSET, 4),
                                   *size);
        if (m)
            return m;
    }
    return NULL;
}

static bool map_all(struct virtio_dev *d, const struct pci_dev *p)
{
    size_t size;
    unsigned at;

    d->pci.common = map_part(p, CAP_COMMON, C_BYTES, &size, &at);
    d->pci.isr = map_part(p, CAP_ISR, 1, &size, &at);
    d->pci.config = map_part(p, CAP_DEVICE, 1, &d->pci.config_size, &at);
    if (!d->pci.config) /* an entropy source has none */
        d->pci.config_size = 0;
    d->pci.notify = map_part(p, CAP_NOTIFY, 2, &d->pci.notify_size, &at);
    if (d->pci.notify)
        d->pci.notify_unit = pci_read(p, at + CAP_UNIT, 4);
    return d->pci.common && d->pci.isr && d->pci.notify;
}

bool virtio_pci_drives(uint16_t vendor, uint16_t device)
{
    return vendor == VENDOR && device >= 0x1000 && device < 0x1080;
}

/* Devices of before 1.0 that also know it say what they are in the subsystem's number. */
static unsigned type_of(const struct pci_dev *p)
{
    if (!virtio_pci_drives(p->vendor, p->device))
        return 0;
    return p->device >= 0x1040 ? p->device - 0x1040u : pci_read(p, REG_SUBSYSTEM, 2);
}

static void attach(struct pci_dev *p, unsigned type)
{
    struct virtio_dev *d = persistent_alloc(sizeof *d, 16, NULL);
    char name[16];

    snprintf(d->name, sizeof d->name, "%s at %s", virtio_type_name(type), pci_name(p, name));
    d->type = type;
    d->transport = &transport;
    d->pci.dev = p;
    pci_enable(p);
    if (!map_all(d, p)) {
        kprintf("gort: %s: has no virtio 1.0 interface (disable-modern=off): not used\n", d->name);
        return;
    }
    d->pci.msi_entries = pci_msix_enable(p);
    d->pci.msi_used = 1;
    if (d->pci.msi_entries < 2) {
        kprintf("gort: %s: has no MSI-X interrupts: not used\n", d->name);
        return;
    }
    virtio_found(d);
}

void virtio_pci_init(void)
{
    struct pci_dev *p;

    for (unsigned i = 0; (p = pci_get(i)); i++) {
        unsigned type = type_of(p);
        if (type == VIRTIO_CONSOLE || type == VIRTIO_RNG || type == VIRTIO_NET)
            attach(p, type);
    }
}
