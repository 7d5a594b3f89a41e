/* virtio_net_rings.c - receiving and sending frames.
 *
 * Receive buffers are small packets, whose bytes all go to the device, the header's included: a
 * frame of MTU 1500 takes one, a merged one up to 35. What the device has written about a frame is
 * copied before it is looked at, and checked against the frame's length.
 *
 * Sent packets come back without interrupts: whoever sends or polls next takes them. Only when
 * the ring is full the device is asked for an interrupt, at half of it. */
#include "boot/boot_info.h"
#include "drivers/virtio_net.h"

enum { HDR_NEEDS_CSUM = 1, HDR_DATA_VALID = 2 };
enum { GSO_NONE = 0, GSO_TCP4 = 1, GSO_TCP6 = 4, GSO_ECN = 0x80 };
#define HEADER sizeof(struct vnet_header)
#define ETHER 14u
#define MERGED_MAX 36u
#define SEGS_MAX 48u

static struct vnet *net_of(const struct netdev *d)
{
    return (struct vnet *)(uintptr_t)d;
}

static uint64_t direct_phys(const void *p)
{
    return (uintptr_t)p - DIRECT_MAP_BASE;
}

/* ---- receive ----------------------------------------------------------------------- */

void vnet_refill(struct vnet_pair *p)
{
    while (virtq_has_room(&p->rx.q, 1)) {
        struct pkt *b = pkt_alloc(PKT_SMALL);
        if (!b) {
            netdev_count(&p->net->dev.stats.rx_nomem, 1);
            break;
        }
        b->data -= PKT_HEADROOM;
        struct virtq_seg s = { direct_phys(b->data), PKT_HEADROOM + PKT_SMALL_ROOM };
        virtq_add(&p->rx.q, &s, 0, 1, b);
    }
}

/* Turns the device's header into the packet's fields. False: the header contradicts itself. */
static bool header_take(const struct vnet *n, const struct vnet_header *h, struct pkt *p,
                        size_t len)
{
    uint64_t f = n->virtio->features;
    uint8_t gso = h->gso_type & (uint8_t)~GSO_ECN;

    if (len < ETHER || len > VNET_FRAME_MAX)
        return false;
    if (h->flags & HDR_NEEDS_CSUM && f & NET_F_GUEST_CSUM) {
        if ((size_t)h->csum_start + h->csum_offset + 2 > len)
            return false;
        p->flags = PKT_CSUM_PARTIAL;
        p->csum_start = h->csum_start;
        p->csum_offset = h->csum_offset;
    } else if (h->flags & HDR_DATA_VALID && f & NET_F_GUEST_CSUM) {
        p->flags = PKT_CSUM_OK;
    }
    if (gso == GSO_NONE)
        return true;
    if (!(gso == GSO_TCP4 ? f & NET_F_GUEST_TSO4 : gso == GSO_TCP6 ? f & NET_F_GUEST_TSO6 : 0) ||
        !h->gso_size)
        return false;
    p->gso_type = gso == GSO_TCP4 ? PKT_GSO_TCP4 : PKT_GSO_TCP6;
    p->gso_size = h->gso_size;
    p->gso_hdr_len = h->hdr_len <= len ? h->hdr_len : 0;
    return true;
}

/* One frame of one or more buffers; NULL: none, or the queue is broken. *bad: it is malformed. */
static struct pkt *rx_take(struct vnet_pair *p, bool *bad)
{
    struct vnet_header h;
    uint32_t len;
    struct pkt *first = virtq_take(&p->rx.q, &len), *last = first;

    if (!first)
        return NULL;
    __builtin_memcpy(&h, first->data, HEADER);
    first->data += HEADER;
    *bad = len < HEADER;
    first->len = *bad ? 0 : len - (uint32_t)HEADER;
    size_t total = first->len;
    unsigned more = p->net->virtio->features & NET_F_MRG_RXBUF ? h.num_buffers - 1u : 0;
    if (more >= MERGED_MAX) { /* 0 wraps */
        p->rx.q.broken = "merges an impossible number of buffers";
        more = 0;
    }
    for (; more; more--) {
        struct pkt *b = virtq_take(&p->rx.q, &len);
        if (!b) { /* they are all shown at once */
            if (!p->rx.q.broken)
                p->rx.q.broken = "merges buffers that it does not give back";
            break;
        }
        b->len = len;
        total += len;
        last->next = b;
        last = b;
    }
    *bad |= p->rx.q.broken || !header_take(p->net, &h, first, total);
    first->queue = p->index;
    netdev_count(&p->net->dev.stats.rx_bytes, total);
    return first;
}

