/* virtio_net.h - between the two files of the virtio-net driver. */
#ifndef DRIVERS_VIRTIO_NET_H
#define DRIVERS_VIRTIO_NET_H

#include "drivers/net.h"
#include "drivers/virtio.h"
#include "kernel/lock.h"

#define NET_F_CSUM       VIRTIO_F(0)
#define NET_F_GUEST_CSUM VIRTIO_F(1)
#define NET_F_MTU        VIRTIO_F(3)
#define NET_F_MAC        VIRTIO_F(5)
#define NET_F_GUEST_TSO4 VIRTIO_F(7)
#define NET_F_GUEST_TSO6 VIRTIO_F(8)
#define NET_F_HOST_TSO4  VIRTIO_F(11)
#define NET_F_HOST_TSO6  VIRTIO_F(12)
#define NET_F_MRG_RXBUF  VIRTIO_F(15)
#define NET_F_STATUS     VIRTIO_F(16)
#define NET_F_CTRL_VQ    VIRTIO_F(17)
#define NET_F_CTRL_RX    VIRTIO_F(18)
#define NET_F_MQ         VIRTIO_F(22)
#define NET_F_RSS        VIRTIO_F(60)

#define VNET_QUEUES 16u       /* pairs */
#define VNET_RING   256u
#define VNET_FRAME_MAX 65553u /* an IP packet of 65535 bytes, link header, VLAN tag */

/* In front of every frame, both ways (virtio 1.1, 5.1.6). */
struct vnet_header {
    uint8_t flags, gso_type;
    uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};

struct vnet;

/* A pair of queues. rx belongs to the CPU that has set `polling`; tx is under the lock. */
struct vnet_pair {
    struct vnet *net;
    unsigned index;
    bool polling;              /* [atomic] */
    struct virtio_queue rx;
    struct lock lock;          /* RANK_NETQ */
    struct virtio_queue tx;
    bool starved;              /* [lock] a packet was turned away */
    uint64_t sent;             /* [lock] chains that came back, ever */
    uint64_t sent_seen;        /* service's */
    int64_t moved;             /* service's: clock_mono_ns when sent last changed */
};

struct vnet {
    struct netdev dev;         /* first */
    struct virtio_dev *virtio;
    unsigned npairs;
    struct vnet_pair *pair;
    bool faulty;               /* [atomic] to be reset by who polls or services next */
    const char *why;           /* [atomic] */
    bool resetting;            /* [atomic] */
    bool config_dirty;         /* [atomic] */
    struct lock control_lock;  /* RANK_NETQ */
    struct virtio_queue control;
    uint8_t *control_mem;
    uint64_t control_pa;
};

/* virtio_net_rings.c */
struct pkt *vnet_transmit(struct netdev *d, unsigned queue, struct pkt *list);
unsigned vnet_poll(struct netdev *d, unsigned queue, unsigned budget);
bool vnet_pending(const struct netdev *d, unsigned queue);
bool vnet_irq_enable(struct netdev *d, unsigned queue);
void vnet_irq_disable(struct netdev *d, unsigned queue);
void vnet_queue_irq(void *pair);
/* Gives the device as many receive buffers as it takes and there is memory for. Owner of rx. */
void vnet_refill(struct vnet_pair *p);
/* Frees what both queues of a device that was reset held. */
void vnet_drop_all(struct vnet_pair *p);

/* virtio_net.c: resets the device if it has been found faulty. No locks. */
void vnet_settle(struct vnet *n);
void vnet_blame(struct vnet *n, const char *why);

#endif
