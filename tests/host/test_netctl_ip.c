// sources: gort/net/netif.c gort/net/path.c gort/net/pmtu.c gort/net/ip_in.c
// sources: gort/net/ip_out.c gort/net/icmp.c gort/net/icmp_out.c gort/net/udp.c gort/net/udp_in.c
// sources: gort/net/wheel.c drivers/pkt_bytes.c gort/netctl/lwip.c gort/netctl/netctl.c
// sources: gort/netctl/frames.c gort/netctl/check.c gort/netctl/publish.c gort/netctl/neigh.c
// sources: gort/netctl/address.c gort/netctl/config.c gort/netctl/dns.c gort/netctl/lease.c
// flags: -Wno-unused-function -Igort/netctl/port -isystem {lwip} -isystem {lwip}/include
/* The control plane: IPv6's routers and neighbours, fragments, echo, errors, groups; and noise. */
#include "fake_lan.h"

/* ---- IPv6 ------------------------------------------------------------------------------- */

#define LL "fe80::ff:fe00:1"
#define ROUTER "fe80::9"

/* A router's advertisement, with options at o .. end. */
static void ra(uint16_t lifetime, size_t options)
{
    struct net_addr src = addr(ROUTER), all = addr("ff02::1");
    uint8_t *m = out + 54;

    m[0] = 134;
    m[1] = 0;
    m[4] = 64;
    m[5] = 0;
    put16(m + 6, lifetime);
    put32(m + 8, 0);
    put32(m + 12, 0);
    icmp6(&src, &all, 16 + options);
}

static size_t prefix_option(uint8_t *o, const char *prefix, uint32_t valid)
{
    struct net_addr p = addr(prefix);

    memset(o, 0, 32);
    o[0] = 3;
    o[1] = 4;
    o[2] = 64;
    o[3] = 0xc0;
    put32(o + 4, valid);
    put32(o + 8, valid);
    memcpy(o + 16, p.b, 16);
    return 32;
}

static size_t whole_ra(uint8_t *o)
{
    struct net_addr dns = addr("fd00::53");
    size_t n = prefix_option(o, "fd00::", 3600);

    memcpy(o + n, (const uint8_t[8]){1, 1, 2, 0, 0, 0, 0, 9}, 8);   /* its link address */
    memcpy(o + n + 8, (const uint8_t[8]){5, 1, 0, 0, 0, 0, 0x05, 0x78}, 8); /* MTU 1400 */
    n += 16;
    memset(o + n, 0, 24);
    o[n] = 25;
    o[n + 1] = 3;
    put32(o + n + 4, 600);
    memcpy(o + n + 8, dns.b, 16);
    return n + 24;
}

static void ra_works(void)
{
    start("10.0.0.15/24");
    EXPECT(!has_address(LL));           /* another host may have it */
    advance(3000);
    EXPECT(next(is_ns) && has_address(LL) && next(is_rs));
    ra(1800, whole_ra(out + 70));
    EXPECT(!has_address("fd00::ff:fe00:1"));
    advance(3000);
    EXPECT(has_address("fd00::ff:fe00:1") && resolv_is("nameserver fd00::53\n"));
    EXPECT(route_to("2001:db8::1", ROUTER) && route_to("fd00::77", "fd00::77"));
    EXPECT(ifp->mtu == 1400);
    struct udp_sock *s = sock_to("2001:db8::1", 53);
    forget();
    EXPECT(udp_send(s, NULL, 0, "hello", 5, NULL) == 5);
    const struct frame *f = next(is_udp6);
    EXPECT(f && !memcmp(f->b, peer_mac, 6));    /* the router said its own */
    ra(0, 0);                           /* no longer a router */
    struct net_path p;
    struct net_addr d = addr("2001:db8::1"), any = {0};
    EXPECT(net_path_find(&p, &d, &any, 0) == -ENETUNREACH);
    udp_close(s);
}

static void na(const struct net_addr *src, const struct net_addr *dst,
               const struct net_addr *target, uint8_t flags)
{
    uint8_t *m = out + 54;

    memset(m, 0, 32);
    m[0] = 136;
    m[4] = flags;
    memcpy(m + 8, target->b, 16);
    m[24] = 2;
    m[25] = 1;
    memcpy(m + 26, peer_mac, 6);
    icmp6(src, dst, 32);
}

