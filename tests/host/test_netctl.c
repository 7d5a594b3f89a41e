// sources: gort/net/netif.c gort/net/path.c gort/net/pmtu.c gort/net/ip_in.c
// sources: gort/net/ip_out.c gort/net/icmp.c gort/net/icmp_out.c gort/net/udp.c gort/net/udp_in.c
// sources: gort/net/wheel.c drivers/pkt_bytes.c gort/netctl/lwip.c gort/netctl/netctl.c
// sources: gort/netctl/frames.c gort/netctl/check.c gort/netctl/publish.c gort/netctl/neigh.c
// sources: gort/netctl/address.c gort/netctl/config.c gort/netctl/dns.c gort/netctl/lease.c
// flags: -Wno-unused-function -Igort/netctl/port -isystem {lwip} -isystem {lwip}/include
/* The control plane: ARP, DHCP and the boot option ip=, on a scripted link. */
#include "fake_lan.h"

/* ---- ARP -------------------------------------------------------------------------------- */

static void arp_resolves(void)
{
    const struct frame *f;

    start(STATIC);
    EXPECT(netctl_settled() && has_address("10.0.0.15") && resolv_is("nameserver 10.0.0.3\n"));
    f = next(is_arp_request);   /* gratuitous, then the probe, or the other way round */
    EXPECT(f && next(is_arp_request));
    struct udp_sock *s = sock_to("10.0.0.2", 53);
    forget();
    EXPECT(udp_send(s, NULL, 0, "question", 8, NULL) == 8);
    f = next(is_arp_request);
    EXPECT(f && get32(f->b + 38) == PEER && get32(f->b + 28) == US && !memcmp(f->b, all_mac, 6));
    EXPECT(!next(is_udp4));
    arp(2, our_mac, PEER, US, peer_mac);
    f = next(is_udp4);
    EXPECT(f && !memcmp(f->b, peer_mac, 6) && !memcmp(f->b + 42, "question", 8));
    EXPECT(f && sum_of(f->b + 34, 16, ip_pseudo_sum(&(struct net_addr){{{0}}},
           &(struct net_addr){{{0}}}, 0, 0)) != 1);
    EXPECT(udp_send(s, NULL, 0, "again", 5, NULL) == 5 && next(is_udp4) && !next(is_arp));
    EXPECT(route_to("93.184.216.34", "10.0.0.2") && route_to("10.0.0.77", "10.0.0.77"));
    udp_close(s);
}

static void arp_answers(void)
{
    const struct frame *f;

    start(STATIC);
    advance(100);
    forget();
    arp(1, all_mac, PEER, US, peer_mac);
    f = next(is_arp_reply);
    EXPECT(f && !memcmp(f->b, peer_mac, 6) && !memcmp(f->b + 22, our_mac, 6) &&
           get32(f->b + 28) == US && get32(f->b + 38) == PEER);
    arp(1, all_mac, PEER, US + 1, peer_mac);
    EXPECT(!next(is_arp_reply));
    /* A host that sends an ARP request is a known neighbour from now on. */
    struct udp_sock *s = sock_to("10.0.0.2", 53);
    EXPECT(udp_send(s, NULL, 0, "x", 1, NULL) == 1 && next(is_udp4));
    udp_close(s);
}

static void arp_nobody(void)
{
    start(STATIC);
    struct udp_sock *s = sock_to("10.0.0.77", 53);
    send_tcp("10.0.0.77");
    advance(2500);
    EXPECT(!tcp_errors);
    advance(2500);
    EXPECT(tcp_errors == 1 && tcp_error == ICMP_ERR_HOST);
    advance(20000);
    EXPECT(tcp_errors == 1);
    /* The next packet makes netctl ask again, and the neighbour may be back. */
    forget();
    EXPECT(udp_send(s, NULL, 0, "y", 1, NULL) == 1 && next(is_arp_request));
    arp(2, our_mac, 0x0a00004d, US, peer_mac);
    EXPECT(next(is_udp4));
    udp_close(s);
}

/* TCP does not send through lwIP: a neighbour in use that is silent is probed, then removed. */
static void arp_used(void)
{
    static const uint8_t new_mac[6] = {2, 0, 0, 0, 0, 0x77};

    start(STATIC);
    arp(1, all_mac, PEER, US, peer_mac);
    struct udp_sock *s = sock_to("10.0.0.2", 53);
    for (int i = 0; i < 200; i++) {     /* it answers, and stays longer than lwIP's 300 s */
        forget();
        EXPECT(udp_send(s, NULL, 0, "x", 1, NULL) == 1);
        EXPECT(next(is_udp4));
        advance(2500);
        if (next(is_arp_request))
            arp(2, our_mac, PEER, US, peer_mac);
    }
    forget();
    advance(60000);                     /* not in use: no probes */
    EXPECT(!next(is_arp_request));
    unsigned asked = 0;
    for (int i = 0; i < 24; i++) {      /* the neighbour is gone */
        udp_send(s, NULL, 0, "x", 1, NULL);
        advance(500);
        while (next(is_arp_request))
            asked++;
    }
    EXPECT(asked >= 3);
    send_tcp("10.0.0.2");
    advance(4500);
    EXPECT(tcp_errors == 1 && tcp_error == ICMP_ERR_HOST);
    forget();
    udp_send(s, NULL, 0, "x", 1, NULL);
    EXPECT(!next(is_udp4));
    arp(2, our_mac, PEER, US, new_mac);
    udp_send(s, NULL, 0, "x", 1, NULL);
    const struct frame *f = next(is_udp4);
    EXPECT(f && !memcmp(f->b, new_mac, 6));
    udp_close(s);
}

