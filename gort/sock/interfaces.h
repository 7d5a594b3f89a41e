/* interfaces.h - the numbers by which Linux programs ask for network interfaces. */
#ifndef GORT_SOCK_INTERFACES_H
#define GORT_SOCK_INTERFACES_H

#include "gort/net/net.h"

/* IFF_UP, IFF_BROADCAST, IFF_MULTICAST; with a link IFF_RUNNING and IFF_LOWER_UP. netdevice(7). */
static inline uint32_t netif_linux_flags(const struct netif *ifp)
{
    return 0x1003u | (__atomic_load_n(&ifp->dev->up, __ATOMIC_RELAXED) ? 0x10040u : 0);
}

struct inode;

void interfaces_init(void); /* boot: /proc/net */
void proc_sock_fill(struct inode *dir); /* of it, what is about sockets */

#endif