static void nd_resolves(void)
{
    struct net_addr peer = addr("fd00::9"), us = addr("fd00::15");

    start("fd00::15/64,gw=fd00::1");
    advance(3000);
    EXPECT(has_address("fd00::15") && route_to("2001:db8::1", "fd00::1"));
    struct udp_sock *s = sock_to("fd00::9", 53);
    forget();
    EXPECT(udp_send(s, NULL, 0, "question", 8, NULL) == 8);
    const struct frame *f = next(is_ns);
    EXPECT(f && !memcmp(f->b + 62, peer.b, 16) && !next(is_udp6));
    na(&peer, &us, &peer, 0x60);
    f = next(is_udp6);
    EXPECT(f && !memcmp(f->b, peer_mac, 6) && !memcmp(f->b + 62, "question", 8));
    for (int i = 0; i < 60; i++) {      /* used for long: lwIP probes it, it does not answer */
        udp_send(s, NULL, 0, "x", 1, NULL);
        advance(1000);
    }
    send_tcp("fd00::9");
    advance(4500);
    EXPECT(tcp_errors == 1 && tcp_error == ICMP_ERR_HOST);
    forget();
    udp_send(s, NULL, 0, "x", 1, NULL);
    EXPECT(!next(is_udp6));
    udp_close(s);
}

static void dad_duplicate(void)
{
    struct net_addr all = addr("ff02::1"), ll = addr(LL);

    start("10.0.0.15/24");
    advance(200);
    na(&ll, &all, &ll, 0x20);
    advance(3000);
    EXPECT(!has_address(LL) && told(LL " is already used by another machine"));
}

/* Options whose end lwIP's parser would read past do not reach it. */
static void nd_bad_options(void)
{
    struct net_addr peer = addr("fe80::9"), us = addr(LL);
    uint8_t *m = out + 54;

    start("10.0.0.15/24");
    advance(3000);
    for (int len = 0; len < 40; len++)
        for (int type = 133; type <= 137; type++) {
            memset(m, 0, 64);
            m[0] = (uint8_t)type;
            memcpy(m + 8, us.b, 16);
            m[24] = (uint8_t)(type == 136 ? 2 : 1);
            m[25] = (uint8_t)(len % 5);
            icmp6(&peer, &us, (size_t)(24 + len));
        }
    ra(1800, 0);
    memset(out + 70, 0, 64);
    for (size_t n = 1; n < 64; n++) {
        out[70] = (uint8_t)(n % 26);
        out[71] = (uint8_t)(n % 9);
        ra(1800, n);
    }
    EXPECT(blocks < 100);
}

/* ---- fragments -------------------------------------------------------------------------- */

static uint8_t big[9000];

static void make_udp(bool v6, const struct net_addr *src, const struct net_addr *dst, size_t n)
{
    for (size_t i = 0; i < n; i++)
        big[i] = (uint8_t)(i * 7 + i / 256);
    put16(big, 4000);
    put16(big + 2, 5000);
    put16(big + 4, (uint16_t)n);
    put16(big + 6, 0);
    put16(big + 6, sum_of(big, n, ip_pseudo_sum(src, dst, 17, (uint32_t)n)));
    (void)v6;
}

static void fragment4(uint16_t id, size_t at, size_t n, size_t total)
{
    memcpy(out + 34, big + at, n);
    ip4(our_mac, 17, PEER, US, n, id, (uint16_t)(at / 8 | (at + n < total ? 0x2000 : 0)));
}

static void fragments_v4(void)
{
    struct net_addr src = v4(PEER), dst = v4(US);
    static uint8_t got[9000];

    start(STATIC);
    struct udp_sock *s = udp_new(true, wake, NULL);
    EXPECT(udp_bind(s, &dst, 5000, 0) == 0);
    make_udp(false, &src, &dst, 4000);
    fragment4(7, 2960, 1040, 4000);
    fragment4(7, 0, 1480, 4000);
    EXPECT(udp_recv(s, got, sizeof got, NULL, 0) == -EAGAIN);
    fragment4(7, 1480, 1480, 4000);
    EXPECT(udp_recv(s, got, sizeof got, NULL, 0) == 3992 && !memcmp(got, big + 8, 3992));
    long before = blocks;
    for (uint16_t id = 100; id < 400; id++)     /* a flood of first halves is bounded */
        fragment4(id, 0, 1480, 4000);
    EXPECT(blocks - before < 400);
    fragment4(1, 0, 1480, 4000);        /* and does not keep others out */
    fragment4(1, 1480, 1480, 4000);
    fragment4(1, 2960, 1040, 4000);
    EXPECT(udp_recv(s, got, sizeof got, NULL, 0) == 3992);
    advance(40000);
    EXPECT(blocks <= before + 8);
    udp_close(s);
}