static void arp_conflict(void)
{
    start(STATIC);
    arp(2, our_mac, US, 0, peer_mac);
    EXPECT(told("eth0: 10.0.0.15 is already used by 02:00:00:00:00:09: give this machine another"));
    arp(2, our_mac, US, 0, peer_mac);
    EXPECT(!*said);
}

/* ---- DHCP ------------------------------------------------------------------------------- */

static void dhcp_works(void)
{
    start("dhcp");
    EXPECT(!netctl_settled());
    dhcp_lease();
    const struct frame *f = next(is_arp_request);
    EXPECT(f && get32(f->b + 28) == 0 && get32(f->b + 38) == LEASE);
    advance(300);
    EXPECT(netctl_settled() && has_address("10.0.0.100") && !*said);
    EXPECT(route_to("8.8.8.8", "10.0.0.1") && route_to("10.0.0.5", "10.0.0.5"));
    EXPECT(resolv_is("nameserver 10.0.0.3\n"));
    forget();
    f = wait_for(is_server_wanted, 125);  /* T1: half of the lease, to the server itself */
    EXPECT(f);
    arp(2, our_mac, SERVER, LEASE, peer_mac);
    f = dhcp_next(3);
    EXPECT(get32(f->b + 30) == SERVER);
    dhcp_answer(f, 5, LEASE);           /* unicast, to a port that no socket of ours has */
    forget();
    advance(60000);
    EXPECT(!next(is_dhcp) && has_address("10.0.0.100"));
    advance(65000);                     /* no server answers: broadcast, then the lease ends */
    advance(400000);
    EXPECT(!has_address("10.0.0.100"));
    struct net_path p;
    struct net_addr d = v4(0x08080808), any = v4(0);
    EXPECT(net_path_find(&p, &d, &any, 0) == -ENETUNREACH);
}

static bool asks_for(const struct frame *f, uint8_t code)
{
    const uint8_t *o = f->b + 42 + 240, *end = f->b + f->n;

    for (; o + 2 < end && *o != 255; o += o[0] ? 2 + o[1] : 1)
        if (*o == 55)
            return memchr(o + 2, code, o[1]) != NULL;
    return false;
}

/* Routes that the router does not know, a domain, an MTU; and all of them damaged. */
static void dhcp_options(void)
{
    static const uint8_t good[] = {121, 19, 8, 172, 10, 0, 0, 7, 24, 192, 168, 9, 0, 0, 0, 0,
                                   0, 10, 0, 0, 8, 15, 8, 'a', '.', 't', 'e', 's', 't', 0, 0,
                                   26, 2, 0x05, 0x78};
    static const uint8_t bad[] = {121, 7, 33, 1, 2, 3, 4, 5, 6, 15, 3, 'a', '\n', 'b',
                                  26, 2, 0x02, 0x00, 121, 3, 8, 10, 1};

    start("dhcp");
    memcpy(more_options, good, more_bytes = sizeof good);
    unsigned at = looked;
    const struct frame *f = dhcp_next(1);
    EXPECT(asks_for(f, 121) && asks_for(f, 26) && asks_for(f, 15) && asks_for(f, 6));
    looked = at;
    dhcp_lease();
    advance(300);
    EXPECT(route_to("172.1.2.3", "10.0.0.7") && route_to("192.168.9.5", "192.168.9.5"));
    EXPECT(route_to("8.8.8.8", "10.0.0.8") && ifp->mtu == 1400);
    EXPECT(resolv_is("nameserver 10.0.0.3\nsearch a.test\n"));
    EXPECT(wait_for(is_server_wanted, 125));
    arp(2, our_mac, SERVER, LEASE, peer_mac);
    memcpy(more_options, bad, more_bytes = sizeof bad);
    dhcp_answer(dhcp_next(3), 5, LEASE);
    EXPECT(route_to("8.8.8.8", "10.0.0.1") && ifp->mtu == 1400);
    EXPECT(resolv_is("nameserver 10.0.0.3\n"));
}

static void dhcp_nak(void)
{
    start("");
    dhcp_answer(dhcp_next(1), 2, 0xffffffff);
    dhcp_answer(dhcp_next(3), 6, 0xffffffff);
    EXPECT(!has_address("10.0.0.100"));
    dhcp_lease();
    advance(300);
    EXPECT(has_address("10.0.0.100"));
    forget();
    EXPECT(wait_for(is_server_wanted, 125));
    arp(2, our_mac, SERVER, LEASE, peer_mac);
    dhcp_answer(dhcp_next(3), 6, LEASE);
    EXPECT(!has_address("10.0.0.100"));
    dhcp_next(1);
}

