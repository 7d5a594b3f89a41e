/* virtio_console.c - ports of virtio consoles.
 *
 *   tx:  head ---------- ring of TX_BYTES ---------- tail     one chain per write, which shows a
 *        [free][ under way, oldest first ][free]              part of the ring to the device; a
 *                                                             short one skips the ring's end
 *   rx:  RX_BUFFERS pages that the device fills; the one that is being read is `now`
 *
 * The ports of a device are found at boot, in a conversation over its control queues. */
#include <string.h>
#include "arch/x86_64/arch.h"
#include "drivers/dma.h"
#include "drivers/virtio.h"
#include "drivers/vport.h"
#include "kernel/clock.h"
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/print.h"
#include "mm/mm.h"

#define F_MULTIPORT VIRTIO_F(1)
enum { EV_READY = 0, EV_ADD, EV_REMOVE, EV_PORT_READY, EV_CONSOLE, EV_RESIZE, EV_OPEN, EV_NAME };
enum { Q_CONTROL_RX = 2, Q_CONTROL_TX = 3 };

#define PORTS      8          /* that are kept, of all devices; those with names of ours */
#define PREFIX     "gort."
#define NAME_MAX_  32
#define TX_BYTES   (128u << 10)
#define TX_CHAINS  128u
#define RX_BUFFERS 16u
#define CONTROLS   64u
#define CONTROL_BYTES 64u
#define TALK_NS    2000000000ll /* for the conversation at boot */

struct control { uint32_t id; uint16_t event, value; };

struct vport {
    struct lock lock;
    struct virtio_dev *dev;
    unsigned id;
    char name[NAME_MAX_];
    bool open, ready;            /* by the host; ours */
    bool dead;                   /* [atomic] */
    struct virtio_queue rx, tx;
    /* [lock] */
    uint8_t *ring;
    uint64_t ring_pa, head, tail;
    uint32_t chain[TX_CHAINS];   /* bytes of the ring of each chain under way, skipped ones too;
                                  * DONE: taken out of order */
    uint32_t first, last;        /* of the chains under way */
    uint8_t *pages;
    uint64_t pages_pa;
    uint8_t *now;                /* is being read; NULL: none */
    uint32_t now_at, now_len;
};
#define DONE 0x80000000u

static struct vport *ports[PORTS]; /* [const after boot] */
static unsigned nports;
static void (*callback)(void *);   /* [atomic] */
static void *callback_arg;

/* ---- locks, and what is left of them in a crash --------------------------------------- */

static bool port_enter(struct vport *p)
{
    if (crash_in_progress()) {
        uint32_t held = __atomic_load_n(&p->lock.held, __ATOMIC_ACQUIRE);
        if (held && held != crash_owner)
            vport_abandon(p);
        return vport_alive(p);
    }
    lock(&p->lock);
    return true;
}

static void port_leave(struct vport *p)
{
    if (!crash_in_progress())
        unlock(&p->lock);
}

bool vport_alive(const struct vport *p)
{
    return !__atomic_load_n(&p->dead, __ATOMIC_ACQUIRE);
}

void vport_abandon(struct vport *p)
{
    __atomic_store_n(&p->dead, true, __ATOMIC_RELEASE);
}

/* ---- output ------------------------------------------------------------------------ */

/* Cookies are numbers of chains, plus one. */
static void tx_reclaim(struct vport *p)
{
    uint32_t n;

    for (void *c; (c = virtq_take(&p->tx.q, &n));)
        p->chain[((uintptr_t)c - 1) % TX_CHAINS] |= DONE;
    while (p->first != p->last && p->chain[p->first % TX_CHAINS] & DONE)
        p->tail += p->chain[p->first++ % TX_CHAINS] & ~DONE;
    if (p->tx.q.broken)
        vport_abandon(p);
}

static size_t tx_room(const struct vport *p)
{
    if (p->last - p->first == TX_CHAINS || !virtq_has_room(&p->tx.q, 1))
        return 0;
    return TX_BYTES - (size_t)(p->head - p->tail);
}

