/* test_e1000e.c - the driver of Intel's 82574L against a device in memory: one that works, one that
 * is stuck, one that writes nonsense, one that is removed.
 * sources: drivers/e1000e.c drivers/e1000e_rings.c drivers/netdev_user.c drivers/dma.c
 * sources: drivers/pkt.c drivers/pkt_bytes.c */
#include "fake_e1000e.h"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}
#define NEED(x)                                             \
    do {                                                    \
        if (!(x)) {                                         \
            printf("line %d: %s\n", __LINE__, #x);          \
            return false;                                   \
        }                                                   \
    } while (0)

/* ---- the stack ------------------------------------------------------------------------------- */
static struct pkt *inbox, **inbox_end;
static unsigned rooms, links, wakes;
static void on_receive(void *arg, struct netdev *d, unsigned queue, struct pkt *list)
{
    (void)arg, (void)d, (void)queue;
    if (held)
        report("receive without locks", false);
    *inbox_end = list;
    while (*inbox_end)
        inbox_end = &(*inbox_end)->link;
}
static void on_wake(void *a, struct netdev *d, unsigned q)
{
    (void)a, (void)d;
    wakes += q ? 100 : 1;
}
static void on_room(void *a, struct netdev *d, unsigned q) { (void)a, (void)d, rooms |= 1u << q; }
static void on_link(void *a, struct netdev *d, bool up) { (void)a, (void)d, (void)up; links++; }
static const struct netdev_user user = { on_receive, on_wake, on_room, on_link };

static bool begin(void)
{
    stuck = gone = deaf = down = false;
    nwire = messages = rooms = links = wakes = contexts = phy_writes = vectors = 0;
    phy_control = 0x1140;
    ngathered = 0;
    memset(vector, 0, sizeof vector);
    with_msi = false;
    msix_entries = 5;
    eth = NULL;
    inbox = NULL;
    inbox_end = &inbox;
    e1000e_init();
    if (eth)
        eth->user = &user;
    return eth;
}

static struct e1000e *nic(void) { return (struct e1000e *)eth; }

static void inbox_clear(void)
{
    pkt_free_list(inbox);
    inbox = NULL;
    inbox_end = &inbox;
}

static bool no_leak(unsigned buffers)
{
    struct pkt_stats s;

    inbox_clear();
    pkt_stats_read(&s);
    return s.used == (uint64_t)buffers * 2048;
}
#define BUFFERS (2 * (E1000E_RX - 1))

static bool end(void)
{
    for (unsigned i = 0; i < eth->nqueues; i++)
        e1000e_rx_clear(&nic()->rx[i]);
    e1000e_tx_clear(nic());
    return no_leak(0);
}

static struct pkt *frame(const uint8_t *b, size_t len)
{
    size_t part = len < 66 ? len : 66;
    struct pkt *f = pkt_alloc(PKT_SMALL), **tail = &f->next;

    memcpy(f->data, b, part);
    f->len = (uint32_t)part;
    for (size_t at = part; at < len; at += part) {
        struct pkt *p = pkt_alloc(len > 4000 ? PKT_LARGE : PKT_SMALL);
        size_t most = len > 4000 ? PKT_LARGE_ROOM : 700;
        part = most / 2 + (size_t)rand() % (most / 2);
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
    nwire = 0;
    NEED(!eth->ops->transmit(eth, q, frame(noise, len)));
    NEED(nwire == 1 && wire[0].len == len && !memcmp(wire[0].bytes, noise, len));
    NEED(!eth->ops->pending(eth, q) && receive(q, noise, len, RXD_EOP));
    NEED(eth->ops->pending(eth, q) && eth->ops->poll(eth, q, 64) == 1);
    NEED(!eth->ops->pending(eth, q) && inbox && pkt_length(inbox) == len);
    NEED(pkt_copy_out(inbox, 0, copy, len) && !memcmp(copy, noise, len));
    NEED(inbox->queue == q && inbox->hash == 0x12345678 && !inbox->flags);
    inbox_clear();
    return true;
}

static bool works(void)
{
    NEED(begin() && eth->nqueues == 2 && eth->up && vectors == 3 && !messages && !phy_writes);
    NEED(!memcmp(eth->mac, "\x02\x11\x22\x33\x44\x55", 6) && reg[R_RAL / 4] == 0x33221102);
    NEED(reg[R_MRQC / 4] & 1 && reg[(R_RETA + 124) / 4] == 0x80008000 &&
         reg[R_RSSRK / 4] == 0x07070707 && reg[R_CTRL / 4] & CTRL_SLU && reg[R_GCR2 / 4] == 1);
    NEED(reg[R_IVAR / 4] == (8 | 9 << 4 | 8 << 8) && no_leak(BUFFERS));
    for (int i = 0; i < 3000; i++)
        NEED(round_trip(14 + (size_t)rand() % 1501, (unsigned)i % 2));
    NEED(no_leak(BUFFERS) && !messages && eth->stats.tx_packets == 3000 && !eth->stats.resets &&
         !eth->stats.rx_dropped);
    return end();
}

/* One ring where there is one CPU or one vector; none without MSI-X. */
static bool small(void)
{
    ncpu = 1;
    NEED(begin() && eth->nqueues == 1 && !(reg[R_MRQC / 4] & 1) && reg[R_IVAR / 4] == (8 | 8 << 8));
    NEED(round_trip(60, 0) && end());
    ncpu = 2;
    begin();
    end();
    msix_entries = 0;
    memset(vector, 0, sizeof vector);
    eth = NULL;
    e1000e_init();
    NEED(!eth && strstr(last_message, "message-signalled interrupts: not used") && !mastering);
    return true;
}

/* Without MSI-X: one ring, whose interrupt the handler masks. */
static bool one_message(void)
{
    begin();
    end();
    with_msi = true;
    msix_entries = 0;
    memset(vector, 0, sizeof vector);
    power_on();
    eth = NULL;
    e1000e_init();
    NEED(eth && eth->nqueues == 1 && !(reg[R_CTRL_EXT / 4] & CTRL_EXT_EIAME) && !reg[R_IVAR / 4]);
    eth->user = &user;
    wakes = 0;
    NEED(round_trip(60, 0) && !wakes && !eth->ops->irq_enable(eth, 0) && !wakes);
    NEED(receive(0, noise, 60, RXD_EOP) && receive(0, noise, 60, RXD_EOP) && wakes == 1);
    NEED(!reg[R_IMS / 4] && eth->ops->poll(eth, 0, 9) == 2 && !eth->ops->irq_enable(eth, 0));
    NEED(wakes == 1 && receive(0, noise, 60, RXD_EOP) && wakes == 2);
    stuck = true;
    struct pkt *rest = NULL;
    while (!rest)
        rest = eth->ops->transmit(eth, 0, frame(noise, 60));
    stuck = false;
    transmit();
    NEED(wakes == 3 && eth->ops->poll(eth, 0, 9) == 1 && rooms == 1);
    pkt_free_list(rest);
    return end();
}

/* Interrupts come once for each time that they are asked for, on the queue's vector. */
static bool interrupts(void)
{
    NEED(begin() && receive(0, noise, 60, RXD_EOP) && !wakes);
    NEED(eth->ops->irq_enable(eth, 0)); /* one is there already */
    NEED(eth->ops->poll(eth, 0, 64) == 1 && !wakes && !eth->ops->irq_enable(eth, 0));
    NEED(receive(0, noise, 60, RXD_EOP) && wakes == 1 && receive(0, noise, 60, RXD_EOP));
    NEED(wakes == 1 && eth->ops->poll(eth, 0, 1) == 1 && eth->ops->pending(eth, 0));
    NEED(eth->ops->poll(eth, 0, 9) == 1 && !eth->ops->irq_enable(eth, 0) && wakes == 1);
    NEED(!eth->ops->irq_enable(eth, 1) && receive(1, noise, 60, RXD_EOP) && wakes == 101);
    eth->ops->irq_disable(eth, 0);
    NEED(receive(0, noise, 60, RXD_EOP) && wakes == 101);
    return end();
}

/* A TCP frame over IPv4 with `payload` bytes; its sum is that of the pseudo header. */
static struct pkt *tcp(size_t payload, unsigned options)
{
    static uint8_t b[66000];
    size_t l4 = 34, hdr = l4 + 20 + options;

    memcpy(b, noise, hdr + payload);
    memcpy(b + 14, "\x45\0\0\0\0\x09\x40\0\x40\x06\0\0\x0a\0\0\x01\xc0\xa8\xff\xfe", 20);
    put(b + 16, (uint32_t)(20 + 20 + options + payload));
    put(b + 24, ~sum16(b + 14, 20, 0));
    b[l4 + 12] = (uint8_t)((5 + options / 4) << 4);
    put(b + l4 + 16, sum16(b + 26, 8, (uint32_t)(6 + 20 + options + payload)));
    struct pkt *f = frame(b, hdr + payload);
    f->flags = PKT_CSUM_PARTIAL;
    f->csum_start = (uint16_t)l4;
    f->csum_offset = 16;
    return f;
}

/* Both sums of the frame, and its length, are right. */
static bool sums_right(const uint8_t *b, size_t len)
{
    uint32_t l4 = (uint32_t)len - 34;

    NEED(sum16(b + 14, 20, 0) == 0xffff && (b[16] << 8 | b[17]) == (int)len - 14);
    NEED(sum16(b + 34, l4, sum16(b + 26, 8, 6 + l4)) == 0xffff);
    return true;
}

static bool sums(void)
{
    NEED(begin());
    for (int i = 0; i < 300; i++) {
        size_t n = (size_t)rand() % 1400;
        nwire = 0;
        NEED(!eth->ops->transmit(eth, 0, tcp(n, 12)) && nwire == 1 && wire[0].len == n + 66);
        NEED(sums_right(wire[0].bytes, wire[0].len));
    }
    NEED(contexts == 1); /* the device remembers it, up to a reset */
    eth->ops->reset(eth);
    eth->ops->service(eth);
    nwire = 0;
    NEED(!eth->ops->transmit(eth, 0, tcp(9, 12)) && sums_right(wire[0].bytes, 75) && contexts == 2);
    struct pkt *f = frame(noise, 300); /* where the device cannot look, the driver does it */
    f->flags = PKT_CSUM_PARTIAL;
    f->csum_start = 250;
    f->csum_offset = 10;
    nwire = 0;
    NEED(!eth->ops->transmit(eth, 0, f) && nwire == 1 && contexts == 2);
    NEED(wire[0].bytes[260] << 8 | wire[0].bytes[261] &&
         !memcmp(wire[0].bytes, noise, 260) && memcmp(wire[0].bytes + 260, noise + 260, 2));
    uint64_t good[] = { RXD_TCPCS, RXD_UDPCS | RXD_TCPCS }, bad[] = { 0, RXD_TCPCS | RXD_IXSM,
        RXD_TCPCS | RXD_TCPE, RXD_TCPCS | RXD_IPE };
    for (int i = 0; i < 6; i++) {
        receive(0, noise, 99, RXD_EOP | (i < 2 ? good[i] : bad[i - 2]));
        NEED(eth->ops->poll(eth, 0, 9) == 1 && inbox->flags == (i < 2 ? PKT_CSUM_OK : 0));
        inbox_clear();
    }
    return end();
}

static bool segments(void)
{
    NEED(begin());
    for (int i = 0; i < 200; i++) {
        size_t n = 1 + (size_t)rand() % 64000, done = 0;
        struct pkt *f = tcp(n, 12);
        f->gso_type = PKT_GSO_TCP4;
        f->gso_size = (uint16_t)(i % 2 ? 1448 : 1000 + rand() % 448);
        f->gso_hdr_len = 66;
        size_t mss = f->gso_size;
        nwire = 0;
        NEED(!eth->ops->transmit(eth, (unsigned)i % 2, f));
        NEED(nwire == (n + mss - 1) / mss);
        for (unsigned k = 0; k < nwire; k++, done += mss) {
            size_t part = n - done < mss ? n - done : mss;
            NEED(wire[k].len == 66 + part && sums_right(wire[k].bytes, wire[k].len));
            NEED(!memcmp(wire[k].bytes + 66, noise + 66 + done, part));
        }
    }
    eth->ops->poll(eth, 0, 1);
    NEED(no_leak(BUFFERS));
    return end();
}

static bool malformed(void)
{
    NEED(begin());
    uint64_t bad[] = { RXD_CE, RXD_SE, RXD_SEQ, RXD_CXE, RXD_RXE };
    for (int i = 0; i < 5; i++)
        NEED(receive(0, noise, 60, RXD_EOP | bad[i]) && eth->ops->poll(eth, 0, 9) == 1 && !inbox);
    NEED(receive(0, noise, 13, RXD_EOP) && receive(0, noise, 1519, RXD_EOP));
    NEED(receive(0, noise, 100, 0) && receive(0, noise, 100, 0) && receive(0, noise, 99, RXD_EOP));
    NEED(eth->ops->poll(eth, 0, 9) == 5 && !inbox && eth->stats.rx_dropped == 10);
    NEED(receive(0, noise, 60, RXD_EOP) && eth->ops->poll(eth, 0, 9) == 1 && inbox);
    for (int i = 0; i < 10; i++) {
        struct pkt *f = i > 3 ? tcp(3000, 0) : frame(noise, i == 0 ? 10 : i == 1 ? 1519 : 60);
        if (i == 2)
            pkt_ref(f);
        if (i == 3)
            f->flags = PKT_CSUM_PARTIAL, f->csum_start = 99;
        f->gso_type = i == 9 ? PKT_GSO_TCP6 : i > 4 ? PKT_GSO_TCP4 : 0;
        f->gso_size = i == 5 ? 0 : i == 6 ? 1500 : 1000;
        f->gso_hdr_len = i == 7 ? 53 : 54;
        if (i == 8)
            f->flags = 0;
        NEED(!eth->ops->transmit(eth, 0, f) && !nwire && eth->stats.tx_dropped == 1u + (unsigned)i);
        if (i == 2)
            pkt_free(f);
    }
    NEED(!messages && no_leak(BUFFERS));
    NEED(receive(0, noise, 1761, RXD_EOP) && eth->ops->poll(eth, 0, 9) == 1 && !inbox);
    NEED(eth->stats.resets == 1 && messages == 1 && strstr(last_message, "than there was room"));
    NEED(round_trip(100, 0) && round_trip(1514, 1) && no_leak(BUFFERS));
    return end();
}

/* The ring fills, senders that were refused are woken when there is room; then the watchdog
 * resets, but not while there is no link. */
static bool sticks(void)
{
    struct pkt *rest = NULL;
    unsigned n = 0;

    NEED(begin());
    stuck = true;
    while (!rest && n++ < 1000)
        rest = eth->ops->transmit(eth, 1, frame(noise, 60));
    NEED(n == E1000E_TX - 1); /* one for a context is kept, too */
    eth->ops->poll(eth, 0, 64);
    NEED(!rooms);
    stuck = false;
    transmit();
    NEED(wakes == 1); /* the transmitter's vector is that of queue 0 */
    eth->ops->poll(eth, 0, 64);
    NEED(rooms == 2 && !eth->ops->transmit(eth, 0, rest) && eth->stats.tx_packets == n);
    stuck = true;
    rest = frame(noise, 100);
    rest->link = frame(noise, 200);
    NEED(!eth->ops->transmit(eth, 0, rest));
    down = true;
    eth->ops->service(eth);
    now += 20000000000;
    eth->ops->service(eth);
    NEED(links == 1 && !eth->up && !eth->stats.resets);
    down = false;
    for (int i = 0; i < 3; i++, now += 2400000000)
        eth->ops->service(eth);
    NEED(links == 2 && eth->up && !eth->stats.resets);
    eth->ops->service(eth);
    NEED(eth->stats.resets == 1 && messages == 1 && strstr(last_message, "sent nothing for 5 s"));
    stuck = false;
    NEED(round_trip(1000, 0) && round_trip(1000, 1) && reg[R_MRQC / 4] & 1 && no_leak(BUFFERS));
    reg[R_MPC / 4] = 5;
    eth->ops->service(eth);
    NEED(eth->stats.rx_nomem == 5);
    return end();
}

/* Without memory the ring runs empty. A slot that the device has not been given means nothing. */
static bool starves(void)
{
    struct pkt *all = NULL;

    NEED(begin() && round_trip(60, 0)); /* the free slot is one that was used */
    pkt_init(0);
    for (struct pkt *p; (p = pkt_alloc(PKT_SMALL)); all = p)
        p->link = all;
    for (unsigned i = 0; i < E1000E_RX - 1; i++)
        NEED(receive(0, noise, 60, RXD_EOP));
    NEED(!receive(0, noise, 60, RXD_EOP) && eth->ops->poll(eth, 0, 1000) == E1000E_RX - 1);
    NEED(!eth->ops->pending(eth, 0) && eth->stats.rx_nomem == 1);
    for (unsigned i = 0; i < E1000E_RX; i++)
        nic()->rx[0].ring[i].high = RXD_DD | RXD_EOP | 60ull << 32;
    NEED(eth->ops->poll(eth, 0, 1000) == 0);
    for (unsigned i = 0; i < E1000E_RX; i++)
        nic()->rx[0].ring[i].high = 0;
    inbox_clear();
    pkt_free_list(all);
    pkt_init(1ull << 40);
    NEED(eth->ops->poll(eth, 0, 1) == 0 && round_trip(60, 0));
    return end();
}

/* A device that needs a reset now and then is not given up, one that needs it all the time is. */
static bool resets(void)
{
    NEED(begin());
    for (int i = 0; i < 50; i++, now += 3601000000000) {
        eth->ops->reset(eth);
        eth->ops->service(eth);
        NEED(eth->up);
    }
    for (int i = 0; i < 30; i++) {
        NEED(eth->up == (i <= 20));
        eth->ops->reset(eth);
        eth->ops->service(eth);
    }
    NEED(strstr(last_message, "each within an hour of the last: given up") && no_leak(0));
    return end();
}

/* A device that was taken out, and one that does not come back from its reset. */
static bool vanishes(void)
{
    for (int i = 0; i < 2; i++) {
        NEED(begin());
        gone = i == 0;
        stuck = deaf = i == 1;
        eth->ops->transmit(eth, 0, frame(noise, 100));
        if (gone)
            eth->ops->reset(eth); /* it has no link, so nothing is overdue */
        for (int k = 0; k < 100; k++, now += 1000000000) {
            pkt_free_list(eth->ops->transmit(eth, 0, frame(noise, 100)));
            eth->ops->poll(eth, 0, 64);
            eth->ops->irq_enable(eth, 0);
            eth->ops->service(eth);
        }
        NEED(eth->stats.resets == 1 && !eth->up && messages == 1 && !mastering);
        NEED(strstr(last_message, "reset, which it does not answer") && no_leak(0));
        deaf = gone = false;
    }
    return true;
}

static bool addresses(void)
{
    static const uint8_t macs[2][6] = { { 1, 0, 0x5e, 0, 0, 0x16 },
                                        { 0x33, 0x33, 0, 0, 0xa5, 0xff } };

    power_on();
    reg[R_RAH / 4] = 0;
    memcpy(eeprom, "\0\x1b\x21\x01\x02\x03", 6);
    NEED(begin() && !memcmp(eth->mac, "\0\x1b\x21\x01\x02\x03", 6));
    NEED(reg[R_RAL / 4] == 0x01211b00 && reg[R_RAH / 4] == (0x0302 | RAH_VALID) && end());
    reg[R_RAL / 4] = reg[R_RAH / 4] = 0;
    memset(eeprom, 0xff, 6);
    NEED(begin() && (eth->mac[0] & 3) == 2 && reg[R_RAH / 4] & RAH_VALID);
    NEED(reg[R_RCTL / 4] & RCTL_MPE && !(reg[R_RCTL / 4] & RCTL_UPE));
    NEED(!eth->ops->set_filter(eth, false, false, macs, 2) && !(reg[R_RCTL / 4] & RCTL_MPE));
    NEED(reg[(R_MTA + 4 * (0x160 / 32)) / 4] == 1 && reg[(R_MTA + 4 * 127) / 4] == 1 << 26);
    NEED(!eth->ops->set_filter(eth, true, false, NULL, 0) && reg[R_RCTL / 4] & RCTL_UPE);
    eth->ops->reset(eth);
    eth->ops->service(eth);
    NEED(eth->stats.resets == 1 && reg[R_RCTL / 4] & RCTL_UPE && round_trip(60, 1) && end());
    phy_control = 0;
    power_on();
    begin();
    end();
    stuck = gone = deaf = down = false;
    phy_control = 0x1940; /* switched off */
    phy_writes = 0;
    e1000e_init();
    NEED(phy_writes == 1 && phy_control == 0x1200);
    return end();
}

/* The rings change at random; once that ends, everything must work again. */
static bool lies(unsigned seed)
{
    srand(seed);
    power_on();
    NEED(begin());
    for (int i = 0; i < 400; i++) {
        unsigned q = (unsigned)rand() % 2;
        stuck = rand() % 2;
        receive(q, noise, (size_t)rand() % 1700, rand() % 4 ? RXD_EOP : (unsigned)rand() % 4096);
        if (rand() % 3)
            pkt_free_list(eth->ops->transmit(eth, q, frame(noise, 14 + (size_t)rand() % 1600)));
        struct e1000e_rx *r = &nic()->rx[q];
        struct e1000e_desc *d = &r->ring[rand() % 8];
        if (rand() % 3 == 0) {
            ((uint8_t *)&d->high)[rand() % 8] = (uint8_t)rand();
            if (rand() % 4) /* few lengths that end in a reset */
                d->high &= ~(0xffffull << 32) | 0x6ffull << 32;
        }
        d = &nic()->tx.ring[rand() % 8];
        if (rand() % 3 == 0)
            ((uint8_t *)&d->high)[4] = (uint8_t)rand();
        eth->ops->poll(eth, q, 1 + (unsigned)rand() % 64);
        eth->ops->irq_enable(eth, q);
        for (struct pkt *f = inbox; f; f = f->link)
            NEED(pkt_length(f) >= 14 && pkt_length(f) <= E1000E_FRAME_MAX);
        inbox_clear();
    }
    stuck = false;
    struct e1000e *n = nic();
    NEED(eth->resets_close <= 21);
    if (eth->resets_close <= 20) { /* not given up: a reset repairs whatever state is left */
        e1000e_blame(n, "end of the test");
        eth->resets_close = 0;
        eth->ops->service(eth);
        NEED(round_trip(1500, 0) && round_trip(60, 1) && no_leak(BUFFERS));
    }
    return end();
}

int main(void)
{
    pkt_init(1ull << 40);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)rand();
    power_on();
    report("e1000e_works", works());
    report("e1000e_small", small());
    report("e1000e_one_message", one_message());
    power_on();
    report("e1000e_interrupts", interrupts());
    report("e1000e_sums", sums());
    report("e1000e_segments", segments());
    report("e1000e_malformed", malformed());
    report("e1000e_sticks", sticks());
    report("e1000e_starves", starves());
    report("e1000e_resets", resets());
    report("e1000e_vanishes", vanishes());
    report("e1000e_addresses", addresses());
    bool good = true;
    for (unsigned seed = 1; seed <= 150 && good; seed++)
        if (!(good = lies(seed)))
            printf("seed %u\n", seed);
    report("e1000e_lies", good);
    return failures != 0;
}

const char *__asan_default_options(void);
/* Memory that boot allocates is never freed. */
const char *__asan_default_options(void) { return "detect_leaks=0"; }
