/* virtio.h - virtio 1.x devices over PCI and MMIO (virtio 1.1, sections 3 and 4). Legacy devices
 * are refused with a message.
 *
 *   virtio_start -> virtio_queue_setup ... -> virtio_run -> virtq_add, virtio_kick, virtq_take
 *        ^                                                                         |
 *        +--------------------------- virtio_restart <-- virtio_fault <---- it lies, or hangs
 *
 * The device is somebody else's program: nothing that it says is a reason to panic. A driver
 * that finds an answer impossible calls virtio_fault, which resets the device and says so in
 * one line, and either restarts it or does without.
 *
 * Boot and g0 context, not locked; interrupt callbacks run in interrupt context. */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "drivers/virtq.h"

enum virtio_type { VIRTIO_NET = 1, VIRTIO_CONSOLE = 3, VIRTIO_RNG = 4 };

#define VIRTIO_F(n)          (1ull << (n))
#define VIRTIO_F_INDIRECT    VIRTIO_F(28)
#define VIRTIO_F_EVENT_IDX   VIRTIO_F(29)
#define VIRTIO_F_VERSION_1   VIRTIO_F(32)
#define VIRTIO_F_PLATFORM    VIRTIO_F(33) /* DMA through the platform's IOMMU, which is off */

struct virtio_dev;

struct virtio_queue {
    struct virtq q;
    struct virtio_dev *dev;
    unsigned index, cpu;       /* cpu: where it interrupts */
    void (*irq)(void *);       /* interrupt context */
    void *irq_arg;
    bool indirect;
    volatile uint16_t *notify; /* PCI; MMIO has one register for all */
    void *mem, *tables;        /* shared with the device, kept over resets */
    uint64_t mem_pa, tables_pa;
    struct virtq_slot *slots;
    uint32_t msi_entry;        /* PCI: of the MSI-X table */
    struct virtio_queue *sharing; /* another queue with the same MSI-X entry */
    struct virtio_queue *next; /* of this device */
};

/* What the two transports differ in. Registers are little-endian, as the CPU is. */
struct virtio_transport {
    uint8_t (*status)(struct virtio_dev *d);
    void (*set_status)(struct virtio_dev *d, uint8_t v);
    uint64_t (*features)(struct virtio_dev *d);
    void (*set_features)(struct virtio_dev *d, uint64_t v);
    /* The largest size of a queue; 0: there is none. */
    unsigned (*queue_max)(struct virtio_dev *d, unsigned index);
    /* Tells the device where q is and who is to be interrupted, and enables it. */
    bool (*queue_enable)(struct virtio_dev *d, struct virtio_queue *q);
    void (*notify)(struct virtio_queue *q);
    uint8_t (*generation)(struct virtio_dev *d);
    volatile uint8_t *(*config)(struct virtio_dev *d, size_t *size);
    bool (*config_irq)(struct virtio_dev *d); /* config_changed is set: deliver it */
};

struct virtio_dev {
    char name[32];             /* "virtio-net at pci 00:03.0" */
    unsigned type;
    const struct virtio_transport *transport;
    uint64_t wanted, features; /* features: what both sides agreed on */
    struct virtio_queue *queues;
    void (*config_changed)(void *arg); /* interrupt context; NULL: not wanted */
    void *config_arg;
    bool broken;               /* [atomic] stands still after virtio_fault */
    unsigned faults;
    union {
        struct {
            struct pci_dev *dev;
            volatile uint8_t *common, *notify, *isr, *config;
            size_t notify_size, config_size;
            uint32_t notify_unit;
            unsigned msi_entries, msi_used; /* entry 0 is the configuration's */
            bool config_set;
            struct virtio_queue *last; /* whose entry is the last that was set */
        } pci;
        struct {
            volatile uint32_t *regs;
            size_t size;
            unsigned irq;
            bool irq_set;
        } mmio;
    };
};

/* Is this PCI function a virtio device, with or without a driver here? */
bool virtio_pci_drives(uint16_t vendor, uint16_t device);
/* Finds the devices of all buses and has their drivers start them. The command line names
 * devices on MMIO: words virtio_mmio.device=SIZE@ADDRESS:IRQ. */
void virtio_init(const char *cmdline);
const char *virtio_type_name(unsigned type);

/* ---- for drivers ---- */

/* Resets the device and agrees on features: those of `wanted` that it offers; VERSION_1 and the
 * ring features are added. False: it is unusable, and the reason has been said. */
bool virtio_start(struct virtio_dev *d, uint64_t wanted);
/* Makes queue `index`, of at most max entries (a power of two), which calls irq(arg), if given,
 * on that CPU. indirect: one descriptor for a chain of up to VIRTQ_TABLE. False, quietly: the
 * device has no such queue, or there is no memory. */
bool virtio_queue_setup(struct virtio_dev *d, struct virtio_queue *q, unsigned index,
                        unsigned max, bool indirect, unsigned cpu, void (*irq)(void *), void *arg);
/* From now on the device works. */
void virtio_run(struct virtio_dev *d);
/* Shows the device what was added, and notifies it if it asks for that. */
void virtio_kick(struct virtio_queue *q);
/* Copies of the device's configuration of one moment; bytes that it lacks are 0. */
void virtio_config(struct virtio_dev *d, size_t at, void *buf, size_t n);
/* For a device that breaks the protocol or hangs: resets it, with a message. Its queues are
 * broken from then on; virtq_detach gives back what they held. */
void virtio_fault(struct virtio_dev *d, const char *what);
/* After virtio_fault and virtq_detach of all queues: starts the device with the features and
 * queues it had. False: it does not come back. virtio_run is to follow. */
bool virtio_restart(struct virtio_dev *d);

/* ---- for transports ---- */
void virtio_found(struct virtio_dev *d);
void virtio_pci_init(void);
void virtio_mmio_init(const char *cmdline);

/* ---- the drivers; false: it cannot be used ---- */
bool virtio_console_start(struct virtio_dev *d);
bool virtio_rng_start(struct virtio_dev *d);
bool virtio_net_start(struct virtio_dev *d);

#endif
