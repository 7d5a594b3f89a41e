/* test_virtio_net.c - the virtio core and its network driver against a device in memory: one that
 * works, one that is stuck, one that writes nonsense, one that is removed.
 * sources: drivers/virtio.c drivers/virtq.c drivers/virtio_net.c drivers/virtio_net_rings.c
 * sources: drivers/pkt.c drivers/pkt_bytes.c drivers/netdev_user.c drivers/dma.c */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "boot/boot_info.h"
#include "drivers/virtio_net.h"
#include "kernel/check.h"
#include "kernel/clock.h"
#include "kernel/print.h"
#include "kernel/random.h"
#include "mm/mm.h"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

/* ---- the kernel ---------------------------------------------------------------------------- */
#include "fake_netdev.h"
bool virtio_console_start(struct virtio_dev *d) { (void)d; return false; }
bool virtio_rng_start(struct virtio_dev *d) { (void)d; return false; }
void virtio_pci_init(void) {}
void virtio_mmio_init(const char *c) { (void)c; }
int netdev_register(struct netdev *d) { eth = d; return 0; }

/* ---- the device ------------------------------------------------------------------------------ */
#define QUEUES 5
#define WIRE 64
static struct dq { unsigned size; char *mem; uint16_t seen, used; } dq[QUEUES];
static uint8_t status, config[64];
static uint64_t offered, accepted;
static bool stuck, gone, silent;
static unsigned rss_commands;
static struct { uint8_t bytes[70000]; size_t len; struct vnet_header h; } wire[WIRE];
static unsigned nwire;

static uint16_t *davail(struct dq *q) { return (uint16_t *)(q->mem + virtq_avail_offset(q->size)); }
static uint16_t *dused(struct dq *q) { return (uint16_t *)(q->mem + virtq_used_offset(q->size)); }
static void dpush(struct dq *q, uint32_t id, uint32_t len)
{
    struct virtq_used_elem *e = (struct virtq_used_elem *)(dused(q) + 2) + q->used % q->size;

    *e = (struct virtq_used_elem){ id, len };
    dused(q)[1] = ++q->used;
}

/* The chain as a list; returns the number of its parts. */
static unsigned dchain(struct dq *q, uint16_t head, struct virtq_desc *out)
{
    const struct virtq_desc *t = (void *)q->mem, *d = &t[head];
    unsigned n = 0;

    if (d->flags & 4)
        d = t = phys_to_virt(d->addr);
    for (;; d = &t[d->next]) {
        out[n++] = *d;
        if (!(d->flags & 1))
            return n;
    }
}

/* The device asks for a notification of the next entry. */
static void dsleep(struct dq *q)
{
    if (q->mem)
        *(uint16_t *)((char *)dused(q) + 4 + 8 * q->size) = q->seen;
}

static void dtransmit(struct dq *q)
{
    struct virtq_desc d[64];

    while (!stuck && q->mem && q->seen != davail(q)[1]) {
        uint16_t head = davail(q)[2 + q->seen++ % q->size];
        unsigned n = dchain(q, head, d);
        size_t len = 0;
        for (unsigned i = 0; i < n; i++) {
            if (nwire < WIRE)
                memcpy(wire[nwire].bytes + len, phys_to_virt(d[i].addr), d[i].len);
            len += d[i].len;
        }
        if (nwire < WIRE) {
            memcpy(&wire[nwire].h, wire[nwire].bytes, sizeof wire[0].h);
            wire[nwire].len = len - sizeof wire[0].h;
            memmove(wire[nwire].bytes, wire[nwire].bytes + sizeof wire[0].h, wire[nwire].len);
            nwire++;
        }
        dpush(q, head, 0);
    }
    dsleep(q);
}

