/* wire.h - the stack of gort/net in this kernel: its platform, the devices' polling, boot.
 *
 *   interrupt -> irq.c: CPU_PENDING_NET -> schedule() -> poll.c: device -> net_input -> wake()
 *                                              ^   |                     `- net_timers_run
 *                                              `---' while packets keep coming: no interrupts
 *
 * A queue belongs to a CPU (netdev_queue_cpu). Its interrupt is off from its first packet until the
 * CPU has nothing to do: meanwhile schedule() looks at the queue each time it comes by, and a timer
 * brings it there if a goroutine keeps the CPU for POLL_NS. Other CPUs poll a queue only when its
 * own cannot (CPU_PENDING_NET is passed on). All of this is g0 with a P and without locks; woken
 * goroutines become that P's. */
#ifndef GORT_WIRE_WIRE_H
#define GORT_WIRE_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include "gort/net/net.h"
#include "gort/sched/hooks.h"

/* Addresses, routes and neighbours: ARP, ND, DHCP and the rest, behind net.h's net_control. */
struct wire_control {
    void (*init)(void);                         /* net_init is over; calls net_control_set */
    void (*start)(struct netif *ifp);           /* the interface may send and receive now */
    void (*link)(struct netif *ifp, bool up);   /* g0, no locks */
    bool (*settled)(void);                      /* every interface has its address, or never will */
};
extern const struct wire_control *wire_control; /* [const once wire_init is called] */

/* Boot, with the scheduler's structures there: takes the devices over and waits until control says
 * that they are settled. Nothing to do without a device. */
void wire_init(void);
bool wire_present(void);        /* is there any device? */

/* sched_hooks.net_next: the time (clock_mono_ns) by which this CPU must call net_poll; INT64_MAX:
 * none, since an interrupt will come. Any context. */
int64_t wire_next_irq(void);

/* ---- between poll.c and irq.c --------------------------------------------------------------- */
extern int64_t wire_poll_due[NET_CPUS]; /* [owner, atomic] of a CPU that polls; INT64_MAX: none */
void wire_wake_irq(void *arg, struct netdev *d, unsigned queue);

#endif
