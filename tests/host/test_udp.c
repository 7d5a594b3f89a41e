// sources: gort/net/netif.c gort/net/path.c gort/net/pmtu.c gort/net/ip_in.c
// sources: gort/net/ip_out.c gort/net/icmp.c gort/net/udp.c gort/net/udp_in.c
// sources: gort/net/wheel.c drivers/pkt_bytes.c
// flags: -Wno-unused-function
/* UDP of both families over the wire of fake_wire.h: which socket gets a datagram, checksums,
 * fragments, errors from ICMP, queues that are full, groups, ports; and random bytes instead of
 * frames. */
#include "gort/net/ip.h"
#include "gort/net/udp.h"
#include "fake_wire.h"

void tcp_init(void) {}
void tcp_round_end(void) {}
void tcp_input(const struct ip_rx *ip, struct pkt *pkt) { (void)ip; pkt_free(pkt); }
void tcp_icmp(const struct net_addr *l, const struct net_addr *r, uint16_t lp, uint16_t rp,
              uint32_t seq, enum icmp_error e, uint32_t mtu)
{
    (void)l; (void)r; (void)lp; (void)rp; (void)seq; (void)e; (void)mtu;
}

static unsigned woken;
static void wake(void *arg, unsigned ev) { (void)arg; woken |= ev; }

static struct net_addr any4(void) { return v4(0); }

static struct udp_sock *bound(int end, bool v6, uint16_t port)
{
    struct udp_sock *s = udp_new(!v6, wake, NULL);
    struct net_addr a = host_addr(end, v6);

    EXPECT(udp_bind(s, &a, port, 0) == 0);
    return s;
}

static void test_there_and_back(bool v6, size_t n)
{
    struct udp_sock *a = bound(0, v6, 1000), *b = bound(1, v6, 2000);
    struct net_addr to = host_addr(1, v6), from = host_addr(0, v6);
    static uint8_t out[65000], in[65000];
    struct udp_meta m;

    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)rnd64();
    EXPECT(udp_send(a, &to, 2000, out, n, NULL) == (long)n);
    EXPECT(udp_recv(b, in, sizeof in, &m, 0) == -EAGAIN);
    run_ms(1);
    EXPECT(udp_recv(b, in, sizeof in, &m, UDP_PEEK) == (long)n);
    EXPECT(udp_recv(b, in, sizeof in, &m, 0) == (long)n);
    EXPECT(!memcmp(in, out, n) && m.sport == 1000 && addr_equal(&m.src, &from));
    EXPECT(m.ttl == 64 && m.ifindex == ifs[1]->index && m.length == n && addr_equal(&m.dst, &to));
    EXPECT(udp_recv(b, in, sizeof in, &m, 0) == -EAGAIN && (woken & NET_IN));
    udp_close(a);
    udp_close(b);
}

/* A datagram that does not fit is sent in fragments, which the receiver gives to the control
 * plane. */
static void test_fragments(bool v6)
{
    struct udp_sock *a = bound(0, v6, 1000);
    struct net_addr to = host_addr(1, v6);
    static uint8_t out[65000];
    uint64_t before = control_inputs;

    EXPECT(udp_send(a, &to, 2000, out, 5000, NULL) == 5000);
    run_ms(1);
    EXPECT(control_inputs - before == 4);
    *(v6 ? &a->ip4.dont_fragment : &a->ip6.dont_fragment) = true; /* the other family's */
    EXPECT(udp_send(a, &to, 2000, out, 5000, NULL) == 5000);
    *(v6 ? &a->ip6.dont_fragment : &a->ip4.dont_fragment) = true;
    EXPECT(udp_send(a, &to, 2000, out, 5000, NULL) == -EMSGSIZE);
    EXPECT(udp_send(a, &to, 2000, out, 65536, NULL) == -EMSGSIZE);
    udp_close(a);
}

