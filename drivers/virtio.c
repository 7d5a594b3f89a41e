#include "drivers/virtio.h"
#include <string.h>
#include "arch/x86_64/arch.h"
#include "drivers/dma.h"
#include "kernel/clock.h"
#include "kernel/print.h"
#include "mm/mm.h"

enum { ST_ACKNOWLEDGE = 1, ST_DRIVER = 2, ST_DRIVER_OK = 4, ST_FEATURES_OK = 8, ST_FAILED = 128 };
#define RESET_NS 1000000000ll
#define CONFIG_TRIES 8

static const struct driver {
    unsigned type;
    const char *name;
    bool (*start)(struct virtio_dev *d);
} drivers[] = {
    { VIRTIO_CONSOLE, "virtio-console", virtio_console_start },
    { VIRTIO_RNG, "virtio-rng", virtio_rng_start },
    { VIRTIO_NET, "virtio-net", virtio_net_start },
};
#define NDRIVERS (sizeof drivers / sizeof drivers[0])

const char *virtio_type_name(unsigned type)
{
    for (size_t i = 0; i < NDRIVERS; i++)
        if (drivers[i].type == type)
            return drivers[i].name;
    return "virtio";
}

void virtio_found(struct virtio_dev *d)
{
    for (size_t i = 0; i < NDRIVERS; i++)
        if (drivers[i].type == d->type && drivers[i].start(d))
            boot_log("%s: features %#llx", d->name, (unsigned long long)d->features);
}

void virtio_init(const char *cmdline)
{
    virtio_pci_init();
    virtio_mmio_init(cmdline);
}

static void status_add(struct virtio_dev *d, uint8_t bits)
{
    d->transport->set_status(d, d->transport->status(d) | bits);
}

/* A device that has gone away reads as all ones, and is not waited for. */
static bool reset(struct virtio_dev *d)
{
    int64_t end = clock_mono_ns() + RESET_NS;

    d->transport->set_status(d, 0);
    for (uint8_t s; (s = d->transport->status(d)) != 0; cpu_relax())
        if (s == 0xff || clock_mono_ns() > end)
            return false;
    return true;
}

static bool give_up(struct virtio_dev *d, const char *what)
{
    kprintf("gort: %s: %s: not used\n", d->name, what);
    status_add(d, ST_FAILED);
    d->broken = true;
    return false;
}

static bool negotiate(struct virtio_dev *d)
{
    if (!reset(d))
        return give_up(d, "does not reset");
    status_add(d, ST_ACKNOWLEDGE);
    status_add(d, ST_DRIVER);
    uint64_t offered = d->transport->features(d);
    if (!(offered & VIRTIO_F_VERSION_1))
        return give_up(d, "offers no virtio 1.0, only the legacy interface");
    d->features = offered & d->wanted;
    d->transport->set_features(d, d->features);
    status_add(d, ST_FEATURES_OK);
    if (!(d->transport->status(d) & ST_FEATURES_OK))
        return give_up(d, "does not accept a part of its own features");
    return true;
}

bool virtio_start(struct virtio_dev *d, uint64_t wanted)
{
    d->wanted = wanted | VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT |
                VIRTIO_F_PLATFORM;
    return negotiate(d);
}

static void queue_init(struct virtio_queue *q, unsigned size)
{
    virtq_init(&q->q, size, q->mem, q->mem_pa, q->slots, q->tables, q->tables_pa,
               q->dev->features & VIRTIO_F_EVENT_IDX);
}

bool virtio_queue_setup(struct virtio_dev *d, struct virtio_queue *q, unsigned index,
                        unsigned max, bool indirect, unsigned cpu, void (*irq)(void *), void *arg)
{
    unsigned size = d->transport->queue_max(d, index);

    if (size > max)
        size = max;
    while (size & (size - 1)) /* split queues: powers of two */
        size &= size - 1;
    if (size < 2)
        return false;
    *q = (struct virtio_queue){ .dev = d, .index = index, .cpu = cpu, .irq = irq,
                                .irq_arg = arg };
    q->indirect = indirect && d->features & VIRTIO_F_INDIRECT;
    q->slots = persistent_alloc(size * sizeof *q->slots, 16, NULL);
    q->mem = dma_alloc(virtq_bytes(size), &q->mem_pa);
    if (q->indirect)
        q->tables = dma_alloc(virtq_tables_bytes(size), &q->tables_pa);
    if (!q->mem || (q->indirect && !q->tables))
        return false;
    queue_init(q, size);
    if (!d->transport->queue_enable(d, q))
        return false;
    q->next = d->queues;
    d->queues = q;
    return true;
}

void virtio_run(struct virtio_dev *d)
{
    if (d->config_changed && !d->transport->config_irq(d))
        kprintf("gort: %s: no interrupt for changes of its configuration\n", d->name);
    status_add(d, ST_DRIVER_OK);
}

void virtio_kick(struct virtio_queue *q)
{
    if (virtq_publish(&q->q))
        q->dev->transport->notify(q);
}

/* The generation changes when the configuration does: a copy with one generation before and
 * after it is consistent. After some tries the last copy is taken as it is, since readers
 * check all values anyway. */
void virtio_config(struct virtio_dev *d, size_t at, void *buf, size_t n)
{
    size_t size;
    volatile uint8_t *c = d->transport->config(d, &size);
    uint8_t *out = buf;

    for (int i = 0; i < CONFIG_TRIES; i++) {
        uint8_t before = d->transport->generation(d);
        for (size_t k = 0; k < n; k++)
            out[k] = at + k < size ? c[at + k] : 0;
        if (d->transport->generation(d) == before)
            return;
    }
}

void virtio_fault(struct virtio_dev *d, const char *what)
{
    d->faults++;
    __atomic_store_n(&d->broken, true, __ATOMIC_SEQ_CST);
    bool quiet = reset(d);
    for (struct virtio_queue *q = d->queues; q; q = q->next)
        if (!q->q.broken)
            q->q.broken = "was reset";
    kprintf("gort: %s: %s: reset%s\n", d->name, what,
            quiet ? "" : ", which it does not answer");
}

bool virtio_restart(struct virtio_dev *d)
{
    uint64_t before = d->features;

    if (!negotiate(d))
        return false;
    if (d->features != before)
        return give_up(d, "has other features after a reset");
    for (struct virtio_queue *q = d->queues; q; q = q->next) {
        queue_init(q, q->q.size);
        if (d->transport->queue_max(d, q->index) < q->q.size ||
            !d->transport->queue_enable(d, q))
            return give_up(d, "has other queues after a reset");
    }
    __atomic_store_n(&d->broken, false, __ATOMIC_SEQ_CST);
    return true;
}
