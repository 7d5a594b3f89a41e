/* tap.c - the stack of gort/net on a tap device, in real time, against the host's Linux.
 *
 *   tap IFNAME PEER-MAC LOSS MODE [BYTES]
 *
 * Addresses are 10.9.0.2 and fd09::2, the peer's end in 1. LOSS is in one of 10,000, each way.
 * Modes: `serve` echoes on port 7 and, on port 19, sends as many bytes as the client asks for
 * (eight bytes, big-endian), for ever; `connect` sends BYTES to port 7 of 10.9.0.1 and checks the
 * echo, `connect6` to fd09::1. The device has offloads (vnet_hdr): frames up to 64 KiB both ways,
 * sums left open. */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "gort/net/net.h"
#include "gort/net/platform.h"

static unsigned held_locks;
unsigned net_cpu(void) { return 0; }

int64_t net_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

#define FAKE_NET_THREADS
#include "gort/net/private.h"
#include "tests/host/fake_net.h"

void lock_init(struct lock *l, const char *name, enum lock_rank rank)
{
    *l = (struct lock){0, rank, name};
}
void lock(struct lock *l) { CHECK(!l->held, "%s", l->name); l->held = 1; held_locks++; }
void unlock(struct lock *l) { l->held = 0; held_locks--; }

/* ---- the device -------------------------------------------------------------------------- */

static int tap;
static unsigned loss;
static struct netdev dev;
static struct netif *ifp;

static void fill_header(struct virtio_net_hdr *h, const struct pkt *p)
{
    if (p->flags & PKT_CSUM_PARTIAL) {
        h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h->csum_start = p->csum_start;
        h->csum_offset = p->csum_offset;
    }
    if (p->gso_type) {
        h->gso_type = p->gso_type == PKT_GSO_TCP4 ? VIRTIO_NET_HDR_GSO_TCPV4 :
                                                    VIRTIO_NET_HDR_GSO_TCPV6;
        h->gso_size = p->gso_size;
        h->hdr_len = p->gso_hdr_len;
    }
}

static struct pkt *transmit(struct netdev *d, unsigned queue, struct pkt *list)
{
    static uint8_t b[70000];

    (void)d;
    (void)queue;
    for (struct pkt *p = list; p; p = p->link) {
        struct virtio_net_hdr h = {0};
        size_t n = pkt_length(p);
        fill_header(&h, p);
        memcpy(b, &h, sizeof h);
        pkt_copy_out(p, 0, b + sizeof h, n);
        if (!loss || rnd(10000) >= loss)
            if (write(tap, b, n + sizeof h) < 0 && errno != EAGAIN)
                perror("write to the tap");
    }
    pkt_free_list(list);
    return NULL;
}

static struct pkt *pieces_of(const uint8_t *b, size_t n)
{
    struct pkt *first = NULL, **end = &first;

    while (n) {
        struct pkt *p = pkt_alloc(n > PKT_SMALL_ROOM ? PKT_LARGE : PKT_SMALL);
        p->len = (uint32_t)(n < PKT_LARGE_ROOM ? n : PKT_LARGE_ROOM);
        memcpy(p->data, b, p->len);
        b += p->len;
        n -= p->len;
        *end = p;
        end = &p->next;
    }
    return first;
}

static bool receive(void)
{
    static uint8_t b[70000];
    struct virtio_net_hdr h;
    struct pkt *list = NULL, **end = &list;

    for (int i = 0; i < 64; i++) {
        ssize_t n = read(tap, b, sizeof b);
        if (n <= (ssize_t)sizeof h)
            break;
        if (loss && rnd(10000) < loss)
            continue;
        memcpy(&h, b, sizeof h);
        struct pkt *p = pieces_of(b + sizeof h, (size_t)n - sizeof h);
        if (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
            p->flags = PKT_CSUM_PARTIAL;
        p->csum_start = h.csum_start;
        p->csum_offset = h.csum_offset;
        *end = p;
        end = &p->link;
    }
    if (list)
        net_input(NULL, &dev, 0, list);
    return list != NULL;
}

static void open_tap(const char *name)
{
    struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

    tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    strncpy(r.ifr_name, name, IFNAMSIZ - 1);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &r) ||
        ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)) {
        perror("/dev/net/tun");
        exit(2);
    }
}

