/* fake_wire.h - two interfaces of one stack and the bad wire between them, in virtual time.
 *
 * Both ends are this process's one stack: 10.0.0.1 and fd00::1 on eth0, 10.0.0.2 and fd00::2 on
 * eth1; what one transmits the other receives after a delay, unless it is lost, doubled, late or
 * damaged, by a seeded generator. */
#include "fake_net.h"

struct wire {
    int64_t delay;          /* ns, one way */
    unsigned loss, dup, reorder, corrupt; /* of 10,000 */
    int64_t jitter;         /* extra delay of a packet that is reordered */
    uint64_t bytes_per_s;   /* 0 = infinite */
    bool split;             /* cut received frames into pieces of odd sizes */
    bool hear_sums;         /* the receiving device has checked sums (when nothing is damaged) */
};

static struct wire wire;
static struct netdev devs[2];
static struct netif *ifs[2];
static uint64_t wire_sent, wire_lost;
static bool (*wire_tap)(int from, struct pkt *frame); /* true: it took the frame */

struct flight {
    struct flight *next;
    int64_t at;
    int to;
    size_t len;
    bool checked;
    uint8_t bytes[];
};
static struct flight *flying;
static int64_t line_free[2];

static void fly(int to, const uint8_t *b, size_t n, int64_t delay, bool damage)
{
    struct flight *f = malloc(sizeof *f + n), **p = &flying;

    *f = (struct flight){.to = to, .len = n, .checked = wire.hear_sums && !damage};
    memcpy(f->bytes, b, n);
    if (damage)
        f->bytes[rnd(n)] ^= (uint8_t)(1u << rnd(8));
    if (wire.bytes_per_s) {
        int64_t start = line_free[to] > vnow ? line_free[to] : vnow;
        line_free[to] = start + (int64_t)(n * 1000000000ull / wire.bytes_per_s);
        delay += line_free[to] - vnow;
    }
    f->at = vnow + delay;
    while (*p && (*p)->at <= f->at)
        p = &(*p)->next;
    f->next = *p;
    *p = f;
}

static bool chance(unsigned of_10000) { return of_10000 && rnd(10000) < of_10000; }

static void put_on_wire(int to, const uint8_t *b, size_t n)
{
    wire_sent++;
    if (chance(wire.loss)) {
        wire_lost++;
        return;
    }
    int64_t delay = wire.delay + (chance(wire.reorder) ? wire.jitter : 0);
    fly(to, b, n, delay, chance(wire.corrupt));
    if (chance(wire.dup))
        fly(to, b, n, delay + 1000, false);
}