/* The skip bytes before it stay unused: 0, or what is left of the ring up to its end. */
static void tx_add(struct vport *p, size_t skip, const void *buf, size_t n)
{
    size_t at = (p->head + skip) % TX_BYTES;
    struct virtq_seg s = { p->ring_pa + at, (uint32_t)n };

    memcpy(p->ring + at, buf, n);
    p->chain[p->last % TX_CHAINS] = (uint32_t)(skip + n);
    virtq_add(&p->tx.q, &s, 1, 0, (void *)(uintptr_t)(p->last % TX_CHAINS + 1));
    p->last++;
    p->head += skip + n;
}

/* All of it, or nothing. */
static size_t tx_whole(struct vport *p, const void *buf, size_t n)
{
    size_t end = TX_BYTES - p->head % TX_BYTES, skip = n > end ? end : 0;

    if (skip + n > tx_room(p))
        return 0;
    tx_add(p, skip, buf, n);
    return n;
}

size_t vport_write(struct vport *p, const void *buf, size_t n)
{
    size_t done = 0;

    if (!port_enter(p))
        return 0;
    tx_reclaim(p);
    if (n <= VPORT_WHOLE)
        done = tx_whole(p, buf, n);
    for (size_t room; n > VPORT_WHOLE && done < n && (room = tx_room(p)) != 0;) {
        size_t part = TX_BYTES - p->head % TX_BYTES;
        part = part < n - done ? part : n - done;
        part = part < room ? part : room;
        tx_add(p, 0, (const uint8_t *)buf + done, part);
        done += part;
    }
    virtio_kick(&p->tx);
    port_leave(p);
    return done;
}

bool vport_room(struct vport *p)
{
    bool room = true;

    if (!port_enter(p))
        return true;
    tx_reclaim(p);
    /* twice as much: the ring's end may have to be skipped */
    while (vport_alive(p) && (room = tx_room(p) >= 2 * VPORT_WHOLE) == false) {
        if (!virtq_irq_on(&p->tx.q, (p->last - p->first + 1) / 2))
            break;
        tx_reclaim(p);
    }
    port_leave(p);
    return room || !vport_alive(p);
}

bool vport_drained(const struct vport *p)
{
    const struct virtq *q = &p->tx.q;

    return !vport_alive(p) || q->broken || __atomic_load_n(&q->used[1], __ATOMIC_ACQUIRE) ==
                                               __atomic_load_n(&q->published, __ATOMIC_RELAXED);
}

size_t vport_rest(struct vport *p, const uint8_t **part)
{
    size_t n = 0;

    if (!crash_in_progress())
        lock(&p->lock);
    tx_reclaim(p);
    while (!n && p->first != p->last) {
        uint32_t chain = p->chain[p->first++ % TX_CHAINS];
        size_t bytes = chain & ~DONE, end = TX_BYTES - p->tail % TX_BYTES;
        size_t skip = bytes > end ? end : 0; /* see tx_whole */
        if (!(chain & DONE)) {
            *part = p->ring + (p->tail + skip) % TX_BYTES;
            n = bytes - skip;
        }
        p->tail += bytes;
    }
    port_leave(p);
    return n;
}

/* ---- input ------------------------------------------------------------------------- */

static void rx_give(struct vport *p, uint8_t *page)
{
    struct virtq_seg s = { p->pages_pa + (uint64_t)(page - p->pages), PAGE_SIZE };

    virtq_add(&p->rx.q, &s, 0, 1, page);
}

/* Something to read in `now`; false: nothing, and an interrupt will come. */
static bool rx_next(struct vport *p)
{
    while (p->now_at == p->now_len) {
        if (p->now) {
            rx_give(p, p->now);
            virtio_kick(&p->rx);
        }
        p->now_at = p->now_len = 0;
        p->now = virtq_take(&p->rx.q, &p->now_len);
        if (p->rx.q.broken) {
            vport_abandon(p);
            return false;
        }
        if (!p->now && !virtq_irq_on(&p->rx.q, 1))
            return false;
    }
    return true;
}