static void dcontrol(struct dq *q)
{
    struct virtq_desc d[64];

    while (!silent && q->mem && q->seen != davail(q)[1]) {
        uint16_t head = davail(q)[2 + q->seen++ % q->size];
        unsigned n = dchain(q, head, d);
        const uint8_t *c = phys_to_virt(d[0].addr);
        rss_commands += c[0] == 4 && c[1] == 1 && d[0].len == 2 + 8 + 256 + 3 + 40;
        *(uint8_t *)phys_to_virt(d[n - 1].addr) = 0;
        dpush(q, head, 1);
    }
    dsleep(q);
}

/* Delivers a frame to the driver. False: it has not given enough buffers. */
static bool dreceive(unsigned pair, struct vnet_header h, const uint8_t *b, size_t len)
{
    struct dq *q = &dq[2 * pair];
    size_t total = len + sizeof h, done = 0;
    uint16_t n = 0;

    h.num_buffers = (uint16_t)((total + 1919) / 1920);
    if (!q->mem || (uint16_t)(davail(q)[1] - q->seen) < h.num_buffers)
        return false;
    for (; done < total; n++) {
        uint16_t head = davail(q)[2 + q->seen++ % q->size];
        const struct virtq_desc *d = (struct virtq_desc *)(void *)q->mem + head;
        uint8_t *to = phys_to_virt(d->addr);
        size_t part = total - done < d->len ? total - done : d->len, at = 0;
        if (!done) {
            memcpy(to, &h, sizeof h);
            at = sizeof h;
        }
        memcpy(to + at, b + (done ? done - sizeof h : 0), part - at);
        done += part;
        dpush(q, head, (uint32_t)part);
    }
    return true;
}

static uint8_t t_status(struct virtio_dev *d) { (void)d; return gone ? 0xff : status; }
static void t_set_status(struct virtio_dev *d, uint8_t v)
{
    (void)d;
    status = v;
    if (!v)
        memset(dq, 0, sizeof dq);
}
static uint64_t t_features(struct virtio_dev *d) { (void)d; return offered; }
static void t_set_features(struct virtio_dev *d, uint64_t v) { (void)d; accepted = v; }
static unsigned t_queue_max(struct virtio_dev *d, unsigned i)
{
    (void)d;
    return i < QUEUES ? 64 : 0;
}
static bool t_queue_enable(struct virtio_dev *d, struct virtio_queue *q)
{
    (void)d;
    dq[q->index] = (struct dq){ q->q.size, phys_to_virt(q->mem_pa), 0, 0 };
    return true;
}
static void t_notify(struct virtio_queue *q)
{
    if (!(status & 4) || gone)
        return;
    if (q->index == 4)
        dcontrol(&dq[4]);
    else if (q->index & 1)
        dtransmit(&dq[q->index]);
}
static uint8_t t_generation(struct virtio_dev *d) { (void)d; return 0; }
static volatile uint8_t *t_config(struct virtio_dev *d, size_t *size)
{
    (void)d;
    *size = sizeof config;
    return config;
}
static bool t_config_irq(struct virtio_dev *d) { (void)d; return true; }
static const struct virtio_transport transport = {
    t_status, t_set_status, t_features, t_set_features, t_queue_max, t_queue_enable, t_notify,
    t_generation, t_config, t_config_irq,
};
static struct virtio_dev vdev;

/* ---- the stack ------------------------------------------------------------------------------- */
static struct pkt *inbox, **inbox_end;
static unsigned rooms, links;
static void on_receive(void *arg, struct netdev *d, unsigned queue, struct pkt *list)
{
    (void)arg, (void)d, (void)queue;
    if (held)
        report("receive without locks", false);
    *inbox_end = list;
    while (*inbox_end)
        inbox_end = &(*inbox_end)->link;
}
static void on_room(void *a, struct netdev *d, unsigned q) { (void)a, (void)d, (void)q; rooms++; }
static void on_link(void *a, struct netdev *d, bool up) { (void)a, (void)d, (void)up; links++; }
static const struct netdev_user user = { on_receive, NULL, on_room, on_link };