/* Does what a device does with a packet larger than the MTU: cuts it into segments with headers. */
static void cut_segments(int to, const uint8_t *b, size_t n, const struct pkt *p)
{
    static uint8_t s[70000];
    size_t hdr = p->gso_hdr_len, l4 = p->csum_start;
    bool v6 = p->gso_type == PKT_GSO_TCP6;

    CHECK(hdr >= l4 + 20 && hdr < n && l4 >= 34 && p->gso_size, "GSO fields");
    CHECK(n <= 65535 + 14, "a packet of %zu bytes", n);
    for (size_t at = hdr; at < n; at += p->gso_size) {
        size_t part = n - at < p->gso_size ? n - at : p->gso_size;
        bool last = at + part == n;
        uint32_t len = (uint32_t)(hdr - l4 + part);
        memcpy(s, b, hdr);
        memcpy(s + hdr, b + at, part);
        put32(s + l4 + 4, get32(b + l4 + 4) + (uint32_t)(at - hdr));
        if (!last)
            s[l4 + 13] &= (uint8_t)~9; /* FIN, PSH */
        put16(s + l4 + 16, 0);
        struct pkt whole = {.data = s, .len = (uint32_t)(hdr + part)};
        struct net_addr src = v6 ? addr_v6(s + 22) : addr_v4(s + 26);
        struct net_addr dst = v6 ? addr_v6(s + 38) : addr_v4(s + 30);
        if (v6) {
            put16(s + 18, (uint16_t)len);
        } else {
            put16(s + 16, (uint16_t)(len + l4 - 14));
            put16(s + 24, 0);
            put16(s + 24, (uint16_t)~ip_header_sum(s + 14, (unsigned)l4 - 14));
        }
        uint32_t sum = pkt_sum(&whole, l4, len) + (uint32_t)ip_pseudo_sum(&src, &dst, 6, len);
        sum = (sum & 0xffff) + (sum >> 16);
        put16(s + l4 + 16, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
        put_on_wire(to, s, hdr + part);
    }
}

static struct pkt *dev_transmit(struct netdev *d, unsigned queue, struct pkt *list)
{
    static uint8_t flat[70000];
    int from = (int)(d - devs);

    (void)queue;
    for (struct pkt *p = list, *link; p; p = link) {
        link = p->link;
        CHECK(!pkt_shared(p) && pkt_room_front(p) >= PKT_DEV_ROOM, "a first piece as drivers want");
        if (wire_tap && wire_tap(from, p))
            continue;
        size_t n = pkt_length(p);
        bool gso = p->gso_type != PKT_GSO_NONE;
        CHECK(gso || n <= (size_t)d->mtu + 14, "a frame of %zu bytes", n);
        if (p->flags & PKT_CSUM_PARTIAL && !gso)
            CHECK(pkt_csum_complete(p), "offsets of a sum");
        CHECK(pkt_copy_out(p, 0, flat, n), "length");
        if (gso)
            cut_segments(1 - from, flat, n, p);
        else
            put_on_wire(1 - from, flat, n);
        pkt_free(p);
    }
    return NULL;
}

static const struct netdev_ops dev_ops = {.transmit = dev_transmit};

/* Makes a frame in pieces, as a driver might deliver it; NULL: no memory. */
static struct pkt *make_frame(const uint8_t *b, size_t n, bool split)
{
    struct pkt *first = NULL, **end = &first;

    for (size_t at = 0; at < n;) {
        size_t part = n - at, max = PKT_SMALL_ROOM;
        if (split && rnd(2))
            max = 1 + rnd(200);
        struct pkt *p = pkt_alloc(PKT_SMALL);
        if (!p) {
            if (first)
                pkt_free(first);
            return NULL;
        }
        part = part > max ? max : part;
        memcpy(p->data, b + at, part);
        p->len = (uint32_t)part;
        at += part;
        *end = p;
        end = &p->next;
    }
    return first;
}

static void deliver(int to, const uint8_t *b, size_t n, bool checked)
{
    struct pkt *p = make_frame(b, n, wire.split);

    if (!p)
        return;
    if (checked)
        p->flags = PKT_CSUM_OK;
    net_input(NULL, &devs[to], 0, p);
    no_locks();
}

/* Advances virtual time to the next event; false: there is none before `until`. */
static bool step(int64_t until)
{
    int64_t timer = net_timers_next(0), at = flying ? flying->at : INT64_MAX;

    if (timer < at)
        at = timer;
    if (at > until || at == INT64_MAX) {
        if (until != INT64_MAX && until > vnow)
            vnow = until;
        return false;
    }
    if (at > vnow)
        vnow = at;
    while (flying && flying->at <= vnow) {
        struct flight *f = flying;
        flying = f->next;
        deliver(f->to, f->bytes, f->len, f->checked);
        free(f);
    }
    net_timers_run(0);
    no_locks();
    return true;
}

static void run_until(int64_t until)
{
    while (step(until))
        ;
}

static void run_ms(int64_t ms) { run_until(vnow + ms * 1000000); }

/* ---- a control plane that knows everything --------------------------------------------- */

static uint64_t control_inputs, control_unreachable, control_resolves;
static void control_input(struct netif *i, struct pkt *p)
{
    (void)i;
    control_inputs++;
    pkt_free(p);
}

static void control_resolve(struct netif *i, const struct net_addr *a, struct pkt *p)
{
    (void)i;
    (void)a;
    control_resolves++;
    pkt_free(p);
}
static void control_unreach(struct netif *i, struct pkt *p)
{
    (void)i;
    control_unreachable++;
    pkt_free(p);
}
static void control_reachable(struct netif *i, const struct net_addr *a) { (void)i; (void)a; }
static const struct net_control control = {control_input, control_resolve, control_unreach,
                                           control_reachable};

static struct net_addr v4(uint32_t n)
{
    uint8_t b[4];

    put32(b, n);
    return addr_v4(b);
}

static struct net_addr host_addr(int end, bool v6)
{
    struct net_addr a = {.b = {0xfd, [15] = (uint8_t)(end + 1)}};

    return v6 ? a : v4(0x0a000001 + (uint32_t)end);
}

/* Sets up interfaces, addresses, host routes and neighbours of both ends. */
static void wire_setup(uint32_t features, uint16_t mtu)
{
    static bool once;

    if (!once) {
        net_control_set(&control);
        net_init();
    }
    for (int i = 0; i < 2; i++) {
        devs[i] = (struct netdev){.name = i ? "eth1" : "eth0", .mtu = mtu, .features = features,
                                  .mac = {2, 0, 0, 0, 0, (uint8_t)i}, .nqueues = 1, .up = true,
                                  .ops = &dev_ops};
        if (!once)
            ifs[i] = netif_add(&devs[i]);
        ifs[i]->mtu = mtu;
    }
    for (int i = 0; i < 2; i++)
        for (int v6 = 0; v6 < 2; v6++) {
            struct net_addr own = host_addr(i, v6), peer = host_addr(!i, v6);
            struct net_route r = {.dst = peer, .prefix = 128, .ifindex = ifs[i]->index};
            netif_addr_set(ifs[i], &own, v6 ? 64 : 120, false);
            net_route_add(&r);
            net_neighbour_set(ifs[i]->index, &peer, devs[!i].mac);
        }
    once = true;
}

static void wire_empty(void)
{
    while (flying) {
        struct flight *f = flying;
        flying = f->next;
        free(f);
    }
}
