/* virtio_mmio.c - the MMIO transport (virtio 1.1, section 4.2): Firecracker, QEMU's microvm. The
 * devices cannot be found by looking; the host describes them in ACPI's DSDT, or writes words
 * into the command line:
 *
 *     virtio_mmio.device=SIZE@ADDRESS:IRQ[:ID]       4K@0xd0000000:5 */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "drivers/acpi.h"
#include "drivers/irq.h"
#include "drivers/virtio.h"
#include "drivers/virtio_mmio.h"
#include "kernel/print.h"
#include "mm/mm.h"

enum {
    R_MAGIC = 0, R_VERSION = 1, R_DEVICE = 2, R_FEATURE = 4, R_FEATURE_SELECT = 5,
    R_DRIVER_FEATURE = 8, R_DRIVER_SELECT = 9, R_QUEUE = 12, R_QUEUE_MAX = 13, R_QUEUE_SIZE = 14,
    R_QUEUE_READY = 17, R_NOTIFY = 20, R_IRQ_STATUS = 24, R_IRQ_ACK = 25, R_STATUS = 28,
    R_DESC = 32, R_AVAIL = 36, R_USED = 40, R_GENERATION = 63, R_CONFIG = 64,
}; /* words */
#define MAGIC 0x74726976u
enum { IRQ_QUEUE = 1, IRQ_CONFIG = 2 };

static uint8_t get_status(struct virtio_dev *d)
{
    return (uint8_t)d->mmio.regs[R_STATUS];
}

static void set_status(struct virtio_dev *d, uint8_t v)
{
    d->mmio.regs[R_STATUS] = v;
}

static uint64_t get_features(struct virtio_dev *d)
{
    volatile uint32_t *r = d->mmio.regs;
    uint64_t v;

    r[R_FEATURE_SELECT] = 0;
    v = r[R_FEATURE];
    r[R_FEATURE_SELECT] = 1;
    return v | (uint64_t)r[R_FEATURE] << 32;
}

static void set_features(struct virtio_dev *d, uint64_t v)
{
    volatile uint32_t *r = d->mmio.regs;

    r[R_DRIVER_SELECT] = 0;
    r[R_DRIVER_FEATURE] = (uint32_t)v;
    r[R_DRIVER_SELECT] = 1;
    r[R_DRIVER_FEATURE] = (uint32_t)(v >> 32);
}

static unsigned queue_max(struct virtio_dev *d, unsigned index)
{
    d->mmio.regs[R_QUEUE] = index;
    unsigned n = d->mmio.regs[R_QUEUE_MAX];
    return n <= 32768 ? n : 0;
}

/* One line for everything. The acknowledgement comes first: what happens from then on raises
 * the line again. */
static void interrupt(void *arg)
{
    struct virtio_dev *d = arg;
    uint32_t why = d->mmio.regs[R_IRQ_STATUS];

    d->mmio.regs[R_IRQ_ACK] = why;
    if (why & IRQ_QUEUE)
        for (struct virtio_queue *q = __atomic_load_n(&d->queues, __ATOMIC_ACQUIRE); q; q = q->next)
            if (q->irq)
                q->irq(q->irq_arg);
    if (why & IRQ_CONFIG && d->config_changed)
        d->config_changed(d->config_arg);
}

static bool irq_get(struct virtio_dev *d)
{
    if (!d->mmio.irq_set)
        d->mmio.irq_set = irq_register(d->mmio.irq, interrupt, d) == 0;
    return d->mmio.irq_set;
}

static void address(struct virtio_dev *d, unsigned reg, uint64_t pa)
{
    d->mmio.regs[reg] = (uint32_t)pa;
    d->mmio.regs[reg + 1] = (uint32_t)(pa >> 32);
}

static bool queue_enable(struct virtio_dev *d, struct virtio_queue *q)
{
    unsigned size = q->q.size;

    if (q->irq && !irq_get(d))
        return false;
    d->mmio.regs[R_QUEUE] = q->index;
    d->mmio.regs[R_QUEUE_SIZE] = size;
    address(d, R_DESC, q->mem_pa);
    address(d, R_AVAIL, q->mem_pa + virtq_avail_offset(size));
    address(d, R_USED, q->mem_pa + virtq_used_offset(size));
    d->mmio.regs[R_QUEUE_READY] = 1;
    return true;
}

static void notify(struct virtio_queue *q)
{
    q->dev->mmio.regs[R_NOTIFY] = q->index;
}

static uint8_t generation(struct virtio_dev *d)
{
    return (uint8_t)d->mmio.regs[R_GENERATION];
}

static volatile uint8_t *config(struct virtio_dev *d, size_t *size)
{
    *size = d->mmio.size - R_CONFIG * 4;
    return (volatile uint8_t *)(d->mmio.regs + R_CONFIG);
}

static const struct virtio_transport transport = {
    .status = get_status, .set_status = set_status, .features = get_features,
    .set_features = set_features, .queue_max = queue_max, .queue_enable = queue_enable,
    .notify = notify, .generation = generation, .config = config, .config_irq = irq_get,
};

static bool known(uint64_t address)
{
    for (unsigned i = 0; i < acpi.nvirtio; i++)
        if (acpi.virtio[i].address == address)
            return true;
    return false;
}

static void attach(uint64_t pa, uint64_t size, unsigned irq)
{
    volatile uint32_t *regs = vm_map_device(pa, size, VM_R | VM_W | VM_UNCACHED);

    if (!regs || regs[R_MAGIC] != MAGIC) {
        kprintf("gort: there is no virtio device at %#llx, though the host has named one\n",
                (unsigned long long)pa);
        return;
    }
    unsigned type = regs[R_DEVICE];
    if (type != VIRTIO_CONSOLE && type != VIRTIO_RNG && type != VIRTIO_NET)
        return; /* 0: a place that is empty */
    struct virtio_dev *d = persistent_alloc(sizeof *d, 16, NULL);
    snprintf(d->name, sizeof d->name, "%s at %#llx", virtio_type_name(type),
             (unsigned long long)pa);
    if (regs[R_VERSION] != 2) {
        kprintf("gort: %s: is a legacy device (QEMU: -global virtio-mmio.force-legacy=false): "
                "not used\n", d->name);
        return;
    }
    d->type = type;
    d->transport = &transport;
    d->mmio.regs = regs;
    d->mmio.size = size;
    d->mmio.irq = irq;
    virtio_found(d);
}

void virtio_mmio_init(const char *cmdline)
{
    struct virtio_mmio_word w;
    const char *at = cmdline;

    for (unsigned i = 0; i < acpi.nvirtio; i++)
        attach(acpi.virtio[i].address, acpi.virtio[i].size, acpi.virtio[i].gsi);
    for (int r; (r = virtio_mmio_parse(&at, &w)) != 0;) {
        if (r < 0)
            kprintf("gort: \"%.*s\" is not understood: it is virtio_mmio.device=SIZE@ADDRESS:IRQ\n",
                    (int)w.length, w.text);
        else if (!known(w.address))
            attach(w.address, w.size, w.irq);
    }
}