/* Waits for a frame or the next timer, at most 50 ms. */
static void turn(void)
{
    struct pollfd p = {.fd = tap, .events = POLLIN};
    int64_t wait = net_timers_next(0) - net_now_ns();

    if (receive())
        wait = 0;
    net_timers_run(0);
    poll(&p, 1, wait <= 0 ? 0 : wait > 50000000 ? 50 : (int)(wait / 1000000));
}

/* ---- a control plane of one neighbour ------------------------------------------------------- */

static void control_drop(struct netif *i, struct pkt *p) { (void)i; pkt_free(p); }
static void control_resolve(struct netif *i, const struct net_addr *a, struct pkt *p)
{
    (void)i;
    (void)a;
    pkt_free(p);
}
static void control_reach(struct netif *i, const struct net_addr *a) { (void)i; (void)a; }
static const struct net_control control = {control_drop, control_resolve, control_drop,
                                           control_reach};

static struct net_addr addr(int host, bool v6)
{
    const uint8_t b4[4] = {10, 9, 0, (uint8_t)host};
    struct net_addr a = {.b = {0xfd, 9, [15] = (uint8_t)host}};

    return v6 ? a : addr_v4(b4);
}

static void setup(const uint8_t mac[6])
{
    dev = (struct netdev){.name = "tap", .mac = {2, 0, 0, 0, 9, 2}, .mtu = 1500, .nqueues = 1,
                          .features = NETDEV_TSO4 | NETDEV_TSO6 | NETDEV_TX_CSUM, .up = true};
    static const struct netdev_ops ops = {.transmit = transmit};
    dev.ops = &ops;
    net_control_set(&control);
    net_init();
    ifp = netif_add(&dev);
    for (int v6 = 0; v6 < 2; v6++) {
        struct net_addr own = addr(2, v6), peer = addr(1, v6);
        struct net_route r = {.dst = peer, .prefix = 128, .ifindex = ifp->index};
        netif_addr_set(ifp, &own, v6 ? 64 : 120, false);
        net_route_add(&r);
        net_neighbour_set(ifp->index, &peer, mac);
    }
}

/* ---- serving ----------------------------------------------------------------------------- */

enum { CONNS = 256 };

static struct served {
    struct tcp_conn *c;
    bool source;
    uint8_t buf[65536];
    long have, at;
    uint64_t left, sent;
    bool asked;
} served[CONNS];

static void woken(void *arg, unsigned ev) { (void)arg; (void)ev; }

static struct tcp_conn *listen_on(bool v6, uint16_t port)
{
    struct tcp_conn *l = tcp_new(!v6, woken, NULL);
    struct net_addr a = {0};

    if (v6)
        tcp_set(l, TCP_OPT_V6ONLY, 1);
    else
        a = addr_v4((const uint8_t[4]){0});
    CHECK(!tcp_bind(l, &a, port, 0) && !tcp_listen(l, 128), "listen");
    return l;
}

static void take_new(struct tcp_conn *l, bool source)
{
    int err;

    for (unsigned i = 0; i < CONNS; i++) {
        if (served[i].c)
            continue;
        struct tcp_conn *c = tcp_accept(l, &err);
        if (!c)
            return;
        memset(&served[i], 0, sizeof served[i]);
        served[i].c = c;
        served[i].source = source;
        tcp_attach(c, woken, NULL);
    }
}

