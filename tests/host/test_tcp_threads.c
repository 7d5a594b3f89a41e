// sources: gort/net/netif.c gort/net/path.c gort/net/pmtu.c gort/net/ip_in.c gort/net/ip_out.c
// sources: gort/net/icmp.c gort/net/udp.c gort/net/udp_in.c gort/net/wheel.c drivers/pkt_bytes.c
// sources: gort/net/tcp_ack.c gort/net/tcp_conn.c gort/net/tcp_cookie.c gort/net/tcp_cubic.c
// sources: gort/net/tcp_data.c gort/net/tcp_hash.c gort/net/tcp_in.c gort/net/tcp_io.c
// sources: gort/net/tcp_isn.c gort/net/tcp_listen.c gort/net/tcp_loss.c gort/net/tcp_opt.c
// sources: gort/net/tcp_opts.c gort/net/tcp_out.c gort/net/tcp_port.c gort/net/tcp_req.c
// sources: gort/net/tcp_sack.c gort/net/tcp_seg.c gort/net/tcp_sock.c gort/net/tcp_state.c
// sources: gort/net/tcp_timer.c gort/net/tcp_tw.c gort/net/tcp_xmit.c
// flags: -Wno-unused-function -Wno-unused-variable -DFAKE_NET_THREADS -pthread
/* TCP on four threads that stand for CPUs: any of them may receive any segment, run timers and
 * call for any socket. Connections open, carry a pattern both ways, and are closed or aborted at
 * any moment; locks keep their order, everything arrives, and all memory is back at the end. */
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>
#include "gort/net/net.h"
#include "gort/net/platform.h"

enum { CPUS = 4, CONNS = 24, ROUNDS = 400 };

static __thread unsigned me_cpu;
static __thread const struct lock *my_held[16];
static __thread unsigned my_nheld;

unsigned net_cpu(void) { return me_cpu; }

int64_t net_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

#include "gort/net/private.h"
#include "fake_net.h"

void lock_init(struct lock *l, const char *name, enum lock_rank rank)
{
    *l = (struct lock){0, rank, name};
}

