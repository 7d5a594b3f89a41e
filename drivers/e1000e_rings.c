/* e1000e_rings.c - receiving and sending frames (82574 data sheet, 7.1 to 7.4).
 *
 * The device owns its slots until it has written DD into them. What it writes is read once, as a
 * whole word, and believed only as far as it is possible: which buffer belongs to a slot, and
 * where a packet ends, stands in memory of our own.
 *
 * Sent packets come back without interrupts: whoever sends or polls next takes them. Only when
 * the ring is full the device is asked for one. */
#include "drivers/e1000e.h"
#include "boot/boot_info.h"

#define ETHER 14u
#define GSO_MAX (ETHER + 65535u)
#define PART_MAX 8192u  /* bytes of a descriptor: well below the transmitter's 20 KiB of buffer */
#define PARTS_MAX 60u
#define STUCK_NS 5000000000ll
enum { CSUM_AT_TCP = 16, CSUM_AT_UDP = 6, PROTO_TCP = 6 };

static struct e1000e *nic_of(const struct netdev *d)
{
    return (struct e1000e *)(uintptr_t)d;
}

static struct e1000e_rx *rx_of(const struct netdev *d, unsigned queue)
{
    return &nic_of(d)->rx[queue % d->nqueues];
}

static uint64_t direct_phys(const void *p)
{
    return (uintptr_t)p - DIRECT_MAP_BASE;
}

/* ---- receive ----------------------------------------------------------------------- */

void e1000e_refill(struct e1000e_rx *r)
{
    unsigned before = r->n, at = (r->next + r->n) % E1000E_RX;

    while (r->n < E1000E_RX - 1) {
        struct pkt *b = pkt_alloc(PKT_SMALL);
        if (!b) {
            netdev_count(&r->nic->dev.stats.rx_nomem, 1);
            break;
        }
        r->held[at] = b;
        r->ring[at].low = direct_phys(b->data);
        __atomic_store_n(&r->ring[at].high, 0, __ATOMIC_RELAXED);
        at = (at + 1) % E1000E_RX;
        r->n++;
    }
    if (r->n != before) {
        __atomic_thread_fence(__ATOMIC_RELEASE);
        e1000e_set(r->nic, R_RDT + RX_QUEUE * r->index, at);
    }
}

/* Takes the frame's facts from what the device has written. False: it is to be dropped. */
static bool frame_take(struct e1000e_rx *r, struct pkt *f, uint64_t hash, uint64_t done)
{
    uint32_t len = done >> 32 & 0xffff;
    bool rest = r->skipping;

    r->skipping = !(done & RXD_EOP);
    if (len > PKT_SMALL_ROOM) {
        e1000e_blame(r->nic, "has received more than there was room for");
        return false;
    }
    if (rest || r->skipping || done & RXD_BAD || len < ETHER || len > E1000E_FRAME_MAX)
        return false;
    f->len = len;
    f->queue = r->index;
    f->hash = hash & 15 ? (uint32_t)(hash >> 32) : 0;
    if (!(done & (RXD_IXSM | RXD_TCPE | RXD_IPE)) && done & (RXD_TCPCS | RXD_UDPCS))
        f->flags = PKT_CSUM_OK;
    netdev_count(&r->nic->dev.stats.rx_bytes, len);
    return true;
}

/* The next slot that the device has given back; NULL: none. *good: it is a frame to deliver. */
static struct pkt *rx_take(struct e1000e_rx *r, bool *good)
{
    unsigned at = r->next;
    uint64_t done = __atomic_load_n(&r->ring[at].high, __ATOMIC_ACQUIRE);

    if (!r->n || !(done & RXD_DD))
        return NULL;
    struct pkt *f = r->held[at];
    *good = frame_take(r, f, __atomic_load_n(&r->ring[at].low, __ATOMIC_RELAXED), done);
    r->held[at] = NULL;
    __atomic_store_n(&r->ring[at].high, 0, __ATOMIC_RELAXED); /* pending looks at it again */
    __atomic_store_n(&r->next, (at + 1) % E1000E_RX, __ATOMIC_RELAXED);
    r->n--;
    return f;
}