static bool begin(uint64_t without)
{
    uint16_t pairs = 2, table = 128, up = 1;
    uint32_t hashes = 0x3f;

    memset(dq, 0, sizeof dq);
    memcpy(config, "\x02\x11\x22\x33\x44\x55", 6);
    memcpy(config + 6, &up, 2);
    memcpy(config + 8, &pairs, 2);
    config[17] = 40;
    memcpy(config + 18, &table, 2);
    memcpy(config + 20, &hashes, 4);
    offered = ~without;
    stuck = gone = silent = false;
    status = 0;
    nwire = messages = rss_commands = rooms = links = 0;
    vdev = (struct virtio_dev){ .name = "net", .type = 1, .transport = &transport };
    eth = NULL;
    inbox = NULL;
    inbox_end = &inbox;
    if (!virtio_net_start(&vdev))
        return false;
    eth->user = &user;
    return true;
}

static void inbox_clear(void)
{
    pkt_free_list(inbox);
    inbox = NULL;
    inbox_end = &inbox;
}

/* The only packets in use are the buffers of the receive queues. */
static bool no_leak(unsigned buffers)
{
    struct pkt_stats s;

    inbox_clear();
    pkt_stats_read(&s);
    return s.used == (uint64_t)buffers * 2048;
}

static void end(void)
{
    struct vnet *n = (struct vnet *)eth;

    for (unsigned i = 0; i < n->npairs; i++)
        vnet_drop_all(&n->pair[i]);
    inbox_clear();
}

static struct pkt *frame(const uint8_t *b, size_t len)
{
    size_t part = len < 60 ? len : 60;
    struct pkt *f = pkt_alloc(PKT_SMALL), **tail = &f->next;

    memcpy(f->data, b, part);
    f->len = (uint32_t)part;
    for (size_t at = part; at < len; at += part) {
        struct pkt *p = pkt_alloc(len > 4000 ? PKT_LARGE : PKT_SMALL);
        part = 1 + (size_t)rand() % (len > 4000 ? PKT_LARGE_ROOM : 700);
        part = part < len - at ? part : len - at;
        memcpy(p->data, b + at, part);
        p->len = (uint32_t)part;
        *tail = p;
        tail = &p->next;
    }
    return f;
}

static uint8_t noise[66000], copy[66000];

static bool round_trip(size_t len, unsigned q)
{
    size_t before = nwire;
    struct vnet_header h = { 0 };
    struct pkt *f = frame(noise, len);

    if (eth->ops->transmit(eth, q, f) || nwire != before + 1 || wire[before].len != len ||
        memcmp(wire[before].bytes, noise, len))
        return false;
    if (!dreceive(q, h, noise, len) || !eth->ops->pending(eth, q) ||
        eth->ops->poll(eth, q, 64) != 1 || !inbox || pkt_length(inbox) != len ||
        !pkt_copy_out(inbox, 0, copy, len) || memcmp(copy, noise, len))
        return false;
    inbox_clear();
    nwire = 0;
    return true;
}

static bool works(void)
{
    if (!begin(0) || eth->nqueues != 2 || rss_commands != 1 || !eth->up || eth->mac[5] != 0x55)
        return false;
    for (int i = 0; i < 3000; i++)
        if (!round_trip(14 + (size_t)rand() % (i % 10 ? 1500 : 20000), (unsigned)i % 2))
            return false;
    if (!round_trip(VNET_FRAME_MAX, 0))
        return false;
    bool good = no_leak(128) && !messages && eth->stats.tx_packets == 3001 && !eth->stats.resets;
    end();
    return good && no_leak(0);
}