static void test_ports(void)
{
    struct udp_sock *a = bound(0, false, 1000), *b = udp_new(true, wake, NULL);
    struct udp_sock *c = udp_new(false, wake, NULL), *d = udp_new(false, wake, NULL);
    struct net_addr at = host_addr(0, false), any = any4(), any6 = {0}, odd = v4(0x0b000001);

    EXPECT(udp_bind(b, &at, 1000, 0) == -EADDRINUSE && udp_bind(b, &any, 1000, 0) == -EADDRINUSE);
    EXPECT(udp_bind(b, &odd, 1000, 0) == -EADDRNOTAVAIL);
    EXPECT(udp_bind(c, &any6, 1000, 0) == -EADDRINUSE);  /* dual stack: IPv4 would be shared */
    c->v6only = true;
    EXPECT(udp_bind(c, &any6, 1000, 0) == 0);
    EXPECT(udp_bind(c, &any6, 1001, 0) == -EINVAL);
    a->reuse_addr = b->reuse_addr = true;
    EXPECT(udp_bind(b, &at, 1000, 0) == 0);
    EXPECT(udp_bind(d, &any6, 0, 0) == 0 && d->lport >= 32768);
    udp_close(a);
    udp_close(b);
    udp_close(c);
    udp_close(d);
}

/* The time of a datagram is when it came, not when it is read. */
static void test_stamps(bool v6)
{
    struct udp_sock *a = bound(0, v6, 1000), *b = bound(1, v6, 2000);
    struct net_addr to = host_addr(1, v6);
    struct udp_meta m;
    uint8_t x = 1;

    udp_send(a, &to, 2000, &x, 1, NULL);
    run_ms(1);
    b->stamped = true;
    int64_t before = vnow;
    udp_send(a, &to, 2000, &x, 1, NULL);
    run_ms(1);
    int64_t after = vnow;
    run_ms(50);
    EXPECT(udp_recv(b, &x, 1, &m, 0) == 1 && m.came == 0);
    EXPECT(udp_recv(b, &x, 1, &m, 0) == 1 && m.came >= before && m.came <= after);
    udp_close(a);
    udp_close(b);
}

/* A port's connected socket gets the datagrams of its peer, the bound socket all others. */
static void test_connected(void)
{
    struct udp_sock *a = bound(0, false, 1000), *o = bound(0, false, 1001);
    struct udp_sock *b = bound(1, false, 2000);
    struct udp_sock *c = udp_new(true, wake, NULL);
    struct net_addr to = host_addr(1, false), from = host_addr(0, false);
    uint8_t x = 1;

    b->reuse_addr = c->reuse_addr = true;
    EXPECT(udp_bind(c, &to, 2000, 0) == 0 && udp_connect(c, &from, 1000) == 0);
    udp_send(a, &to, 2000, &x, 1, NULL);
    udp_send(o, &to, 2000, &x, 0, NULL);
    run_ms(1);
    EXPECT(udp_recv(c, &x, 1, NULL, 0) == 1 && udp_recv(c, &x, 1, NULL, 0) == -EAGAIN);
    EXPECT(udp_recv(b, &x, 1, NULL, 0) == 0 && udp_recv(b, &x, 1, NULL, 0) == -EAGAIN);
    EXPECT(udp_send(c, NULL, 0, &x, 1, NULL) == 1);
    EXPECT(udp_send(b, NULL, 0, &x, 1, NULL) == -EDESTADDRREQ);
    run_ms(1);
    EXPECT(udp_recv(a, &x, 1, NULL, 0) == 1);
    udp_close(a);
    udp_close(o);
    udp_close(b);
    udp_close(c);
}

static void icmp_about(bool v6, uint8_t type, uint8_t code, uint32_t mtu, const uint8_t *ip,
                       size_t n)
{
    uint8_t m[100] = {type, code};
    struct pkt p = {.data = m, .len = (uint32_t)(8 + n)};

    put32(m + 4, mtu);
    memcpy(m + 8, ip, n);
    net_icmp_error(v6, &p);
}