static unsigned rx_poll(struct vnet_pair *p, unsigned budget)
{
    struct pkt *list = NULL, **end = &list;
    unsigned n = 0, good = 0;
    bool bad = false;

    for (struct pkt *f; n < budget && (f = rx_take(p, &bad)); n++) {
        if (bad) {
            netdev_count(&p->net->dev.stats.rx_dropped, 1);
            pkt_free(f);
            continue;
        }
        *end = f;
        end = &f->link;
        good++;
    }
    if (good)
        netdev_receive(&p->net->dev, p->index, list, good);
    if (p->rx.q.broken) {
        vnet_blame(p->net, p->rx.q.broken);
        return n;
    }
    vnet_refill(p);
    virtio_kick(&p->rx);
    return n;
}

/* ---- transmit ---------------------------------------------------------------------- */

static void tx_reclaim(struct vnet_pair *p)
{
    uint32_t n;

    for (struct pkt *f; (f = virtq_take(&p->tx.q, &n)); p->sent++)
        pkt_free(f);
}

static bool gso_possible(const struct vnet *n, const struct pkt *f)
{
    uint32_t need = f->gso_type == PKT_GSO_TCP4 ? NETDEV_TSO4 : NETDEV_TSO6;

    return !f->gso_type || (n->dev.features & need && f->gso_size && f->flags & PKT_CSUM_PARTIAL &&
                            f->gso_hdr_len <= f->len);
}

/* Writes the device's header in front of the frame; false: the packet is malformed. */
static bool header_put(struct vnet *n, struct pkt *f)
{
    struct vnet_header h = { 0 };
    size_t len = pkt_length(f);

    if (pkt_shared(f) || pkt_room_front(f) < HEADER || f->len < ETHER || len > VNET_FRAME_MAX ||
        !gso_possible(n, f))
        return false;
    if (f->flags & PKT_CSUM_PARTIAL && !(n->dev.features & NETDEV_TX_CSUM) &&
        !pkt_csum_complete(f))
        return false;
    if (f->flags & PKT_CSUM_PARTIAL) {
        if ((size_t)f->csum_start + f->csum_offset + 2 > len)
            return false;
        h.flags = HDR_NEEDS_CSUM;
        h.csum_start = f->csum_start;
        h.csum_offset = f->csum_offset;
    }
    if (f->gso_type) {
        h.gso_type = f->gso_type == PKT_GSO_TCP4 ? GSO_TCP4 : GSO_TCP6;
        h.gso_size = f->gso_size;
        h.hdr_len = f->gso_hdr_len;
    }
    f->data -= HEADER;
    f->len += (uint32_t)HEADER;
    __builtin_memcpy(f->data, &h, HEADER);
    return true;
}

/* 0: it is with the device; 1: no room, try again; -1: malformed. */
static int tx_one(struct vnet_pair *p, struct pkt *f)
{
    struct virtq_seg seg[SEGS_MAX];
    unsigned n = 0;

    for (struct pkt *b = f; b; b = b->next) {
        if (b->len && n == SEGS_MAX)
            return -1;
        if (b->len)
            seg[n++] = (struct virtq_seg){ direct_phys(b->data), b->len };
    }
    if (n && (!virtq_has_room(&p->tx.q, n) && !p->tx.q.broken))
        return 1;
    size_t bytes = pkt_length(f);
    if (!header_put(p->net, f))
        return -1;
    seg[0] = (struct virtq_seg){ direct_phys(f->data), f->len };
    if (virtq_add(&p->tx.q, seg, n, 0, f) < 0)
        return -1;
    netdev_count(&p->net->dev.stats.tx_packets, 1);
    netdev_count(&p->net->dev.stats.tx_bytes, bytes);
    return 0;
}

