/* fake_lan.h - one interface of the stack with lwIP behind it, and a link on which the test plays
 * all other hosts: it reads the frames that are sent, writes those that arrive, and answers as a
 * DHCP server. */
#include "gort/net/ip.h"
#include "gort/net/udp.h"
#include "gort/netctl/netctl.h"
#include "fake_net.h"

/* ---- what the stack needs --------------------------------------------------------------- */

void tcp_init(void) {}
void tcp_round_end(void) {}
static unsigned tcp_packets;
void tcp_input(const struct ip_rx *ip, struct pkt *pkt) { (void)ip; tcp_packets++; pkt_free(pkt); }
static enum icmp_error tcp_error;
static unsigned tcp_errors;
void tcp_icmp(const struct net_addr *l, const struct net_addr *r, uint16_t lp, uint16_t rp,
              uint32_t seq, enum icmp_error e, uint32_t mtu)
{
    (void)l; (void)r; (void)lp; (void)rp; (void)seq; (void)mtu;
    tcp_errors++;
    tcp_error = e;
}

static char said[4096];
void kprintf(const char *fmt, ...)
{
    va_list ap;
    size_t n = strlen(said);

    va_start(ap, fmt);
    vsnprintf(said + n, sizeof said - n, fmt, ap);
    va_end(ap);
}
void boot_log(const char *fmt, ...) { (void)fmt; }
static bool told(const char *words)
{
    bool yes = strstr(said, words) != NULL;

    if (!yes)
        printf("said: %s\n", said);
    said[0] = 0;
    return yes;
}

static long blocks;                 /* of lwIP's heap */
static long blocks_fail;            /* one in so many fails */
void *netctl_test_malloc(size_t n)
{
    if (blocks_fail && !rnd((uint64_t)blocks_fail))
        return NULL;
    blocks++;
    return malloc(n);
}
void *netctl_test_calloc(size_t n, size_t size) { blocks++; return calloc(n, size); }
void netctl_test_free(void *p) { blocks -= p != NULL; free(p); }

/* ---- the wire --------------------------------------------------------------------------- */

enum { FRAME = 2048, FRAMES = 512 };
static struct frame { size_t n; uint8_t b[FRAME]; } sent[FRAMES];
static unsigned nsent, looked;
static struct netdev dev;
static struct netif *ifp;
static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 9};
static const uint8_t all_mac[6] = {255, 255, 255, 255, 255, 255};

static struct pkt *dev_transmit(struct netdev *d, unsigned queue, struct pkt *list)
{
    (void)d, (void)queue;
    for (struct pkt *p = list, *link; p; p = link) {
        link = p->link;
        CHECK(!pkt_shared(p) && pkt_room_front(p) >= PKT_DEV_ROOM, "a first piece as drivers want");
        if (p->flags & PKT_CSUM_PARTIAL)
            CHECK(pkt_csum_complete(p), "offsets of a sum");
        struct frame *f = &sent[nsent++ % FRAMES];
        f->n = pkt_length(p);
        CHECK(f->n <= 1514 && pkt_copy_out(p, 0, f->b, f->n), "a frame of %zu bytes", f->n);
        pkt_free(p);
    }
    return NULL;
}
static const struct netdev_ops dev_ops = {.transmit = dev_transmit};

static void in(const uint8_t *b, size_t n)
{
    struct pkt *p = pkt_alloc(PKT_SMALL);

    if (!p)
        return;
    memcpy(p->data, b, n);
    p->len = (uint32_t)n;
    net_input(NULL, &dev, 0, p);
    no_locks();
}

static void advance(int64_t ms)
{
    int64_t until = vnow + ms * 1000000;

    while (net_timers_next(0) <= until) {
        if (net_timers_next(0) > vnow)
            vnow = net_timers_next(0);
        net_timers_run(0);
        no_locks();
    }
    vnow = until;
}

/* The next frame that was sent and for which match is true; NULL: there is none. */
static const struct frame *next(bool (*match)(const struct frame *f))
{
    while (looked < nsent) {
        const struct frame *f = &sent[looked++ % FRAMES];
        if (match(f))
            return f;
    }
    return NULL;
}
static void forget(void) { looked = nsent; }
/* Advances time until such a frame is sent, by at most `s` seconds. */
static const struct frame *wait_for(bool (*match)(const struct frame *f), int s)
{
    const struct frame *f;

    while (!(f = next(match)) && s--)
        advance(1000);
    return f;
}