/* True: the connection has ended. */
static bool echo(struct served *s)
{
    for (;;) {
        if (s->at == s->have) {
            s->at = 0;
            s->have = tcp_recv(s->c, s->buf, sizeof s->buf, 0);
            if (s->have <= 0) {
                bool over = s->have != -EAGAIN;
                s->have = 0;
                return over;
            }
        }
        long n = tcp_send(s->c, s->buf + s->at, (size_t)(s->have - s->at), 0);
        if (n < 0)
            return n != -EAGAIN;
        s->at += n;
    }
}

static bool source(struct served *s)
{
    if (!s->asked) {
        long n = tcp_recv(s->c, s->buf, 8, 0);
        if (n != 8)
            return n != -EAGAIN;
        s->asked = true;
        s->left = (uint64_t)get32(s->buf) << 32 | get32(s->buf + 4);
    }
    while (s->left) {
        size_t n = s->left < sizeof s->buf ? s->left : sizeof s->buf;
        for (size_t i = 0; i < n; i++)
            s->buf[i] = (uint8_t)((s->sent + i) % 251);
        long r = tcp_send(s->c, s->buf, n, 0);
        if (r < 0)
            return r != -EAGAIN;
        s->left -= (uint64_t)r;
        s->sent += (uint64_t)r;
    }
    return true;
}

static void serve(void)
{
    struct tcp_conn *l[4];

    for (int i = 0; i < 4; i++)
        l[i] = listen_on(i & 1, i & 2 ? 19 : 7);
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        turn();
        for (int i = 0; i < 4; i++)
            take_new(l[i], i & 2);
        for (unsigned i = 0; i < CONNS; i++)
            if (served[i].c && (served[i].source ? source : echo)(&served[i])) {
                tcp_close(served[i].c);
                served[i].c = NULL;
            }
    }
}

/* ---- calling ----------------------------------------------------------------------------- */

static int call(bool v6, uint64_t total)
{
    struct tcp_conn *c = tcp_new(!v6, woken, NULL);
    struct net_addr to = addr(1, v6);
    static uint8_t out[65536], in[65536];
    uint64_t sent = 0, got = 0, wrong = 0;
    struct tcp_info ti;

    if (tcp_connect(c, &to, 7) != -EINPROGRESS)
        return 1;
    while (got < total) {
        turn();
        for (long r = 1; sent < total && r > 0;) {
            size_t n = total - sent < sizeof out ? total - sent : sizeof out;
            for (size_t i = 0; i < n; i++)
                out[i] = (uint8_t)((sent + i) % 251);
            r = tcp_send(c, out, n, 0);
            if (r > 0)
                sent += (uint64_t)r;
            else if (r != -EAGAIN)
                return (int)-r;
        }
        for (long r; (r = tcp_recv(c, in, sizeof in, 0)) > 0; got += (uint64_t)r)
            for (long i = 0; i < r; i++)
                wrong += in[i] != (got + (uint64_t)i) % 251;
    }
    tcp_info(c, &ti);
    printf("%lu bytes, %lu wrong, %lu retransmissions, rtt %u us\n", got, wrong, ti.total_retrans,
           ti.rtt_us);
    tcp_close(c);
    for (int i = 0; i < 100; i++)
        turn();
    return wrong != 0;
}

int main(int argc, char **argv)
{
    unsigned m[6];
    uint8_t mac[6];

    if (argc < 5 || sscanf(argv[2], "%x:%x:%x:%x:%x:%x", m, m + 1, m + 2, m + 3, m + 4, m + 5) != 6)
        return 2;
    for (int i = 0; i < 6; i++)
        mac[i] = (uint8_t)m[i];
    loss = (unsigned)atoi(argv[3]);
    rnd_state = (uint64_t)getpid();
    open_tap(argv[1]);
    setup(mac);
    if (!strcmp(argv[4], "serve"))
        serve();
    return call(!strcmp(argv[4], "connect6"), argc > 5 ? strtoull(argv[5], NULL, 0) : 1000000);
}
