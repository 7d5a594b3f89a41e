/* fake_tcp.h - connections over fake_wire.h: pairs, transfers with a checked pattern, the end. */
#include "gort/net/private.h"
#include "fake_wire.h"

struct app {
    struct tcp_conn *c;
    unsigned events;            /* all that wake was called with */
};

static void app_wake(void *arg, unsigned ev) { ((struct app *)arg)->events |= ev; }

static struct tcp_conn *listener(int end, bool v6, uint16_t port, unsigned backlog, struct app *a)
{
    struct net_addr at = host_addr(end, v6);

    a->c = tcp_new(!v6, app_wake, a);
    EXPECT(tcp_set(a->c, TCP_OPT_REUSEADDR, 1) == 0);
    EXPECT(tcp_bind(a->c, &at, port, 0) == 0);
    EXPECT(tcp_listen(a->c, backlog) == 0);
    return a->c;
}

/* Connects a pair of ends in virtual time. False: they were not connected within `ms`. */
static bool pair_up(bool v6, struct app *a, struct app *b, struct app *l, int64_t ms)
{
    struct net_addr to = host_addr(1, v6);
    int64_t until = vnow + ms * 1000000;
    int err = 0;

    *a = *b = (struct app){0};
    a->c = tcp_new(!v6, app_wake, a);
    EXPECT(tcp_connect(a->c, &to, 80) == -EINPROGRESS);
    while (!(b->c = tcp_accept(l->c, &err)) && step(until))
        ;
    while (!(a->events & (NET_OUT | NET_ERR)) && step(until))
        ;
    if (!b->c)
        return false;
    tcp_attach(b->c, app_wake, b);
    return true;
}

static uint8_t pattern(uint64_t i) { return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16)); }

struct flow {
    struct tcp_conn *from, *to;
    uint64_t total, sent, got;
    bool closed, ended, wrong;
    long error;
    uint64_t max_write, max_read;
};

static void pump_out(struct flow *f)
{
    static uint8_t buf[200000];

    while (f->sent < f->total) {
        uint64_t n = f->total - f->sent;
        n = n > f->max_write ? 1 + rnd(f->max_write) : n;
        for (uint64_t i = 0; i < n; i++)
            buf[i] = pattern(f->sent + i);
        long r = tcp_send(f->from, buf, n, 0);
        if (r == -EAGAIN)
            return;
        if (r < 0) {
            f->error = r;
            f->sent = f->total;
            return;
        }
        f->sent += (uint64_t)r;
    }
    if (!f->closed) {
        f->closed = true;
        tcp_shutdown(f->from, TCP_SHUT_WR);
    }
}

static void pump_in(struct flow *f)
{
    static uint8_t buf[200000];

    while (!f->ended) {
        long r = tcp_recv(f->to, buf, 1 + rnd(f->max_read), 0);
        if (r == -EAGAIN)
            return;
        if (r <= 0) {
            f->ended = true;
            f->error = r;
            return;
        }
        for (long i = 0; i < r; i++)
            f->wrong |= buf[i] != pattern(f->got + (uint64_t)i);
        f->got += (uint64_t)r;
    }
}

/* Runs flows until all have ended; the virtual time it took in ms, or -1. */
static int64_t run_flows(struct flow *f, unsigned n, int64_t limit_ms)
{
    int64_t start = vnow, until = vnow + limit_ms * 1000000;
    bool busy = true;

    while (busy) {
        busy = false;
        for (unsigned i = 0; i < n; i++) {
            pump_out(&f[i]);
            pump_in(&f[i]);
            busy |= !f[i].ended;
        }
        no_locks();
        if (busy && !step(until))
            return -1;
    }
    return (vnow - start) / 1000000;
}