/* The ring is full: an interrupt at half of it. False: there is room after all. */
static bool tx_starve(struct vnet_pair *p)
{
    p->starved = true;
    if (!virtq_irq_on(&p->tx.q, (p->tx.q.chains + 1) / 2))
        return true;
    tx_reclaim(p);
    return p->tx.q.broken;
}

struct pkt *vnet_transmit(struct netdev *d, unsigned queue, struct pkt *list)
{
    struct vnet *n = net_of(d);
    struct vnet_pair *p = &n->pair[queue % n->npairs];

    lock(&p->lock);
    if (__atomic_load_n(&n->resetting, __ATOMIC_ACQUIRE)) {
        unlock(&p->lock);
        netdev_drop(d, list);
        return NULL;
    }
    tx_reclaim(p);
    while (list) {
        struct pkt *next = list->link;
        int r = tx_one(p, list);
        if (r > 0 && tx_starve(p))
            break;
        if (r > 0)
            continue;
        if (r < 0) {
            netdev_count(&d->stats.tx_dropped, 1);
            pkt_free(list);
        }
        list = next;
    }
    virtio_kick(&p->tx);
    const char *why = p->tx.q.broken;
    unlock(&p->lock);
    if (why)
        vnet_blame(n, why);
    return list;
}

/* Takes back sent packets. True: a sender that was turned away may try again. */
static bool tx_poll(struct vnet_pair *p)
{
    lock(&p->lock);
    if (!__atomic_load_n(&p->net->resetting, __ATOMIC_ACQUIRE))
        tx_reclaim(p);
    bool room = p->starved && (p->tx.q.broken || p->tx.q.nfree >= p->tx.q.size / 2);
    if (room)
        p->starved = false;
    const char *why = p->tx.q.broken;
    unlock(&p->lock);
    if (why)
        vnet_blame(p->net, why);
    return room;
}

/* ---- both -------------------------------------------------------------------------- */

unsigned vnet_poll(struct netdev *d, unsigned queue, unsigned budget)
{
    struct vnet *n = net_of(d);
    struct vnet_pair *p = &n->pair[queue % n->npairs];

    if (__atomic_exchange_n(&p->polling, true, __ATOMIC_ACQUIRE))
        return 0;
    unsigned done = p->rx.q.broken ? 0 : rx_poll(p, budget);
    __atomic_store_n(&p->polling, false, __ATOMIC_RELEASE);
    const struct netdev_user *u = __atomic_load_n(&d->user, __ATOMIC_ACQUIRE);
    if (tx_poll(p) && u && u->room)
        u->room(d->user_arg, d, p->index);
    vnet_settle(n);
    return done;
}

bool vnet_pending(const struct netdev *d, unsigned queue)
{
    const struct vnet *n = net_of(d);

    return virtq_pending(&n->pair[queue % n->npairs].rx.q);
}

bool vnet_irq_enable(struct netdev *d, unsigned queue)
{
    struct vnet *n = net_of(d);
    struct vnet_pair *p = &n->pair[queue % n->npairs];

    if (__atomic_exchange_n(&p->polling, true, __ATOMIC_ACQUIRE))
        return true; /* somebody else polls: ask again */
    bool more = !p->rx.q.broken && virtq_irq_on(&p->rx.q, 1);
    __atomic_store_n(&p->polling, false, __ATOMIC_RELEASE);
    return more;
}

void vnet_irq_disable(struct netdev *d, unsigned queue)
{
    struct vnet *n = net_of(d);

    virtq_irq_off(&n->pair[queue % n->npairs].rx.q);
}

void vnet_queue_irq(void *arg)
{
    struct vnet_pair *p = arg;

    if (!p->rx.q.event_idx) /* with the index each is asked for singly */
        virtq_irq_off(&p->rx.q);
    netdev_wake(&p->net->dev, p->index);
}

void vnet_drop_all(struct vnet_pair *p)
{
    for (struct pkt *f; (f = virtq_detach(&p->rx.q));)
        pkt_free(f);
    for (struct pkt *f; (f = virtq_detach(&p->tx.q));) {
        netdev_count(&p->net->dev.stats.tx_dropped, 1);
        pkt_free(f);
    }
}