static void fragment6(const struct net_addr *src, const struct net_addr *dst, uint32_t id,
                      size_t at, size_t n, size_t total)
{
    uint8_t *h = out + 54;

    h[0] = 17;
    h[1] = 0;
    put16(h + 2, (uint16_t)(at | (at + n < total)));
    put32(h + 4, id);
    memcpy(h + 8, big + at, n);
    ip6(44, src, dst, n + 8);
}

static void fragments_v6(void)
{
    struct net_addr src = addr("fd00::9"), dst = addr("fd00::15");
    static uint8_t got[9000];

    start("fd00::15/64");
    advance(3000);
    struct udp_sock *s = udp_new(false, wake, NULL);
    EXPECT(udp_bind(s, &dst, 5000, 0) == 0);
    make_udp(true, &src, &dst, 4000);
    fragment6(&src, &dst, 7, 2896, 1104, 4000);
    fragment6(&src, &dst, 7, 0, 1448, 4000);
    fragment6(&src, &dst, 7, 1448, 1448, 4000);
    EXPECT(udp_recv(s, got, sizeof got, NULL, 0) == 3992 && !memcmp(got, big + 8, 3992));
    /* A datagram with a hole before its last piece is not complete. */
    fragment6(&src, &dst, 8, 0, 800, 4000);
    fragment6(&src, &dst, 8, 2896, 1104, 4000);
    fragment6(&src, &dst, 8, 1448, 1448, 4000);
    EXPECT(udp_recv(s, got, sizeof got, NULL, 0) == -EAGAIN);
    advance(70000);
    udp_close(s);
}

/* ---- echo, errors ----------------------------------------------------------------------- */

static void echo(void)
{
    struct net_addr src = addr("fd00::9"), dst = addr("fd00::15");
    uint8_t *m = out + 34;
    const struct frame *f;

    start("10.0.0.15/24,fd00::15/64");
    advance(3000);
    arp(1, all_mac, PEER, US, peer_mac);
    forget();
    memset(m, 0, 64);
    m[0] = 8;
    memcpy(m + 8, "abcdefgh", 8);
    put16(m + 2, sum_of(m, 64, 0));
    ip4(our_mac, 1, PEER, US, 64, 1, 0);
    f = next(is_icmp4);
    EXPECT(f && f->b[34] == 0 && !memcmp(f->b + 42, "abcdefgh", 8) && !sum_of(f->b + 34, 64, 0));
    m[0] = 8;                           /* to everybody: no answer, as Linux */
    ip4(all_mac, 1, PEER, 0x0a0000ff, 64, 1, 0);
    EXPECT(!next(is_icmp4));
    na(&src, &dst, &src, 0x60);
    m = out + 54;
    memset(m, 0, 64);
    m[0] = 128;
    memcpy(m + 8, "abcdefgh", 8);
    icmp6(&src, &dst, 64);
    f = next(is_ns);                    /* the neighbour does not know the asker */
    EXPECT(f != NULL);
    na(&src, &dst, &src, 0x60);
    f = next(is_icmp6);
    EXPECT(f && f->b[54] == 129 && !memcmp(f->b + 62, "abcdefgh", 8));
}

static void unreachable_port(void)
{
    struct net_addr src = v4(PEER), dst = v4(US);
    unsigned n = 0;

    start(STATIC);
    arp(1, all_mac, PEER, US, peer_mac);
    forget();
    make_udp(false, &src, &dst, 20);
    memcpy(out + 34, big, 20);
    ip4(our_mac, 17, PEER, US, 20, 1, 0);
    const struct frame *f = next(is_icmp4);
    EXPECT(f && f->b[34] == 3 && f->b[35] == 3 && !memcmp(f->b + 42, out + 14, 40) &&
           !sum_of(f->b + 34, f->n - 34, 0));
    for (int i = 0; i < 300; i++)
        ip4(our_mac, 17, PEER, US, 20, 1, 0);
    while (next(is_icmp4))
        n++;
    EXPECT(n >= 40 && n <= 50);         /* the burst */
    advance(1000);
    ip4(all_mac, 17, PEER, 0x0a0000ff, 20, 1, 0);
    EXPECT(!next(is_icmp4));
}