static void quote(uint8_t *q, int end, uint16_t sport, uint16_t dport)
{
    struct net_addr l = host_addr(end, false), r = host_addr(!end, false);

    memset(q, 0, 28);
    q[0] = 0x45;
    q[9] = 17;
    memcpy(q + 12, l.b + 12, 4);
    memcpy(q + 16, r.b + 12, 4);
    put16(q + 20, sport);
    put16(q + 22, dport);
}

static void test_icmp(void)
{
    struct udp_sock *a = bound(0, false, 1000);
    struct net_addr to = host_addr(1, false);
    uint64_t before = control_unreachable;
    uint8_t q[28], x[1400] = {0};

    EXPECT(udp_connect(a, &to, 2000) == 0);
    EXPECT(udp_send(a, NULL, 0, x, 1, NULL) == 1);
    run_ms(1);
    EXPECT(control_unreachable == before + 1);
    quote(q, 0, 1000, 2000);
    woken = 0;
    icmp_about(false, 3, 3, 0, q, 28);
    EXPECT(woken & NET_ERR);
    EXPECT(udp_recv(a, x, 1, NULL, 0) == -ECONNREFUSED && udp_recv(a, x, 1, NULL, 0) == -EAGAIN);
    quote(q, 0, 1000, 2001);                        /* not our peer */
    icmp_about(false, 3, 3, 0, q, 28);
    EXPECT(udp_take_error(a) == 0);
    quote(q, 0, 1000, 2000);
    a->ip4.dont_fragment = true;
    EXPECT(udp_send(a, NULL, 0, x, 1400, NULL) == 1400);
    icmp_about(false, 3, 4, 1000, q, 28);
    EXPECT(udp_send(a, NULL, 0, x, 1400, NULL) == -EMSGSIZE);  /* the error */
    EXPECT(udp_send(a, NULL, 0, x, 1400, NULL) == -EMSGSIZE);  /* the path */
    icmp_about(false, 3, 4, 68, q, 28);             /* no crumbs */
    udp_take_error(a);
    EXPECT(udp_send(a, NULL, 0, x, 548, NULL) == 548);
    udp_close(a);
    run_ms(1);
}

static void test_full(void)
{
    struct udp_sock *a = bound(0, false, 1000), *b = bound(1, false, 2000);
    struct net_addr to = host_addr(1, false);
    long got = 0;
    uint8_t x[10] = {0};

    for (int i = 0; i < 1000; i++)
        udp_send(a, &to, 2000, x, 10, NULL);
    run_ms(1);
    EXPECT(b->drops > 0 && b->queued <= b->rcv_buf);
    while (udp_recv(b, x, 10, NULL, 0) == 10)
        got++;
    EXPECT((uint64_t)got + b->drops == 1000 && b->queued == 0);
    udp_close(a);
    udp_close(b);
}

/* A buffer larger than any memory: the queue ends where others have no more than it has; what is
 * lost counts, and a queue that is empty takes a datagram whatever is left. */
static void test_huge_buffer(void)
{
    struct udp_sock *a = bound(0, false, 1000), *b = bound(1, false, 2000);
    struct udp_sock *c = bound(1, false, 3000);
    struct net_addr to = host_addr(1, false);
    uint8_t x[10] = {0};
    uint64_t all = 4 << 20;

    b->rcv_buf = INT32_MAX;
    memory_left = all;
    for (int i = 0; i < 4000; i++) {
        udp_send(a, &to, 2000, x, sizeof x, NULL);
        run_ms(1);
        memory_left = b->queued < all ? all - b->queued : 0;
    }
    EXPECT(b->drops > 1000 && b->queued <= all / 2 && b->queued > all / 2 - 4096);
    udp_send(a, &to, 3000, x, sizeof x, NULL);
    run_ms(1);
    EXPECT(c->drops == 0 && udp_recv(c, x, sizeof x, NULL, 0) == (long)sizeof x);
    memory_left = 1ull << 40;
    udp_close(a);
    udp_close(b);
    udp_close(c);
}

