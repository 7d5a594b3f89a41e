/* virtq.h - split virtqueues (virtio 1.1, section 2.6), the driver's side. Pure: memory only.
 *
 *     add, add, ... publish -> [notify] -> the device works -> take, take, ...
 *
 * The device may write anything at any time into what it shares with us. So nothing that was
 * given to it is read back: chains, lengths and owners are remembered in `slot`; each word of
 * the used ring is read once; an answer that cannot be true makes the queue `broken`, after
 * which it takes and gives nothing until virtq_init. The caller resets the device then.
 *
 * Not locked: one user at a time, but for virtq_pending (any context) and virtq_irq_off (also
 * in the queue's own interrupt). */
#ifndef DRIVERS_VIRTQ_H
#define DRIVERS_VIRTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTQ_SIZE_MAX 1024
#define VIRTQ_TABLE 20u /* segments of an indirect table; longer chains go without one */

struct virtq_desc { uint64_t addr; uint32_t len; uint16_t flags, next; };
struct virtq_used_elem { uint32_t id, len; };

/* What we know of a descriptor. */
struct virtq_slot {
    void *cookie;         /* of the head of a chain that the device has; NULL: it has none */
    uint32_t writable;    /* bytes of the chain that the device may write */
    uint16_t next;        /* in the chain, or in the free list */
    uint16_t count;       /* descriptors of the chain */
};

struct virtq {
    uint16_t size;        /* [const] descriptors: a power of two */
    bool event_idx;       /* [const] VIRTIO_F_EVENT_IDX */
    const char *broken;   /* what the device did wrong, for the message; NULL: nothing */
    volatile struct virtq_desc *desc;
    volatile uint16_t *avail;  /* flags, idx, ring[size], used_event */
    volatile uint16_t *used;   /* flags, idx, elem[size], avail_event */
    struct virtq_slot *slot;
    struct virtq_desc *tables; /* size * VIRTQ_TABLE, or NULL: no indirect descriptors */
    uint64_t desc_pa, tables_pa;
    uint16_t free, nfree; /* list of free descriptors */
    uint16_t chains;      /* that the device has */
    uint16_t next_avail;  /* index of the next entry */
    uint16_t published;   /* what the device has been shown */
    uint16_t seen;        /* used entries taken, ever */
};

struct virtq_seg { uint64_t pa; uint32_t len; };

/* Bytes of the shared memory of a queue, which is 4096-aligned and zeroed by virtq_init. */
size_t virtq_bytes(unsigned size);
size_t virtq_avail_offset(unsigned size);
size_t virtq_used_offset(unsigned size);
size_t virtq_tables_bytes(unsigned size);
/* mem: virtq_bytes at physical pa; slots: `size` of them; tables: NULL or virtq_tables_bytes. */
void virtq_init(struct virtq *q, unsigned size, void *mem, uint64_t pa, struct virtq_slot *slots,
                void *tables, uint64_t tables_pa, bool event_idx);

/* Queues a chain: nout segments that the device reads, then nin that it writes (at least one in
 * all, none empty). cookie, not NULL, comes back from virtq_take. -ENOSPC: try after a take;
 * -EIO: broken. */
int virtq_add(struct virtq *q, const struct virtq_seg *seg, unsigned nout, unsigned nin,
              void *cookie);
bool virtq_has_room(const struct virtq *q, unsigned segments);
/* Shows the device what was added. True: it wants to be notified. */
bool virtq_publish(struct virtq *q);
/* A chain that the device has done with: its cookie, and in *written how many bytes it says it
 * has written, at most what it may. NULL: none, or broken. */
void *virtq_take(struct virtq *q, uint32_t *written);
bool virtq_pending(const struct virtq *q);
/* Interrupts on: at the next used entry, or, with the event index, after `after` more. True:
 * that much has come already, without an interrupt. */
bool virtq_irq_on(struct virtq *q, unsigned after);
void virtq_irq_off(struct virtq *q);
/* After a reset of the device: the cookies that it still had, one by one; NULL at the end. */
void *virtq_detach(struct virtq *q);

#endif