size_t vport_read(struct vport *p, void *buf, size_t n)
{
    size_t got = 0;

    if (!vport_alive(p) || !port_enter(p))
        return 0;
    while (got < n && rx_next(p)) {
        size_t part = p->now_len - p->now_at;
        part = part < n - got ? part : n - got;
        memcpy((uint8_t *)buf + got, p->now + p->now_at, part);
        p->now_at += (uint32_t)part;
        got += part;
    }
    port_leave(p);
    return got;
}

/* ---- interrupts -------------------------------------------------------------------- */

static void port_irq(void *arg)
{
    void (*fn)(void *) = __atomic_load_n(&callback, __ATOMIC_ACQUIRE);

    (void)arg;
    if (fn)
        fn(callback_arg);
}

void vport_set_callback(void (*fn)(void *), void *arg)
{
    callback_arg = arg;
    __atomic_store_n(&callback, fn, __ATOMIC_RELEASE);
}

void vport_settle(void)
{
    for (unsigned i = 0; i < nports; i++) {
        struct virtio_dev *d = ports[i]->dev;
        const char *why = ports[i]->tx.q.broken ? ports[i]->tx.q.broken : ports[i]->rx.q.broken;
        if (!why || d->broken)
            continue;
        for (unsigned k = 0; k < nports; k++)
            if (ports[k]->dev == d)
                vport_abandon(ports[k]);
        virtio_fault(d, why);
    }
}

struct vport *vport_find(const char *name)
{
    for (unsigned i = 0; i < nports; i++)
        if (ports[i]->open && ports[i]->ready && !strcmp(ports[i]->name, name))
            return ports[i];
    return NULL;
}

/* ---- the conversation at boot ------------------------------------------------------- */

struct talk {
    struct virtio_dev *dev;
    struct virtio_queue rx, tx;
    uint8_t *rx_mem, *tx_mem;
    uint64_t rx_pa, tx_pa;
    unsigned sent;
};

static void control_give(struct talk *t, uint8_t *buf)
{
    struct virtq_seg s = { t->rx_pa + (uint64_t)(buf - t->rx_mem), CONTROL_BYTES };

    virtq_add(&t->rx.q, &s, 0, 1, buf);
}

static void control_send(struct talk *t, uint32_t id, uint16_t event, uint16_t value)
{
    unsigned at = t->sent++ % CONTROLS * sizeof(struct control);
    struct virtq_seg s = { t->tx_pa + at, sizeof(struct control) };
    struct control c = { id, event, value };
    uint32_t n;

    while (virtq_take(&t->tx.q, &n))
        ;
    memcpy(t->tx_mem + at, &c, sizeof c);
    if (virtq_add(&t->tx.q, &s, 1, 0, t->tx_mem + at) == 0)
        virtio_kick(&t->tx);
}

static struct vport *port_of(const struct virtio_dev *d, uint32_t id)
{
    for (unsigned i = 0; i < nports; i++)
        if (ports[i]->dev == d && ports[i]->id == id)
            return ports[i];
    return NULL;
}

static unsigned queue_of(uint32_t id)
{
    return id ? 2 * id + 2 : 0;
}

static bool port_setup(struct vport *p)
{
    struct virtio_dev *d = p->dev;

    if (!virtio_queue_setup(d, &p->rx, queue_of(p->id), RX_BUFFERS, false, 0, port_irq, p) ||
        !virtio_queue_setup(d, &p->tx, queue_of(p->id) + 1, TX_CHAINS, false, 0, port_irq, p))
        return false;
    p->ring = dma_alloc(TX_BYTES, &p->ring_pa);
    p->pages = dma_alloc(RX_BUFFERS * PAGE_SIZE, &p->pages_pa);
    return p->ring && p->pages;
}