static bool is_arp(const struct frame *f) { return get16(f->b + 12) == 0x806; }
static bool is_arp_request(const struct frame *f) { return is_arp(f) && get16(f->b + 20) == 1; }
static bool is_arp_reply(const struct frame *f) { return is_arp(f) && get16(f->b + 20) == 2; }
static bool is_v4(const struct frame *f, uint8_t proto)
{
    return get16(f->b + 12) == ETH_IPV4 && f->b[23] == proto;
}
static bool is_v6(const struct frame *f, uint8_t proto)
{
    return get16(f->b + 12) == ETH_IPV6 && f->b[20] == proto;
}
static bool is_udp4(const struct frame *f) { return is_v4(f, 17); }
static bool is_udp6(const struct frame *f) { return is_v6(f, 17); }
static bool is_icmp4(const struct frame *f) { return is_v4(f, 1); }
static bool is_icmp6(const struct frame *f) { return is_v6(f, 58); }
static bool is_igmp(const struct frame *f) { return is_v4(f, 2); }
static bool is_dhcp(const struct frame *f) { return is_udp4(f) && get16(f->b + 36) == 67; }
static bool is_ns(const struct frame *f) { return is_icmp6(f) && f->b[54] == 135; }
static bool is_na(const struct frame *f) { return is_icmp6(f) && f->b[54] == 136; }
static bool is_rs(const struct frame *f) { return is_icmp6(f) && f->b[54] == 133; }
static bool is_mld(const struct frame *f) { return is_v6(f, 0) && f->b[62] == 131; }
static bool is_fragment6(const struct frame *f) { return is_v6(f, 44); }

static struct net_addr v4(uint32_t n)
{
    uint8_t b[4];

    put32(b, n);
    return addr_v4(b);
}
static struct net_addr addr(const char *s)
{
    struct net_addr a;
    const char *end;

    CHECK(netctl_addr_parse(s, &end, &a) && !*end, "%s", s);
    return a;
}

/* ---- frames ----------------------------------------------------------------------------- */

static uint8_t out[FRAME];

static void link_header(const uint8_t *to, uint16_t type)
{
    memcpy(out, to, 6);
    memcpy(out + 6, peer_mac, 6);
    put16(out + 12, type);
}

static void arp(uint16_t op, const uint8_t *to, uint32_t sender, uint32_t target,
                const uint8_t *mac)
{
    static const uint8_t start[6] = {0, 1, 8, 0, 6, 4};

    link_header(to, 0x806);
    memcpy(out + 6, mac, 6);
    memcpy(out + 14, start, 6);
    put16(out + 20, op);
    memcpy(out + 22, mac, 6);
    put32(out + 28, sender);
    memcpy(out + 32, op == 2 ? our_mac : (const uint8_t[6]){0}, 6);
    put32(out + 38, target);
    in(out, 42);
}

static uint16_t sum_of(const uint8_t *p, size_t n, uint32_t sum)
{
    struct pkt whole = {.data = (uint8_t *)p, .len = (uint32_t)n};

    sum += pkt_sum(&whole, 0, n);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~((sum & 0xffff) + (sum >> 16));
}

/* Sends an IPv4 packet whose payload of n bytes is at out + 34; frag: the field of flags and
 * offset. */
static void ip4(const uint8_t *mac, uint8_t proto, uint32_t src, uint32_t dst, size_t n,
                uint16_t id, uint16_t frag)
{
    uint8_t *h = out + 14;

    link_header(mac, ETH_IPV4);
    memset(h, 0, 20);
    h[0] = 0x45;
    put16(h + 2, (uint16_t)(20 + n));
    put16(h + 4, id);
    put16(h + 6, frag);
    h[8] = 64;
    h[9] = proto;
    put32(h + 12, src);
    put32(h + 16, dst);
    put16(h + 10, sum_of(h, 20, 0));
    in(out, 34 + n);
}

/* Sends an IPv6 packet whose payload of n bytes is at out + 54. */
static void ip6(uint8_t nh, const struct net_addr *src, const struct net_addr *dst, size_t n)
{
    uint8_t *h = out + 14;

    link_header(our_mac, ETH_IPV6);
    if (dst->b[0] == 0xff) {
        out[0] = out[1] = 0x33;
        memcpy(out + 2, dst->b + 12, 4);
    }
    memset(h, 0, 40);
    h[0] = 0x60;
    put16(h + 4, (uint16_t)n);
    h[6] = nh;
    h[7] = 255;
    memcpy(h + 8, src->b, 16);
    memcpy(h + 24, dst->b, 16);
    in(out, 54 + n);
}

static void icmp6(const struct net_addr *src, const struct net_addr *dst, size_t n)
{
    put16(out + 56, 0);
    put16(out + 56, sum_of(out + 54, n, ip_pseudo_sum(src, dst, 58, (uint32_t)n)));
    ip6(58, src, dst, n);
}

/* ---- a host ----------------------------------------------------------------------------- */

static void start(const char *config)
{
    static unsigned n;
    char name[16];

    snprintf(name, sizeof name, "eth%u", n++);
    if (n == 1) {
        net_init();
        netctl_init();
    }
    dev = (struct netdev){.name = strdup(name), .mtu = 1500, .mac = {2, 0, 0, 0, 0, 1},
                          .nqueues = 1, .up = true, .ops = &dev_ops};
    ifp = netif_add(&dev);
    CHECK(ifp, "an interface");
    said[0] = 0;
    forget();
    netctl_start(ifp, config);
}

