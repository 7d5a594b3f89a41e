/* machine_net.c - the test "net" of machine.c: frames are sent back to the network device that
 * they came from, until a frame says end. It uses interrupts, as the stack does. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "drivers/console.h"
#include "drivers/net.h"
#include "kernel/clock.h"
#include "kernel/print.h"
#include "tests/kernels/machine_net.h"

#define LIMIT_NS 60000000000ll
static volatile uint32_t woken, ended, sent, links;
static struct pkt *waiting; /* turned away */

static void say(const char *what, unsigned long a, unsigned long b)
{
    char line[100];
    int n = snprintf(line, sizeof line, "%s %lu %lu\n", what, a, b);

    console_write(CONSOLE_OUT, line, (size_t)n);
}

static void send(struct netdev *d, unsigned queue, struct pkt *list)
{
    while (waiting) {
        struct pkt *rest = d->ops->transmit(d, queue, waiting);
        if (rest == waiting)
            break;
        waiting = rest;
    }
    struct pkt **end = &waiting;
    while (*end)
        end = &(*end)->link;
    *end = list;
    waiting = d->ops->transmit(d, queue, waiting);
}

/* Puts a header of our own in front of the frame: a first piece that is not shared. */
static struct pkt *turn_round(struct pkt *f, const uint8_t *mac)
{
    uint8_t head[14];
    struct pkt *h = pkt_alloc(PKT_SMALL);

    if (!h || !pkt_copy_out(f, 0, head, sizeof head)) {
        pkt_free(h ? h : f);
        return NULL;
    }
    memcpy(h->data, head + 6, 6);
    memcpy(h->data + 6, mac, 6);
    memcpy(h->data + 12, head + 12, 2);
    h->len = 14;
    struct pkt **end = &h->next;
    size_t skip = sizeof head;
    for (struct pkt *b = f; b; b = b->next) {
        size_t off = skip < b->len ? skip : b->len;
        skip -= off;
        if (b->len > off) {
            *end = pkt_view(b, b->data + off, b->len - (uint32_t)off);
            end = &(*end)->next;
        }
    }
    pkt_free(f);
    return h;
}

static void receive(void *arg, struct netdev *d, unsigned queue, struct pkt *list)
{
    struct pkt *out = NULL, **end = &out;
    uint8_t type[5];

    (void)arg;
    for (struct pkt *f = list, *next; f; f = next) {
        next = f->link;
        f->link = NULL;
        if (pkt_copy_out(f, 12, type, 5) && !memcmp(type, "\x88\xb5" "end", 5))
            ended = 1;
        struct pkt *back = turn_round(f, d->mac);
        if (back) {
            *end = back;
            end = &back->link;
            sent++;
        }
    }
    send(d, queue, out);
}

static void wake(void *arg, struct netdev *d, unsigned queue)
{
    (void)arg, (void)d, (void)queue;
    woken = 1;
}

static void room(void *arg, struct netdev *d, unsigned queue)
{
    (void)arg;
    send(d, queue, NULL);
}

static void link(void *arg, struct netdev *d, bool up)
{
    (void)arg, (void)d, (void)up;
    links++;
}

static const struct netdev_user user = { receive, wake, room, link };

static void poll_all(struct netdev *d)
{
    bool again;

    do {
        again = false;
        for (unsigned q = 0; q < d->nqueues; q++) {
            while (d->ops->poll(d, q, 64) == 64)
                ;
            again |= d->ops->irq_enable(d, q);
        }
    } while (again);
}

void test_net(void)
{
    struct netdev *d = netdev_get(0);
    int64_t end = clock_mono_ns() + LIMIT_NS, tick = 0;

    if (!d) {
        say("no network device", 0, 0);
        return;
    }
    netdev_attach(d, &user, NULL);
    say(d->name, d->nqueues, d->mtu);
    say("ready", d->features, d->up);
    while (!ended && clock_mono_ns() < end) {
        woken = 0;
        poll_all(d);
        if (clock_mono_ns() > tick) {
            d->ops->service(d);
            tick = clock_mono_ns() + 100000000;
        }
        timer_arm(clock_mono_ns() + 100000000);
        if (!ended)
            cpu_idle(&woken);
    }
    struct pkt_stats s;
    pkt_stats_read(&s);
    say("sent", sent, links);
    say("dropped", d->stats.rx_dropped + d->stats.tx_dropped, d->stats.resets);
    say(ended ? "ok net" : "FAIL net", 0, 0);
}