static void port_named(struct talk *t, uint32_t id, const uint8_t *name, uint32_t n)
{
    if (n < sizeof PREFIX - 1 || n >= NAME_MAX_ || nports == PORTS || id >= CONTROLS ||
        memcmp(name, PREFIX, sizeof PREFIX - 1) || port_of(t->dev, id))
        return;
    struct vport *p = persistent_alloc(sizeof *p, 16, NULL);
    lock_init(&p->lock, "port", RANK_PORT);
    p->dev = t->dev;
    p->id = id;
    memcpy(p->name, name, n); /* the rest is zero */
    p->ready = port_setup(p);
    ports[nports++] = p;
    if (!p->ready) {
        kprintf("gort: %s: port %s: no queues, no interrupts or no memory: not used\n",
                t->dev->name, p->name);
        return;
    }
    for (unsigned i = 0; i < p->rx.q.size; i++)
        rx_give(p, p->pages + i * PAGE_SIZE);
    control_send(t, id, EV_OPEN, 1);
}

/* The message is copied first: the device may go on writing. */
static void control_received(struct talk *t, const uint8_t *buf, uint32_t n)
{
    uint8_t copy[CONTROL_BYTES];
    struct control c;
    struct vport *p;

    memcpy(copy, buf, sizeof copy);
    if (n < sizeof c)
        return;
    memcpy(&c, copy, sizeof c);
    switch (c.event) {
    case EV_ADD:
        control_send(t, c.id, EV_PORT_READY, 1);
        break;
    case EV_NAME:
        port_named(t, c.id, copy + sizeof c, n - (uint32_t)sizeof c);
        break;
    case EV_OPEN:
        if ((p = port_of(t->dev, c.id)))
            p->open = c.value;
        break;
    }
}

/* True: a message came. */
static bool control_poll(struct talk *t)
{
    uint32_t n;
    uint8_t *buf = virtq_take(&t->rx.q, &n);

    if (!buf)
        return false;
    control_received(t, buf, n);
    control_give(t, buf);
    virtio_kick(&t->rx);
    return true;
}

/* A device answers a message before it gives it back: once it has given all back and no answer
 * is left, it has nothing more to say. */
static void talk(struct talk *t)
{
    int64_t end = clock_mono_ns() + TALK_NS;
    bool quiet = false;

    control_send(t, 0, EV_READY, 1);
    while (!quiet && clock_mono_ns() < end) {
        uint32_t n;
        while (virtq_take(&t->tx.q, &n))
            ;
        quiet = t->tx.q.chains == 0;
        while (control_poll(t))
            quiet = false;
        if (t->tx.q.broken || t->rx.q.broken) {
            virtio_fault(t->dev, t->tx.q.broken ? t->tx.q.broken : t->rx.q.broken);
            return;
        }
        cpu_relax();
    }
    if (!quiet)
        virtio_fault(t->dev, "does not say which ports it has");
}

bool virtio_console_start(struct virtio_dev *d)
{
    struct talk *t = persistent_alloc(sizeof *t, 16, NULL);

    t->dev = d;
    if (!virtio_start(d, F_MULTIPORT))
        return false;
    if (!(d->features & F_MULTIPORT))
        return false; /* a console without names: the 16550 serves as well */
    t->rx_mem = dma_alloc(CONTROLS * CONTROL_BYTES, &t->rx_pa);
    t->tx_mem = dma_alloc(CONTROLS * sizeof(struct control), &t->tx_pa);
    if (!t->rx_mem || !t->tx_mem ||
        !virtio_queue_setup(d, &t->rx, Q_CONTROL_RX, CONTROLS, false, 0, NULL, NULL) ||
        !virtio_queue_setup(d, &t->tx, Q_CONTROL_TX, CONTROLS, false, 0, NULL, NULL))
        return false;
    for (unsigned i = 0; i < t->rx.q.size; i++)
        control_give(t, t->rx_mem + i * CONTROL_BYTES);
    virtio_run(d);
    virtio_kick(&t->rx);
    talk(t);
    for (unsigned i = 0; i < nports; i++) {
        if (ports[i]->dev != d)
            continue;
        if (d->broken)
            vport_abandon(ports[i]);
        else if (ports[i]->ready)
            virtio_kick(&ports[i]->rx);
    }
    return !d->broken;
}