static unsigned rx_poll(struct e1000e_rx *r, unsigned budget)
{
    struct netdev *d = &r->nic->dev;
    struct pkt *list = NULL, **end = &list;
    unsigned n = 0, many = 0;
    bool good;

    for (struct pkt *f; n < budget && (f = rx_take(r, &good)); n++) {
        if (!good) {
            netdev_count(&d->stats.rx_dropped, 1);
            pkt_free(f);
            continue;
        }
        *end = f;
        end = &f->link;
        many++;
    }
    if (many)
        netdev_receive(d, r->index, list, many);
    e1000e_refill(r);
    return n;
}

/* ---- transmit ---------------------------------------------------------------------- */

static unsigned tx_room(const struct e1000e_tx *t)
{
    return (t->clean - t->next - 1) % E1000E_TX;
}

static void tx_put(struct e1000e_tx *t, uint64_t low, uint64_t high)
{
    t->ring[t->next].low = low;
    __atomic_store_n(&t->ring[t->next].high, high, __ATOMIC_RELAXED);
    t->next = (t->next + 1) % E1000E_TX;
}

static bool tx_done(const struct e1000e_tx *t)
{
    const struct e1000e_desc *last = &t->ring[t->last[t->clean]];

    return t->clean != t->next && __atomic_load_n(&last->high, __ATOMIC_ACQUIRE) & TXD_DD;
}

static void tx_reclaim(struct e1000e_tx *t)
{
    for (; tx_done(t); t->sent++) {
        pkt_free(t->held[t->clean]);
        t->held[t->clean] = NULL;
        t->clean = (t->last[t->clean] + 1u) % E1000E_TX;
    }
}