static uint32_t keep;
static unsigned asked;
static unsigned filters_held;
static void *filter_get(void *arg)
{
    filters_held++;
    return arg;
}

static uint32_t filter_run(void *arg, const struct ip_rx *ip, const struct pkt *p)
{
    uint8_t h[8];

    filters_held--;
    EXPECT(nheld == 0);
    asked += arg == &keep && pkt_copy_out(p, 0, h, sizeof h) && get16(h + 2) == 2000 &&
             get16(h + 4) == pkt_length(p) && ip->ifp == ifs[1];
    return keep;
}
static const struct udp_filter filter = {filter_get, filter_run};

/* What a datagram counts when it is queued it counts until it is read, whatever a filter cuts off:
 * of pieces without memory of their own the bytes count. */
static void test_accounting(void)
{
    struct udp_sock *b = udp_new(true, wake, &keep);
    struct net_addr any = any4();
    static uint8_t bytes[1000];
    uint8_t in[10];

    b->filter = &filter;
    EXPECT(udp_bind(b, &any, 2000, 0) == 0);
    for (int i = 0; i < 10; i++) {
        struct pkt *p = pkt_alloc(PKT_SMALL), *rest = pkt_alloc(PKT_BARE);
        struct ip_rx ip = {.ifp = ifs[1], .src = v4(0x0a000001), .dst = host_addr(1, false),
                           .hdr = 20, .len = 8 + sizeof bytes};
        memset(p->data, 0x45, 20);
        p->data += 20;
        put16(p->data, 1000);
        put16(p->data + 2, 2000);
        put16(p->data + 4, (uint16_t)ip.len);
        put16(p->data + 6, 0); /* no sum */
        p->len = 8;
        rest->data = bytes;
        rest->len = sizeof bytes;
        p->next = rest;
        keep = i % 2 ? 12 : 5000;
        uint32_t before = b->queued;
        udp_input(&ip, p);
        EXPECT(b->queued - before == 2 * 256 + PKT_SMALL_ROOM + sizeof bytes);
    }
    for (int i = 0; i < 10; i++)
        EXPECT(udp_recv(b, in, sizeof in, NULL, 0) == (i % 2 ? 4 : 10));
    EXPECT(b->queued == 0 && b->drops == 0 && filters_held == 0);
    asked = 0;
    udp_close(b);
}

static void test_filter(bool v6)
{
    struct udp_sock *a = bound(0, v6, 1000), *b = udp_new(!v6, wake, &keep);
    struct net_addr to = host_addr(1, v6);
    uint8_t out[1400], in[1400];
    static const struct { uint32_t keep; long n; } cases[] = {
        {1, 0}, {8, 0}, {9, 1}, {100, 92}, {700, 692}, {1408, 1400}, {100000, 1400}};
    struct udp_meta m;

    b->filter = &filter;
    EXPECT(udp_bind(b, &to, 2000, 0) == 0);
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)rnd64();
    wire = (struct wire){.split = true};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        keep = cases[i].keep;
        EXPECT(udp_send(a, &to, 2000, out, 1400, NULL) == 1400);
        run_ms(1);
        EXPECT(udp_first_length(b) == (size_t)cases[i].n && b->queued >= 1400);
        EXPECT(udp_recv(b, in, sizeof in, &m, 0) == cases[i].n && m.length == (size_t)cases[i].n);
        EXPECT(!memcmp(in, out, (size_t)cases[i].n) && b->queued == 0 && b->drops == 0);
    }
    keep = woken = 0;
    udp_send(a, &to, 2000, out, 10, NULL);
    run_ms(1);
    EXPECT(!woken && b->drops == 1 && b->queued == 0 && udp_recv(b, in, 1, NULL, 0) == -EAGAIN);
    EXPECT(asked == sizeof cases / sizeof cases[0] + 1);
    asked = 0;
    wire = (struct wire){0};
    udp_close(a);
    udp_close(b);
}

