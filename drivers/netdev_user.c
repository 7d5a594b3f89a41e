/* netdev_user.c - what every driver of a network device does towards the stack. */
#include "drivers/net.h"
#include "kernel/print.h"
#include "kernel/random.h"

#define RESETS_MAX 20u
#define HOUR_NS 3600000000000ll

static const struct netdev_user *user_of(const struct netdev *d)
{
    return __atomic_load_n(&d->user, __ATOMIC_ACQUIRE);
}

void netdev_random_mac(uint8_t mac[6])
{
    for (unsigned i = 0; i < 6; i++)
        mac[i] = (uint8_t)random_fast();
    mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
}

void netdev_receive(struct netdev *d, unsigned queue, struct pkt *list, unsigned n)
{
    const struct netdev_user *u = user_of(d);

    netdev_count(&d->stats.rx_packets, n);
    if (u) {
        u->receive(d->user_arg, d, queue, list);
        return;
    }
    netdev_count(&d->stats.rx_dropped, n);
    pkt_free_list(list);
}

void netdev_drop(struct netdev *d, struct pkt *list)
{
    for (const struct pkt *f = list; f; f = f->link)
        netdev_count(&d->stats.tx_dropped, 1);
    pkt_free_list(list);
}

bool netdev_may_reset(struct netdev *d, const char *device, int64_t now)
{
    if (now - d->reset_last > HOUR_NS)
        d->resets_close = 0;
    d->reset_last = now;
    if (++d->resets_close <= RESETS_MAX)
        return true;
    kprintf("gort: %s: has been reset %u times, each within an hour of the last: given up\n",
            device, RESETS_MAX);
    return false;
}

void netdev_link(struct netdev *d, bool up)
{
    const struct netdev_user *u = user_of(d);

    if (__atomic_exchange_n(&d->up, up, __ATOMIC_SEQ_CST) != up && u && u->link)
        u->link(d->user_arg, d, up);
}

void netdev_wake(struct netdev *d, unsigned queue)
{
    const struct netdev_user *u = user_of(d);

    if (u && u->wake)
        u->wake(d->user_arg, d, queue);
}