/* A device with few features. */
static bool plain(void)
{
    static uint8_t b[100];

    if (!begin(NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_MRG_RXBUF | NET_F_CTRL_VQ | NET_F_MAC |
               NET_F_STATUS | VIRTIO_F_INDIRECT | VIRTIO_F_EVENT_IDX) ||
        eth->nqueues != 1 || eth->features || eth->ops->set_filter(eth, true, false, NULL, 0) !=
                                                 -EOPNOTSUPP || !(eth->mac[0] & 2))
        return false;
    for (int i = 0; i < 300; i++)
        if (!round_trip(14 + (size_t)rand() % 1500, 0))
            return false;
    struct pkt *f = frame(b, 100); /* the sum is done for it */
    f->flags = PKT_CSUM_PARTIAL;
    f->csum_start = 20;
    f->csum_offset = 10;
    nwire = 0;
    if (eth->ops->transmit(eth, 0, f) || nwire != 1 || wire[0].h.flags || wire[0].bytes[30] != 0xff)
        return false;
    f = frame(b, 100); /* and large ones are refused */
    f->gso_type = PKT_GSO_TCP4;
    bool good = !eth->ops->transmit(eth, 0, f) && nwire == 1 && eth->stats.tx_dropped == 1;
    end();
    return good && no_leak(0);
}

static bool malformed(void)
{
    struct vnet_header h[] = { { .flags = 1, .csum_start = 90, .csum_offset = 9 },
        { .gso_type = 3, .gso_size = 1000 }, { .gso_type = 1 }, { .gso_type = 9, .gso_size = 1 } };
    struct pkt *f;

    if (!begin(0))
        return false;
    for (int i = 0; i < 4; i++)
        if (!dreceive(0, h[i], noise, 100) || eth->ops->poll(eth, 0, 64) != 1 || inbox)
            return false;
    bool good = eth->stats.rx_dropped == 4 && dreceive(1, (struct vnet_header){ 0 }, noise, 13) &&
                eth->ops->poll(eth, 1, 64) == 1 && !inbox && !eth->stats.resets;
    struct vnet_header ok = { .flags = 1, .gso_type = 1, .gso_size = 9, .csum_start = 88,
                              .csum_offset = 10 };
    good &= dreceive(0, ok, noise, 100) && eth->ops->poll(eth, 0, 64) == 1 && inbox &&
            inbox->flags == PKT_CSUM_PARTIAL && inbox->gso_type == PKT_GSO_TCP4;
    for (int i = 0; i < 5; i++) {
        f = frame(noise, i == 0 ? 10 : i == 1 ? 60 : 100);
        if (i == 1)
            pkt_ref(f);
        if (i == 2)
            f->data -= PKT_HEADROOM - 4;
        f->flags = i > 2 ? PKT_CSUM_PARTIAL : 0;
        f->csum_start = i == 3 ? 99 : 0;
        f->gso_type = i == 4 ? PKT_GSO_TCP6 : 0;
        good &= !eth->ops->transmit(eth, 0, f);
        if (i == 1)
            pkt_free(f);
    }
    good &= eth->stats.tx_dropped == 5 && !nwire && no_leak(128);
    end();
    return good;
}

/* The ring fills, a sender that was refused is woken when there is room; then the watchdog
 * resets. */
static bool sticks(void)
{
    struct pkt *rest = NULL;
    unsigned n = 0;

    if (!begin(0))
        return false;
    stuck = true;
    while (!rest && n++ < 1000)
        rest = eth->ops->transmit(eth, 0, frame(noise, 100));
    if (n != 65)
        return false;
    stuck = false;
    dtransmit(&dq[1]);
    eth->ops->poll(eth, 0, 64);
    if (rooms != 1 || eth->ops->transmit(eth, 0, rest) || eth->stats.tx_packets != 65)
        return false;
    stuck = true;
    eth->ops->transmit(eth, 0, frame(noise, 100));
    eth->ops->service(eth);
    eth->ops->service(eth);
    now += 4000000000;
    eth->ops->service(eth);
    bool good = !eth->stats.resets;
    now += 2000000000;
    eth->ops->service(eth);
    good &= eth->stats.resets == 1 && messages == 1 && strstr(last_message, "sent nothing for 5 s");
    stuck = false;
    nwire = 0;
    good &= round_trip(1000, 0) && round_trip(1000, 1) && rss_commands == 2 && no_leak(128);
    end();
    return good;
}