static void dhcp_taken(void)
{
    start("dhcp");
    dhcp_lease();
    arp(2, our_mac, LEASE, 0, peer_mac);
    dhcp_next(4);                       /* declined */
    EXPECT(!has_address("10.0.0.100"));
    advance(10500);
    dhcp_lease();
    advance(300);
    EXPECT(has_address("10.0.0.100"));
}

static void dhcp_silence(void)
{
    start("dhcp");
    advance(4000);
    EXPECT(!netctl_settled() && !*said);
    advance(2500);
    EXPECT(netctl_settled());
    EXPECT(told("eth0: no DHCP server has answered for 5 s; requests go on. -ip ADDR/LEN,gw=ADDR"));
    unsigned n = 0;
    while (next(is_dhcp))
        n++;
    EXPECT(n >= 2);
    advance(30000);
    EXPECT(!*said);
    while (next(is_dhcp))
        ;
    for (int i = 0; i < 100 && looked == nsent; i++)
        advance(1000);
    dhcp_lease();
    advance(300);
    EXPECT(told("eth0: its address is 10.0.0.100/24"));
}

static void dhcp_no_link(void)
{
    static struct netdev down;

    start("none");
    down = dev;
    down.name = "eth1";
    down.up = false;
    struct netif *i = netif_add(&down);
    netctl_start(i, "dhcp");
    EXPECT(!netctl_settled());
    forget();
    advance(7000);
    EXPECT(!next(is_dhcp) && told("eth1: no link: is its cable plugged in?"));
    netctl_link(i, true);
    EXPECT(next(is_dhcp));
}

/* ---- ip= -------------------------------------------------------------------------------- */

static void configs(void)
{
    static const struct { const char *text, *bad; } t[] = {
        {"", NULL}, {"dhcp", NULL}, {"none", NULL}, {"10.0.0.1/24", NULL}, {"dns=1.1.1.1", NULL},
        {"10.0.0.1/24,gw=10.0.0.2,dns=1.1.1.1,dns=fd00::1", NULL}, {"fd00::1/64,gw=fe80::1", NULL},
        {"10.0.0.1/24,fd00::1/64", NULL}, {"dhcp,fd00::1/64", NULL},
        {"10.0.0.1", "length"}, {"10.0.0.1/33", "length"}, {"10.0.0.1/0", "length"},
        {"10.0.0.1/24x", "length"}, {"10.0.0.256/24", "expected"}, {"10.0.0/24", "expected"},
        {"010.0.0.1/24", "expected"}, {"fd00::1/129", "length"}, {"fd00::g/64", "length"},
        {"hello", "expected"}, {"10.0.0.1/24,10.0.0.2/24", "two addresses"},
        {"gw=10.0.0.1", "without an address"}, {"10.0.0.1/24,gw=", "gw="},
        {"fd00::1/64,gw=10.0.0.1", "without an address"}, {"224.0.0.1/24", "no address of"},
        {"dhcp,10.0.0.1/24", "dhcp and"}, {"10.0.0.1/24,dns=x", "dns="},
        {"0.0.0.0/8", "no address"},
        {"dns=1.1.1.1,dns=1.1.1.2,dns=1.1.1.3,dns=1.1.1.4", "more than three"},
    };
    struct netctl_config c;
    char text[48];

    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        const char *bad = netctl_config_parse(t[i].text, &c);
        if (!bad != !t[i].bad || (bad && !strstr(bad, t[i].bad)))
            printf("FAIL ip=%s: %s\n", t[i].text, bad ? bad : "good"), failures++;
    }
    EXPECT(!netctl_config_parse("dhcp,fd00::1/64", &c) && c.dhcp && c.has6);
    EXPECT(!netctl_config_parse("none", &c) && !c.dhcp && !c.has4);
    EXPECT(!netctl_config_parse("10.0.0.1/24", &c) && !c.dhcp && c.prefix4 == 120);
    struct net_addr a = addr("fe80::FF:1");
    EXPECT(!strcmp(netctl_addr_print(&a, text), "fe80::ff:1"));
}

int main(void)
{
    run("addresses as text", configs);
    run("ARP: a neighbour is resolved", arp_resolves);
    run("ARP: answers", arp_answers);
    run("ARP: nobody answers", arp_nobody);
    run("ARP: a neighbour in use", arp_used);
    run("ARP: our address is another's", arp_conflict);
    run("DHCP: lease, renewal, end", dhcp_works);
    run("DHCP: domain, MTU, routes", dhcp_options);
    run("DHCP: nak", dhcp_nak);
    run("DHCP: the address is taken", dhcp_taken);
    run("DHCP: no answer", dhcp_silence);
    run("DHCP: no link", dhcp_no_link);
    return failures != 0;
}
