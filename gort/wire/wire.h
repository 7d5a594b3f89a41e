/* wire.h - gort/net in this kernel: polling of network devices, interrupts, boot.
 *
 *   interrupt -> irq.c: CPU_PENDING_NET -> schedule() -> poll.c: device -> net_input -> wake()
 *                                              ^   |                     `- net_timers_run
 *                                              `---' while packets keep coming: no interrupts
 *
 * A queue belongs to a CPU (netdev_queue_cpu). A single packet that finds the CPU halted is taken
 * and the interrupt stays on. It goes off with packets that find the CPU at work, or come together,
 * until the CPU has nothing to do: meanwhile each schedule() polls the queue, and a timer calls
 * schedule() if a goroutine keeps the CPU for POLL_NS. Other CPUs poll a queue only when its own
 * cannot (CPU_PENDING_NET is passed on), and leave its interrupt on: the one that was asked for may
 * have been for what they have taken. All of this runs on g0 with a P and without locks; woken
 * goroutines are queued on that P. */
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

/* Boot, after the scheduler's structures are set up: takes the network devices over and waits until
 * wire_control->settled(). Without a device it does nothing. */
void wire_init(void);
bool wire_present(void);        /* is there any device? */
/* What a CPU has taken from queues so far: packets, and turns in which there were more. Any
 * context. */
struct wire_counts { uint64_t packets, full_turns; };
struct wire_counts wire_counts_of(unsigned cpu);

/* sched_hooks.net_next: the time (clock_mono_ns) by which this CPU must call net_poll; INT64_MAX:
 * none, since an interrupt will come. Any context. */
int64_t wire_next_irq(void);

/* ---- between poll.c and irq.c --------------------------------------------------------------- */
extern int64_t wire_poll_due[NET_CPUS]; /* [owner, atomic] of a CPU that polls; INT64_MAX: none */
void wire_wake_irq(void *arg, struct netdev *d, unsigned queue);

#endif