/* "Fragmentation needed" and "host unreachable" reach TCP. */
static void icmp_errors(void)
{
    uint8_t *m = out + 34, *q = m + 8;

    start(STATIC);
    for (int big_one = 0; big_one < 2; big_one++) {
        memset(m, 0, 8 + 28);
        m[0] = 3;
        m[1] = big_one ? 4 : 1;
        put16(m + 6, big_one ? 1400 : 0);
        q[0] = 0x45;
        put16(q + 2, 40);
        q[9] = 6;
        put32(q + 12, US);
        put32(q + 16, PEER);
        put16(m + 2, sum_of(m, 36, 0));
        ip4(our_mac, 1, PEER, US, 36, 1, 0);
        EXPECT(tcp_errors == (unsigned)big_one + 1);
        EXPECT(tcp_error == (big_one ? ICMP_ERR_TOOBIG : ICMP_ERR_HOST));
    }
}

/* ---- groups ----------------------------------------------------------------------------- */

static void groups(void)
{
    struct net_addr g4 = addr("239.1.2.3"), g6 = addr("ff15::42");
    const struct frame *f;

    start("10.0.0.15/24");
    advance(3000);
    forget();
    netctl_join(ifp->index, &g4, true);
    netctl_join(ifp->index, &g6, true);
    advance(1000);
    unsigned at = looked;
    f = next(is_igmp);
    EXPECT(f && get32(f->b + 30) == 0xef010203);
    looked = at;
    f = next(is_mld);
    EXPECT(f && !memcmp(f->b + 70, g6.b, 16));
    advance(20000);
    forget();
    uint8_t *m = out + 34;              /* a query for all groups */
    memset(m, 0, 8);
    m[0] = 0x11;
    m[1] = 20;
    put16(m + 2, sum_of(m, 8, 0));
    link_header(all_mac, ETH_IPV4);
    static const uint8_t all_hosts[6] = {1, 0, 0x5e, 0, 0, 1};
    ip4(all_hosts, 2, PEER, 0xe0000001, 8, 1, 0);
    advance(2500);
    f = next(is_igmp);
    EXPECT(f && get32(f->b + 30) == 0xef010203);
    forget();
    netctl_join(ifp->index, &g4, false);
    f = next(is_igmp);
    EXPECT(f && f->b[f->n - 8] == 0x17);
    advance(1000);
    forget();
    ip4(all_hosts, 2, PEER, 0xe0000001, 8, 1, 0);
    advance(2500);
    EXPECT(!next(is_igmp));
}

/* ---- noise ------------------------------------------------------------------------------ */

static void noise(void)
{
    static struct frame seeds[64];
    unsigned n = 0;
    static uint8_t b[FRAME];

    start("dhcp");
    dhcp_lease();
    advance(4000);
    for (unsigned i = 0; i < nsent && n < 40; i++)     /* our own frames, turned round */
        seeds[n++] = sent[i];
    ra(1800, whole_ra(out + 70));
    seeds[n].n = 54 + 16 + whole_ra(out + 70);
    memcpy(seeds[n++].b, out, FRAME);
    blocks_fail = 50;
    for (int i = 0; i < 200000; i++) {
        const struct frame *s = &seeds[rnd(n)];
        size_t len = s->n;
        memcpy(b, s->b, len);
        memcpy(b, our_mac, 6);
        for (unsigned k = (unsigned)rnd(6); k; k--)
            b[rnd(len)] = (uint8_t)rnd64();
        if (!rnd(4))
            len = 14 + rnd(len - 13);
        if (!rnd(3) && len > 34 && get16(b + 12) == ETH_IPV4) {     /* a good header */
            put16(b + 16, (uint16_t)(len - 14));
            put16(b + 24, 0);
            put16(b + 24, sum_of(b + 14, 20, 0));
        }
        if (!rnd(2) && len > 58 && get16(b + 12) == ETH_IPV6) {
            put16(b + 18, (uint16_t)(len - 54));
            struct net_addr src = addr_v6(b + 22), dst = addr_v6(b + 38);
            put16(b + 56, 0);
            put16(b + 56, sum_of(b + 54, len - 54,
                  ip_pseudo_sum(&src, &dst, b[20], (uint32_t)len - 54)));
        }
        in(b, len);
        if (!rnd(100))
            advance((int64_t)rnd(2000));
        said[0] = 0;
    }
    blocks_fail = 0;
    advance(400000);
    EXPECT(blocks < 300);
    EXPECT(pieces == 0);
}

int main(void)
{
    run("router advertisement", ra_works);
    run("neighbour discovery", nd_resolves);
    run("duplicate address", dad_duplicate);
    run("neighbour discovery: bad options", nd_bad_options);
    run("fragments, IPv4", fragments_v4);
    run("fragments, IPv6", fragments_v6);
    run("echo", echo);
    run("port unreachable", unreachable_port);
    run("ICMP errors", icmp_errors);
    run("groups", groups);
    run("noise", noise);
    return failures != 0;
}