/* Each test is a process of its own, because lwIP has global state and cannot be shut down. */
#include <sys/wait.h>
#include <unistd.h>
static void run(const char *name, void (*fn)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    int status = 1;

    if (!pid) {
        failures = 0;
        fn();
        fflush(stdout);
        _exit(failures != 0);
    }
    waitpid(pid, &status, 0);
    check(status == 0, name);
}

static unsigned woken;
static void wake(void *arg, unsigned ev) { (void)arg; woken |= ev; }
static struct udp_sock *sock_to(const char *to, uint16_t port)
{
    struct net_addr a = addr(to);
    struct udp_sock *s = udp_new(addr_is_v4(&a), wake, NULL);
    int err = udp_connect(s, &a, port);

    if (err)
        printf("FAIL connect to %s: %d\n", to, err), failures++;
    return s;
}

static bool has_address(const char *a)
{
    struct net_addr x = addr(a);

    return netif_has(ifp, &x);
}
static bool route_to(const char *dst, const char *next_hop)
{
    struct net_addr d = addr(dst), any = {0}, hop = addr(next_hop);
    struct net_path p;

    if (addr_is_v4(&d))
        any = v4(0);
    int err = net_path_find(&p, &d, &any, 0);
    return !err && addr_equal(&p.next_hop, &hop);
}
static bool resolv_is(const char *want)
{
    char text[NETCTL_TEXT];

    netctl_resolv_conf(text, sizeof text);
    if (strcmp(text, want))
        printf("resolv.conf: %s\n", text);
    return !strcmp(text, want);
}

/* Sends a TCP packet, so that ICMP errors about it reach tcp_icmp. */
static void send_tcp(const char *to)
{
    struct net_addr dst = addr(to), any = {0};
    struct net_path path;

    if (addr_is_v4(&dst))
        any = v4(0);
    CHECK(net_path_find(&path, &dst, &any, 0) == 0, "a route to %s", to);
    struct pkt *p = pkt_alloc(PKT_SMALL);
    memset(p->data, 0, 20);
    p->len = 20;
    struct ip_tx t = {.path = &path, .src = &path.source, .dst = &dst, .proto = 6, .ttl = 64};
    ip_output(&t, p, 20);
}

enum { US = 0x0a00000f, PEER = 0x0a000002 };
#define STATIC "10.0.0.15/24,gw=10.0.0.2,dns=10.0.0.3"

/* ---- DHCP ------------------------------------------------------------------------------- */

enum { SERVER = 0x0a000001, LEASE = 0x0a000064 };

static uint8_t dhcp_type(const struct frame *f)
{
    const uint8_t *o = f->b + 42 + 240, *end = f->b + f->n;

    for (; o + 2 < end && *o != 255; o += o[0] ? 2 + o[1] : 1)
        if (*o == 53)
            return o[2];
    return 0;
}

static uint8_t *option(uint8_t *o, uint8_t kind, uint32_t v)
{
    o[0] = kind;
    o[1] = 4;
    put32(o + 2, v);
    return o + 6;
}

static uint8_t more_options[64];        /* of offers and acks */
static size_t more_bytes;

/* Answers the DHCP message in f: 2 offer, 5 ack, 6 nak. */
static void dhcp_answer(const struct frame *f, uint8_t type, uint32_t dst)
{
    uint8_t *m = out + 42, *o = m + 240;
    size_t n;

    memset(m, 0, 300);
    m[0] = 2;
    m[1] = 1;
    m[2] = 6;
    memcpy(m + 4, f->b + 46, 4);        /* xid */
    put32(m + 16, type == 6 ? 0 : LEASE);
    memcpy(m + 28, our_mac, 6);
    put32(m + 236, 0x63825363);
    o[0] = 53;
    o[1] = 1;
    o[2] = type;
    o = option(o + 3, 54, SERVER);
    if (type != 6) {
        o = option(o, 1, 0xffffff00);
        o = option(o, 3, SERVER);
        o = option(o, 6, 0x0a000003);
        o = option(o, 51, 240);         /* seconds */
        memcpy(o, more_options, more_bytes);
        o += more_bytes;
    }
    *o++ = 255;
    n = (size_t)(o - m) < 300 ? 300 : (size_t)(o - m);
    put16(out + 34, 67);
    put16(out + 36, 68);
    put16(out + 38, (uint16_t)(n + 8));
    put16(out + 40, 0);                 /* no sum */
    ip4(dst == 0xffffffff ? all_mac : our_mac, 17, SERVER, dst, n + 8, 1, 0);
}

static bool is_server_wanted(const struct frame *f)
{
    return is_arp_request(f) && get32(f->b + 38) == SERVER;
}

static const struct frame *dhcp_next(uint8_t type)
{
    const struct frame *f = next(is_dhcp);

    if (!f || dhcp_type(f) != type)
        printf("FAIL DHCP message %d, not %d\n", f ? dhcp_type(f) : 0, type), failures++;
    return f ? f : &sent[0];
}

static void dhcp_lease(void)
{
    dhcp_answer(dhcp_next(1), 2, 0xffffffff);
    dhcp_answer(dhcp_next(3), 5, 0xffffffff);
}