static void test_groups(void)
{
    struct udp_sock *a = bound(0, false, 1000), *s[3];
    struct udp_group g = {v4(0xe0000102), 0};
    uint8_t x = 7, n = 0;

    keep = UINT32_MAX;
    for (int i = 0; i < 3; i++) {
        struct net_addr any = any4();
        s[i] = udp_new(true, wake, &keep);
        s[i]->filter = &filter; /* which runs under no lock */
        s[i]->reuse_addr = true;
        EXPECT(udp_bind(s[i], &any, 3000, 0) == 0);
        if (i)
            EXPECT(udp_join(s[i], &g, true) == 0 && udp_join(s[i], &g, true) == -EADDRINUSE);
    }
    a->ip4.mcast_ifindex = ifs[0]->index;
    EXPECT(udp_send(a, &g.group, 3000, &x, 1, NULL) == 1);
    run_ms(1);
    for (int i = 0; i < 3; i++)
        n |= (uint8_t)((udp_recv(s[i], &x, 1, NULL, 0) == 1) << i);
    EXPECT(n == 6);
    EXPECT(udp_join(s[1], &g, false) == 0 && udp_join(s[1], &g, false) == -EADDRNOTAVAIL);
    for (int i = 0; i < 3; i++)
        udp_close(s[i]);
    udp_close(a);
}

/* Damaged valid frames, and noise: no memory may be lost. */
static void test_noise(void)
{
    struct udp_sock *b = bound(1, false, 2000), *a = bound(0, false, 1000);
    struct net_addr to = host_addr(1, false);
    uint8_t x[1400] = {0}, f[1600], wrong = 0;

    wire = (struct wire){.corrupt = 5000, .dup = 2000, .split = true};
    for (int i = 0; i < 4000; i++) {
        udp_send(a, &to, 2000, x, rnd(1400), NULL);
        run_ms(1);
        for (long n; (n = udp_recv(b, f, sizeof f, NULL, 0)) >= 0;)
            while (n--)
                wrong |= f[n];
    }
    for (int i = 0; i < 20000; i++) {
        size_t n = rnd(200);
        for (size_t j = 0; j < n; j++)
            f[j] = (uint8_t)rnd64();
        if (n > 60 && rnd(4)) {
            put16(f + 12, rnd(2) ? ETH_IPV4 : ETH_IPV6);
            f[14] = f[13] ? 0x60 : (uint8_t)(0x45 + rnd(3));
            put16(f + 16, (uint16_t)rnd(n));
            put16(f + 24, 0);
            put16(f + 24, (uint16_t)~ip_header_sum(f + 14, (f[14] & 15) * 4));
        }
        deliver(1, f, n, rnd(2));
    }
    EXPECT(!wrong);     /* no damaged datagram was delivered */
    wire = (struct wire){0};
    udp_close(a);
    udp_close(b);
}

int main(void)
{
    wire_setup(0, 1500);
    for (int v6 = 0; v6 < 2; v6++) {
        test_there_and_back(v6, 0);
        test_there_and_back(v6, 1);
        test_there_and_back(v6, 1451);
        test_fragments(v6);
        test_stamps(v6);
    }
    check(!failures, "datagrams there and back, fragments, times");
    test_ports();
    test_connected();
    check(!failures, "ports and peers");
    test_filter(false);
    test_filter(true);
    test_accounting();
    check(!failures, "filters");
    test_icmp();
    test_full();
    test_huge_buffer();
    test_groups();
    check(!failures, "errors, full queues, groups");
    test_noise();
    wire_empty();
    check(!failures, "noise");
    check(pieces == 0 && objects == 0, "all memory is back");
    return failures != 0;
}
