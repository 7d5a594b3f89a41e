/* init.c - the network at boot: every device becomes an interface. */
#include "arch/x86_64/arch.h"
#include "gort/wire/private.h"
#include "kernel/clock.h"
#include "kernel/options.h"
#include "kernel/print.h"

const struct wire_control *wire_control;

bool wire_present(void) { return netif_get(2) != NULL; }

static void link_changed(void *arg, struct netdev *d, bool up)
{
    struct netif *ifp = netif_of(d);

    (void)arg;
    boot_log("%s: link %s", d->name, up ? "up" : "down");
    if (ifp)
        wire_control->link(ifp, up);
}

static void receive(void *arg, struct netdev *d, unsigned queue, struct pkt *list)
{
    if (__builtin_expect(options.netfault != 0, 0))
        list = wire_fault(d, list);
    if (list)
        net_input(arg, d, queue, list);
}

/* Polls the devices until the interfaces have their addresses. There are no goroutines yet, so the
 * boot CPU does here what schedule() and the background do later. A link may take seconds to come
 * up: that is looked at often. */
static void settle(void)
{
    struct netdev *d;
    int64_t due = 0;

    while (!wire_control->settled()) {
        bool look = clock_mono_ns() >= due;
        if (look)
            due = clock_mono_ns() + 100000000;
        for (unsigned n = 0; (d = netdev_get(n)); n++) {
            for (unsigned q = 0; q < d->nqueues; q++)
                d->ops->poll(d, q, 64);
            if (look)
                d->ops->service(d);
        }
        net_timers_run(cpu_id());
        cpu_relax();
    }
}

void wire_init(void)
{
    static struct netdev_user user;
    struct netdev *d;

    if (!netdev_get(0))
        return;
    net_init();
    user = *net_driver_user(wire_wake_irq, link_changed);
    user.receive = receive;
    wire_control->init();
    for (unsigned n = 0; (d = netdev_get(n)); n++) {
        struct netif *ifp = netif_add(d);
        if (!ifp)
            break;
        netdev_attach(d, &user, NULL);
        wire_control->start(ifp);
    }
    settle();
    wire_queues_init();
}
