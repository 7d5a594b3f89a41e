/* netdev.c - the network devices found at boot. */
#include <errno.h>
#include "arch/x86_64/cpu.h"
#include "drivers/net.h"

static struct netdev *devices[NETDEV_MAX]; /* [const after boot] */
static unsigned ndevices;

int netdev_register(struct netdev *d)
{
    if (ndevices == NETDEV_MAX)
        return -ENOSPC;
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