static void tx_kick(struct e1000e *n)
{
    if (n->tx.shown == n->tx.next)
        return;
    n->tx.shown = n->tx.next;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    e1000e_set(n, R_TDT, n->tx.next);
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* Makes the headers what the device wants before it segments (7.3): no IP length and no IP sum, and
 * a sum of the pseudo header without a length. It fills them in for each segment. */
static void segment_headers(struct pkt *f)
{
    uint8_t *ip = f->data + ETHER;
    uint32_t sum = PROTO_TCP;

    for (unsigned i = 12; i < 20; i += 2)
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    put16(ip + 2, 0);
    put16(ip + 10, 0);
    put16(f->data + f->csum_start + f->csum_offset, (sum & 0xffff) + (sum >> 16));
}

struct offload {
    struct e1000e_desc context; /* high 0: none is needed */
    uint64_t command;           /* of the data descriptors */
};

static bool gso_possible(const struct pkt *f, size_t len)
{
    return f->gso_type == PKT_GSO_TCP4 && f->flags & PKT_CSUM_PARTIAL &&
           f->csum_offset == CSUM_AT_TCP && f->csum_start >= ETHER + 20 &&
           f->csum_start + 20u <= f->gso_hdr_len && f->gso_hdr_len <= f->len &&
           f->gso_hdr_len <= 255 && f->gso_hdr_len < len && len <= GSO_MAX &&
           f->gso_size && f->gso_size + f->gso_hdr_len <= E1000E_FRAME_MAX;
}

/* The sum from csum_start to the end goes to csum_start + csum_offset. What the device cannot do
 * is done here. False: the packet is malformed. */
static bool sum_offload(struct pkt *f, size_t len, struct offload *o)
{
    size_t at = (size_t)f->csum_start + f->csum_offset;

    if (f->csum_start >= len || at + 2 > len)
        return false;
    if (at > 255 || f->csum_start < ETHER + 20 ||
        (f->csum_offset != CSUM_AT_TCP && f->csum_offset != CSUM_AT_UDP))
        return pkt_csum_complete(f);
    o->context.low = (uint64_t)f->csum_start << 32 | (uint64_t)at << 40;
    o->context.high = TXD_DEXT | (f->csum_offset == CSUM_AT_TCP ? CTX_TCP : 0);
    o->command |= TXD_TXSM;
    return true;
}

static bool offload(struct pkt *f, size_t len, struct offload *o)
{
    *o = (struct offload){ { 0, 0 }, TXD_DATA | TXD_DEXT | TXD_IFCS };
    if (f->flags & PKT_CSUM_PARTIAL && !sum_offload(f, len, o))
        return false;
    if (!f->gso_type)
        return true;
    if (!o->context.high)
        return false;
    segment_headers(f);
    o->context.low |= ETHER | (ETHER + 10) << 8 | (uint64_t)(f->csum_start - 1) << 16;
    o->context.high |= TXD_TSE | CTX_IPV4 | (len - f->gso_hdr_len) |
                       (uint64_t)f->gso_hdr_len << 40 | (uint64_t)f->gso_size << 48;
    o->command |= TXD_TSE | TXD_IXSM;
    return true;
}

static unsigned parts_of(const struct pkt *f)
{
    unsigned n = 0;

    for (; f; f = f->next)
        n += (f->len + PART_MAX - 1) / PART_MAX;
    return n;
}

static void parts_put(struct e1000e_tx *t, const struct pkt *f, unsigned parts, uint64_t command)
{
    for (; parts; f = f->next) {
        for (uint32_t at = 0; at < f->len; at += PART_MAX) {
            uint64_t n = f->len - at < PART_MAX ? f->len - at : PART_MAX;
            tx_put(t, direct_phys(f->data + at),
                   command | n | (--parts ? 0 : TXD_EOP | TXD_RS));
        }
    }
}

/* 0: it is in the ring; 1: no room, try again; -1: malformed. */
static int tx_one(struct e1000e *n, struct pkt *f)
{
    struct e1000e_tx *t = &n->tx;
    size_t len = pkt_length(f);
    unsigned parts = parts_of(f), first = t->next;
    struct offload o;

    if (pkt_shared(f) || f->len < ETHER || parts > PARTS_MAX ||
        (f->gso_type ? !gso_possible(f, len) : len > E1000E_FRAME_MAX))
        return -1;
    if (tx_room(t) < parts + 1)
        return 1;
    if (!offload(f, len, &o))
        return -1;
    if (o.context.high && (o.context.low != t->context.low || o.context.high != t->context.high)) {
        t->context = o.context;
        tx_put(t, o.context.low, o.context.high);
    }
    parts_put(t, f, parts, o.command);
    t->held[first] = f;
    t->last[first] = (uint16_t)((t->next - 1) % E1000E_TX);
    netdev_count(&n->dev.stats.tx_packets, 1);
    netdev_count(&n->dev.stats.tx_bytes, len);
    return 0;
}

/* Has the device interrupt when the next packet is sent. */
static void tx_arm(struct e1000e *n)
{
    e1000e_set(n, R_ICR, n->tx_cause);
    e1000e_set(n, R_IMS, n->tx_cause);
}

/* The ring is full. False: there is more room after all. */
static bool tx_starve(struct e1000e *n, unsigned queue)
{
    unsigned before = n->tx.clean;

    tx_kick(n);
    n->tx.starved |= 1u << queue;
    tx_arm(n);
    tx_reclaim(&n->tx);
    return n->tx.clean == before;
}

struct pkt *e1000e_transmit(struct netdev *d, unsigned queue, struct pkt *list)
{
    struct e1000e *n = nic_of(d);

    lock(&n->tx.lock);
    if (__atomic_load_n(&n->resetting, __ATOMIC_ACQUIRE)) {
        unlock(&n->tx.lock);
        netdev_drop(d, list);
        return NULL;
    }
    tx_reclaim(&n->tx);
    while (list) {
        struct pkt *next = list->link;
        int r = tx_one(n, list);
        if (r > 0 && tx_starve(n, queue % d->nqueues))
            break;
        if (r > 0)
            continue;
        if (r < 0) {
            list->link = NULL;
            netdev_drop(d, list);
        }
        list = next;
    }
    tx_kick(n);
    unlock(&n->tx.lock);
    return list;
}

/* Takes back sent packets. A bit for each queue whose sender may try again. */
static uint32_t tx_poll(struct e1000e *n)
{
    struct e1000e_tx *t = &n->tx;
    uint32_t room = 0;

    lock(&t->lock);
    if (!__atomic_load_n(&n->resetting, __ATOMIC_ACQUIRE)) {
        tx_reclaim(t);
        if (t->starved && tx_room(t) < E1000E_TX / 2) {
            tx_arm(n);
            tx_reclaim(t);
        }
    }
    if (tx_room(t) >= E1000E_TX / 2) {
        room = t->starved;
        t->starved = 0;
    }
    unlock(&t->lock);
    return room;
}

bool e1000e_tx_stuck(struct e1000e_tx *t, int64_t now, bool link)
{
    lock(&t->lock);
    if (!link || t->sent != t->sent_seen || t->clean == t->next || tx_done(t))
        t->moved = now;
    t->sent_seen = t->sent;
    bool stuck = now - t->moved > STUCK_NS;
    unlock(&t->lock);
    return stuck;
}

/* ---- both -------------------------------------------------------------------------- */

unsigned e1000e_poll(struct netdev *d, unsigned queue, unsigned budget)
{
    struct e1000e *n = nic_of(d);
    struct e1000e_rx *r = rx_of(d, queue);

    if (__atomic_exchange_n(&r->polling, true, __ATOMIC_ACQUIRE))
        return 0;
    unsigned done = __atomic_load_n(&n->resetting, __ATOMIC_ACQUIRE) ? 0 : rx_poll(r, budget);
    __atomic_store_n(&r->polling, false, __ATOMIC_RELEASE);
    uint32_t room = tx_poll(n);
    const struct netdev_user *u = __atomic_load_n(&d->user, __ATOMIC_ACQUIRE);
    for (unsigned q = 0; room && u && u->room; q++, room >>= 1)
        if (room & 1)
            u->room(d->user_arg, d, q);
    e1000e_settle(n);
    return done;
}

bool e1000e_pending(const struct netdev *d, unsigned queue)
{
    const struct e1000e_rx *r = rx_of(d, queue);
    unsigned at = __atomic_load_n(&r->next, __ATOMIC_RELAXED);

    return __atomic_load_n(&r->ring[at].high, __ATOMIC_RELAXED) & RXD_DD;
}

/* `armed` is set before the device is asked: the interrupt that comes at once clears it. A cause
 * that the device still remembers is of packets that were taken by polling. */
bool e1000e_irq_enable(struct netdev *d, unsigned queue)
{
    struct e1000e *n = nic_of(d);
    struct e1000e_rx *r = rx_of(d, queue);

    if (__atomic_load_n(&n->resetting, __ATOMIC_ACQUIRE))
        return false;
    if (!__atomic_exchange_n(&r->armed, true, __ATOMIC_SEQ_CST)) {
        e1000e_set(n, R_ICR, r->cause);
        e1000e_set(n, R_IMS, r->cause);
    }
    return e1000e_pending(d, queue);
}

void e1000e_irq_disable(struct netdev *d, unsigned queue)
{
    struct e1000e_rx *r = rx_of(d, queue);

    e1000e_set(nic_of(d), R_IMC, r->cause);
    __atomic_store_n(&r->armed, false, __ATOMIC_SEQ_CST);
}

/* A message of MSI-X has masked its causes (CTRL_EXT.EIAME) and cleared them (EIAC). */
void e1000e_queue_irq(void *arg)
{
    struct e1000e_rx *r = arg;

    if (!r->nic->msix)
        e1000e_set(r->nic, R_IMC, r->cause | r->nic->tx_cause);
    __atomic_store_n(&r->armed, false, __ATOMIC_SEQ_CST);
    netdev_wake(&r->nic->dev, r->index);
}

void e1000e_rx_clear(struct e1000e_rx *r)
{
    for (unsigned i = 0; i < E1000E_RX; i++) {
        if (r->held[i])
            pkt_free(r->held[i]);
        r->held[i] = NULL;
        r->ring[i] = (struct e1000e_desc){ 0, 0 };
    }
    __atomic_store_n(&r->next, 0, __ATOMIC_RELAXED);
    r->n = 0;
    r->skipping = false;
    __atomic_store_n(&r->armed, false, __ATOMIC_SEQ_CST);
}

void e1000e_tx_clear(struct e1000e *n)
{
    struct e1000e_tx *t = &n->tx;

    for (unsigned i = 0; i < E1000E_TX; i++) {
        if (t->held[i]) {
            t->held[i]->link = NULL; /* to what was once queued behind it */
            netdev_drop(&n->dev, t->held[i]);
        }
        t->held[i] = NULL;
    }
    t->next = t->clean = t->shown = 0;
    t->context = (struct e1000e_desc){ 0, 0 };
}
