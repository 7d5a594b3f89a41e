/* poll.c - network devices are polled by schedule(): see wire.h. */
#include "gort/os/wait.h"
#include "gort/sched/background.h"
#include "gort/sched/hooks.h"
#include "gort/sched/mp.h"
#include "gort/sched/sched.h"
#include "gort/wire/private.h"
#include "kernel/clock.h"

enum { BUDGET = 64 };           /* packets of a queue in a turn: bounds how long a stop waits */
#define POLL_NS  100000ll       /* a goroutine may keep the CPU that long before it is polled */
#define QUIET_NS 50000ll        /* without a packet that long: back to interrupts */
#define LATE_NS  2000000ll      /* timers of a CPU that is so late are run by others */

static struct queue { struct netdev *dev; unsigned index, cpu; } queues[NET_CPUS];
static unsigned nqueues;        /* [const after boot] */
static int64_t last_packet[NET_CPUS]; /* [owner] */

/* Polls q once. True: there may be more. */
static bool poll_one(const struct queue *q, int64_t now)
{
    unsigned n = q->dev->ops->poll(q->dev, q->index, BUDGET);

    if (n)
        last_packet[cpu_id()] = now;
    return n == BUDGET;
}

/* Interrupts on where packets have ceased to come. True: some have come after all. */
static bool irqs_on(unsigned cpu)
{
    bool more = false;

    for (unsigned i = 0; i < nqueues; i++)
        if (queues[i].cpu == cpu)
            more |= queues[i].dev->ops->irq_enable(queues[i].dev, queues[i].index);
    return more;
}

static void run_timers(unsigned cpu, int64_t now)
{
    net_timers_run(cpu);
    for (unsigned i = 0; i < ncpu; i++)
        if (i != cpu && net_timers_next(i) < now - LATE_NS)
            net_timers_run(i);
}

static void polling_set(unsigned cpu, bool on, int64_t now)
{
    m_self()->net_polls = on;
    __atomic_store_n(&wire_poll_due[cpu], on ? now + POLL_NS : INT64_MAX, __ATOMIC_RELAXED);
    if (on)
        sched_timer_changed(NULL, now + POLL_NS);
}

void wire_poll(bool all)
{
    unsigned cpu = cpu_id();
    int64_t now = clock_mono_ns();
    bool mine = false, asked = all || m_self()->net_polls;

    for (unsigned i = 0; i < nqueues && asked; i++) {
        const struct queue *q = &queues[i];
        mine |= q->cpu == cpu;
        if (q->cpu == cpu || (all && q->dev->ops->pending(q->dev, q->index)))
            poll_one(q, now);
    }
    run_timers(cpu, now);
    calls_run();
    if (!mine)
        return;
    bool quiet = now - last_packet[cpu] > QUIET_NS;
    polling_set(cpu, !quiet || irqs_on(cpu), now);
}

bool wire_rest(void)
{
    unsigned cpu = cpu_id();

    polling_set(cpu, false, 0);
    return irqs_on(cpu);
}

/* Once a second: links, devices that are stuck, what was sent long ago, an interrupt that got
 * lost. */
static void service(void)
{
    for (unsigned i = 0; i < nqueues; i++) {
        struct queue *q = &queues[i];
        if (q->index == 0)
            q->dev->ops->service(q->dev);
        poll_one(q, clock_mono_ns());
    }
    calls_run();
    net_memory_look();
}

static void queue_add(struct netdev *d, unsigned index)
{
    if (nqueues < NET_CPUS)
        queues[nqueues++] = (struct queue){ d, index, netdev_queue_cpu(d, index) };
}

void wire_queues_init(void)
{
    struct netdev *d;

    for (unsigned i = 0; i < NET_CPUS; i++)
        wire_poll_due[i] = INT64_MAX;
    for (unsigned n = 0; (d = netdev_get(n)); n++)
        for (unsigned q = 0; q < d->nqueues; q++)
            queue_add(d, q);
    for (unsigned i = 0; i < nqueues; i++)
        if (queues[i].dev->ops->irq_enable(queues[i].dev, queues[i].index))
            __atomic_or_fetch(&cpus[queues[i].cpu]->pending, CPU_PENDING_NET, __ATOMIC_SEQ_CST);
    sched_hooks.net_poll = wire_poll;
    sched_hooks.net_rest = wire_rest;
    sched_hooks.net_next = wire_next_irq;
    background_every(1000000000, service);
}
