/* init.c - the network at boot: every device becomes an interface. */
#include "arch/x86_64/arch.h"
#include "gort/wire/private.h"
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

/* Before there are goroutines: the boot CPU does what schedule() will do. */
static void settle(void)
{
    struct netdev *d;

    while (!wire_control->settled()) {
        for (unsigned n = 0; (d = netdev_get(n)); n++)
            for (unsigned q = 0; q < d->nqueues; q++)
                d->ops->poll(d, q, 64);
        net_timers_run(cpu_id());
        cpu_relax();
    }
}

void wire_init(void)
{
    const struct netdev_user *user = net_driver_user(wire_wake_irq, link_changed);
    struct netdev *d;

    if (!netdev_get(0))
        return;
    net_init();
    wire_control->init();
    for (unsigned n = 0; (d = netdev_get(n)); n++) {
        struct netif *ifp = netif_add(d);
        if (!ifp)
            break;
        netdev_attach(d, user, NULL);
        wire_control->start(ifp);
    }
    settle();
    wire_queues_init();
}