static bool quiet_control(void)
{
    static const uint8_t macs[3][6] = { { 1 }, { 3 }, { 5 } };

    if (!begin(0) || eth->ops->set_filter(eth, false, false, macs, 3))
        return false;
    silent = true;
    int64_t start = now;
    bool good = eth->ops->set_filter(eth, true, false, NULL, 0) == -EIO &&
                now - start < 1100000000 && !eth->stats.resets;
    silent = false;
    eth->ops->service(eth);
    good &= eth->stats.resets == 1 && strstr(last_message, "does not answer a command") &&
            !eth->ops->set_filter(eth, true, false, NULL, 0) && round_trip(99, 1);
    uint16_t down = 0;
    memcpy(config + 6, &down, 2);
    vdev.config_changed(vdev.config_arg);
    eth->ops->service(eth);
    good &= links == 1 && !eth->up;
    end();
    return good;
}

static bool vanishes(void)
{
    if (!begin(0))
        return false;
    gone = true;
    eth->ops->transmit(eth, 0, frame(noise, 100));
    eth->ops->service(eth);
    now += 6000000000;
    eth->ops->service(eth);
    bool good = eth->stats.resets == 1 && !eth->up && messages == 2;
    for (int i = 0; i < 100; i++) {
        good &= !eth->ops->transmit(eth, 0, frame(noise, 100));
        eth->ops->poll(eth, 0, 64);
        now += 1000000000;
        eth->ops->service(eth);
    }
    good &= messages == 2 && no_leak(0);
    end();
    return good;
}

/* The device's shared memory changes at random; once that ends, everything must work again. */
static bool lies(unsigned seed)
{
    srand(seed);
    if (!begin(rand() % 3 ? 0 : VIRTIO_F_EVENT_IDX))
        return false;
    for (int i = 0; i < 400; i++) {
        unsigned q = (unsigned)rand() % 2;
        struct vnet_header h;
        for (size_t k = 0; k < sizeof h; k++)
            ((uint8_t *)&h)[k] = rand() % 3 ? 0 : (uint8_t)rand();
        stuck = rand() % 2;
        dreceive(q, h, noise, 14 + (size_t)rand() % 9000);
        pkt_free_list(eth->ops->transmit(eth, q, frame(noise, 14 + (size_t)rand() % 3000)));
        struct dq *d = &dq[rand() % 4];
        if (rand() % 40 == 0 && d->mem) {
            char *used = (char *)dused(d);
            used[rand() % (4 + 8 * (int)d->size)] = (char)rand();
        }
        if (rand() % 20 == 0 && d->mem) /* one buffer more than there is */
            dpush(d, (uint32_t)rand() % 80, (uint32_t)rand() % 3000);
        eth->ops->poll(eth, q, 1 + (unsigned)rand() % 64);
        eth->ops->irq_enable(eth, q);
        for (struct pkt *f = inbox; f; f = f->link)
            if (pkt_length(f) < 14 || pkt_length(f) > VNET_FRAME_MAX)
                return false;
        inbox_clear();
    }
    stuck = false;
    struct vnet *n = (struct vnet *)eth;
    bool good = eth->resets_close <= 21;
    if (eth->resets_close <= 20) { /* not given up: a reset repairs whatever state is left */
        vnet_blame(n, "end of the test");
        eth->resets_close = 0;
        eth->ops->service(eth);
        nwire = 0;
        good &= round_trip(5000, 0) && round_trip(60, 1) && no_leak(128);
    }
    end();
    return good && no_leak(0);
}

int main(void)
{
    pkt_init(1ull << 40);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)rand();
    report("net_works", works());
    report("net_plain", plain());
    report("net_malformed", malformed());
    report("net_sticks", sticks());
    report("net_quiet_control", quiet_control());
    report("net_vanishes", vanishes());
    bool good = true;
    for (unsigned seed = 1; seed <= 150 && good; seed++)
        if (!(good = lies(seed)))
            printf("seed %u\n", seed);
    report("net_lies", good);
    return failures != 0;
}

const char *__asan_default_options(void);
/* Memory that boot allocates is never freed. */
const char *__asan_default_options(void) { return "detect_leaks=0"; }