void lock(struct lock *l)
{
    CHECK(!my_nheld || my_held[my_nheld - 1]->rank < l->rank, "%s under %s", l->name,
          my_held[my_nheld - 1]->name);
    for (uint32_t free = 0; !__atomic_compare_exchange_n(&l->held, &free, me_cpu + 1, false,
                                                         __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
         free = 0)
        sched_yield();
    my_held[my_nheld++] = l;
}

void unlock(struct lock *l)
{
    CHECK(my_nheld, "%s is not held", l->name);
    for (unsigned i = 0; i < my_nheld; i++)
        if (my_held[i] == l)
            memmove(&my_held[i], &my_held[i + 1], (--my_nheld - i) * sizeof my_held[0]);
    __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

/* ---- the wire: frames wait in the inbox of some CPU ------------------------------------- */

static struct netdev devs[2];
static struct netif *ifs[2];
static struct inbox {
    pthread_mutex_t mutex;
    struct pkt *head, **tail;
} inbox[CPUS];

static __thread uint64_t seed;
static uint64_t any(uint64_t n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (seed >> 33) % n;
}

static struct pkt *transmit(struct netdev *d, unsigned queue, struct pkt *list)
{
    (void)queue;
    for (struct pkt *p = list, *link; p; p = link) {
        link = p->link;
        struct pkt *f = any(200) ? pkt_alloc(PKT_LARGE) : NULL;     /* one in 200 is lost */
        size_t n = pkt_length(p);
        if (f) {
            pkt_copy_out(p, 0, f->data, n);
            f->len = (uint32_t)n;
            f->flags = PKT_CSUM_OK;
            f->queue = (uint32_t)(1 - (d - devs));
            struct inbox *in = &inbox[any(CPUS)];
            pthread_mutex_lock(&in->mutex);
            *in->tail = f;
            in->tail = &f->link;
            pthread_mutex_unlock(&in->mutex);
        }
        pkt_free(p);
    }
    return NULL;
}

static const struct netdev_ops ops = {.transmit = transmit};

static bool poll_wire(void)
{
    struct inbox *in = &inbox[me_cpu];
    struct pkt *list;

    pthread_mutex_lock(&in->mutex);
    list = in->head;
    in->head = NULL;
    in->tail = &in->head;
    pthread_mutex_unlock(&in->mutex);
    bool some = list != NULL;
    while (list) {
        struct pkt *p = list;
        list = p->link;
        p->link = NULL;
        net_input(NULL, &devs[p->queue], 0, p);
    }
    net_timers_run(me_cpu);
    return some;
}

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

static struct net_addr addr_of(int end)
{
    const uint8_t b[4] = {10, 0, 0, (uint8_t)(end + 1)};

    return addr_v4(b);
}

static void setup(void)
{
    net_control_set(&control);
    net_init();
    for (int i = 0; i < 2; i++) {
        devs[i] = (struct netdev){.name = "eth", .mtu = 9000, .nqueues = 1, .ops = &ops};
        ifs[i] = netif_add(&devs[i]);
    }
    for (int i = 0; i < 2; i++) {
        struct net_addr own = addr_of(i), peer = addr_of(!i);
        struct net_route r = {.dst = peer, .prefix = 128, .ifindex = ifs[i]->index};
        netif_addr_set(ifs[i], &own, 120, false);
        net_route_add(&r);
        net_neighbour_set(ifs[i]->index, &peer, devs[!i].mac);
    }
    for (int i = 0; i < CPUS; i++) {
        pthread_mutex_init(&inbox[i].mutex, NULL);
        inbox[i].tail = &inbox[i].head;
    }
}

/* ---- the load: an echo server that every CPU serves, and clients ------------------------ */

static struct tcp_conn *listen_conn;
static struct served {
    pthread_mutex_t mutex;
    struct tcp_conn *c;
} served[CONNS * 2];
static uint32_t done, echoed, aborted, refused, wrong;
static bool stop;
static uint32_t wakes;

static void woken(void *arg, unsigned ev)
{
    (void)arg;
    (void)ev;
    __atomic_fetch_add(&wakes, 1, __ATOMIC_RELAXED);
}

/* Serves the connection whose turn it is, on any CPU. */
static void serve(void)
{
    struct served *s = &served[any(CONNS * 2)];
    uint8_t buf[3000];
    int err;

    if (pthread_mutex_trylock(&s->mutex))
        return;
    if (!s->c) {
        s->c = tcp_accept(listen_conn, &err);
        if (s->c)
            tcp_attach(s->c, woken, NULL);
    }
    if (s->c && tcp_poll(s->c) & NET_OUT) {
        long n = tcp_recv(s->c, buf, 1 + any(sizeof buf), 0);
        for (long at = 0; n > 0 && at < n;) {
            long r = tcp_send(s->c, buf + at, (size_t)(n - at), 0);
            if (r == -EAGAIN) {
                poll_wire();
                continue;
            }
            if (r < 0)
                break;
            at += r;
        }
        if (n == 0 || (n < 0 && n != -EAGAIN) || !any(3000)) {
            (any(8) ? tcp_close : tcp_abort)(s->c);
            s->c = NULL;
        }
    }
    pthread_mutex_unlock(&s->mutex);
}

struct client {
    struct tcp_conn *c;
    uint32_t sent, got, total;
};

static uint8_t byte_at(uint32_t i) { return (uint8_t)(i * 37 + (i >> 8)); }

static void client_end(struct client *k, uint32_t *counter)
{
    (any(4) ? tcp_close : tcp_abort)(k->c);
    k->c = NULL;
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
}

static void client_step(struct client *k)
{
    struct net_addr to = addr_of(1);
    uint8_t buf[2000];

    if (!k->c) {
        *k = (struct client){.c = tcp_new(true, woken, NULL), .total = 1 + (uint32_t)any(20000)};
        if (tcp_connect(k->c, &to, 80) != -EINPROGRESS)
            client_end(k, &refused);
        return;
    }
    uint32_t n = 1 + (uint32_t)any(sizeof buf);
    if (n > k->total - k->sent)
        n = k->total - k->sent;
    for (uint32_t i = 0; i < n; i++)
        buf[i] = byte_at(k->sent + i);
    long r = n ? tcp_send(k->c, buf, n, 0) : 0;
    if (r > 0)
        k->sent += (uint32_t)r;
    long g = tcp_recv(k->c, buf, sizeof buf, 0);
    for (long i = 0; i < g; i++)
        if (buf[i] != byte_at(k->got + (uint32_t)i))
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    if (g > 0)
        k->got += (uint32_t)g;
    if (k->got == k->total)
        client_end(k, &echoed);
    else if ((r < 0 && r != -EAGAIN) || g == 0 || (g < 0 && g != -EAGAIN) || !any(5000))
        client_end(k, &aborted);
}

static void *cpu(void *arg)
{
    struct client clients[CONNS / CPUS] = {0};

    me_cpu = (unsigned)(uintptr_t)arg;
    seed = me_cpu * 77777 + 1;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        bool some = poll_wire();
        serve();
        client_step(&clients[any(CONNS / CPUS)]);
        if (!some)
            sched_yield();
    }
    for (unsigned i = 0; i < CONNS / CPUS; i++)
        if (clients[i].c)
            tcp_abort(clients[i].c);
    return NULL;
}

int main(void)
{
    pthread_t t[CPUS];
    struct net_addr at = addr_of(1);
    int64_t until;

    me_cpu = CPUS;
    setup();
    listen_conn = tcp_new(true, woken, NULL);
    EXPECT(tcp_bind(listen_conn, &at, 80, 0) == 0 && tcp_listen(listen_conn, 8) == 0);
    for (unsigned i = 0; i < CONNS * 2; i++)
        pthread_mutex_init(&served[i].mutex, NULL);
    until = net_now_ns() + 240000000000ll;
    for (uintptr_t i = 0; i < CPUS; i++)
        pthread_create(&t[i], NULL, cpu, (void *)i);
    while (__atomic_load_n(&done, __ATOMIC_RELAXED) < ROUNDS && net_now_ns() < until)
        usleep(10000);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < CPUS; i++)
        pthread_join(t[i], NULL);
    printf("%u done: %u echoed, %u aborted, %u refused\n", done, echoed, aborted, refused);
    check(done >= ROUNDS && echoed > ROUNDS / 4 && !wrong, "connections on four CPUs");
    for (unsigned i = 0; i < CONNS * 2; i++)
        if (served[i].c)
            tcp_abort(served[i].c);
    tcp_abort(listen_conn);
    return failures != 0;
}
