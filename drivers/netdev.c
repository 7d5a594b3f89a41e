/* netdev.c - the network devices found at boot. */
#include <errno.h>
#include "arch/x86_64/cpu.h"
#include "drivers/net.h"

static struct netdev *devices[NETDEV_MAX]; /* [const after boot] */
static unsigned ndevices;

int netdev_register(struct netdev *d)
{
    static const char names[NETDEV_MAX][5] = { "eth0", "eth1", "eth2", "eth3",
                                               "eth4", "eth5", "eth6", "eth7" };

    if (ndevices == NETDEV_MAX)
        return -ENOSPC;
    d->name = names[ndevices];
    devices[ndevices++] = d;
    return 0;
}

struct netdev *netdev_get(unsigned n)
{
    return n < ndevices ? devices[n] : NULL;
}

unsigned netdev_queue_cpu(const struct netdev *d, unsigned queue)
{
    (void)d;
    return queue % ncpu;
}

void netdev_attach(struct netdev *d, const struct netdev_user *user, void *arg)
{
    d->user_arg = arg;
    __atomic_store_n(&d->user, user, __ATOMIC_RELEASE);
}
