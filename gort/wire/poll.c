/* poll.c - network devices are polled by schedule(): see wire.h. */
#include "gort/os/wait.h"
#include "gort/sched/background.h"
#include "gort/sched/hooks.h"
#include "gort/sched/mp.h"
#include "gort/sched/sched.h"
#include "gort/wire/private.h"
#include "kernel/clock.h"

enum { BUDGET = 64 };           /* packets of a queue in a turn: bounds how long a stop waits */
#define POLL_NS  100000ll       /* a CPU that runs one goroutine is polled this often */
#define QUIET_NS 50000ll        /* after so long without a packet a CPU returns to interrupts */
#define LATE_NS  2000000ll      /* when a CPU's timers are so late, another CPU runs them */

struct queue {
    struct netdev *dev;
    unsigned index, cpu;
    struct queue *next;         /* the next queue of this CPU */
};
static struct queue queues[NET_CPUS];       /* [const after boot] */
static struct queue *queues_of[NET_CPUS];   /* [const after boot] by CPU */
static unsigned nqueues;                    /* [const after boot] */
static struct {
    int64_t last;                           /* when there was a packet */
    struct wire_counts counts;
} of_cpu[NET_CPUS];                         /* [owner] */

/* How many packets were there? */
static unsigned poll_one(const struct queue *q, int64_t now)
{
    unsigned n = q->dev->ops->poll(q->dev, q->index, BUDGET), cpu = cpu_id();

    if (n) {
        of_cpu[cpu].last = now;
        of_cpu[cpu].counts.packets += n;
        of_cpu[cpu].counts.full_turns += n == BUDGET;
    }
    return n;
}

struct wire_counts wire_counts_of(unsigned cpu) { return of_cpu[cpu].counts; }

/* A queue that this CPU need not poll: its interrupt is on afterwards, since the one that was asked
 * for may have been for the packets that are taken here. */
static void poll_besides(const struct queue *q, int64_t now)
{
    poll_one(q, now);
    if (q->dev->ops->irq_enable(q->dev, q->index)) /* more by now: this CPU comes by again */
        __atomic_or_fetch(&cpu_self()->pending, CPU_PENDING_NET, __ATOMIC_SEQ_CST);
}

static bool waits(const struct queue *q)
{
    return q->dev->ops->pending(q->dev, q->index);
}

/* Switches the interrupts of a CPU's queues on. True: packets have come meanwhile. */
static bool irqs_on(unsigned cpu)
{
    bool more = false;

    for (const struct queue *q = queues_of[cpu]; q; q = q->next)
        more |= q->dev->ops->irq_enable(q->dev, q->index);
    return more;
}

/* Runs this CPU's due timers and, with `all`, those of CPUs that are late. */
static void run_timers(unsigned cpu, int64_t now, bool all)
{
    if (net_timers_next(cpu) <= now)
        net_timers_run(cpu);
    for (unsigned i = 0; i < ncpu && all; i++)
        if (i != cpu && net_timers_next(i) < now - LATE_NS)
            net_timers_run(i);
}

static void polling_set(unsigned cpu, bool on, int64_t now)
{
    struct m *mp = m_self();

    mp->net_polls = on;
    __atomic_store_n(&wire_poll_due[cpu], on ? now + POLL_NS : INT64_MAX, __ATOMIC_RELAXED);
    if (on && mp->armed > now + POLL_NS)
        sched_timer_changed(NULL, now + POLL_NS);
}

/* Does a CPU that has taken `took` packets go on polling? One packet that ended its halt is no
 * traffic: its queues interrupt again, which costs nothing unless there is another packet before it
 * halts again, while polling means to set the timer, and to set it back. */
static bool must_poll(const struct m *mp, unsigned cpu, unsigned took, int64_t now)
{
    bool lone = took <= 1 && mp->fresh_p && !mp->net_polls;
    bool quiet = now - of_cpu[cpu].last > QUIET_NS;

    return !(lone || quiet) || irqs_on(cpu);
}

/* sched_hooks.net_poll: takes what the queues of this CPU have, and runs the timers of the stack
 * that are due. With NET_PACKETS every queue of this CPU is polled, also one without packets: it
 * may have sent what now comes back, or be due for a reset. g0 with a P, no locks. */
static void net_poll(enum net_ask ask)
{
    unsigned cpu = cpu_id(), took = 0;
    int64_t now = clock_mono_ns();

    for (const struct queue *q = queues_of[cpu]; q; q = q->next)
        if (ask == NET_PACKETS || waits(q))
            took += poll_one(q, now);
    for (unsigned i = 0; i < nqueues && ask == NET_PACKETS; i++)
        if (queues[i].cpu != cpu && waits(&queues[i]))
            poll_besides(&queues[i], now);
    run_timers(cpu, now, ask != NET_LOOK);
    calls_run();
    if (!queues_of[cpu])
        return;
    polling_set(cpu, must_poll(m_self(), cpu, took, now), now);
}

/* sched_hooks.net_rest: this CPU has nothing to do: its queues may interrupt again. True: packets
 * have come meanwhile. g0, no locks. */
static bool net_rest(void)
{
    unsigned cpu = cpu_id();

    polling_set(cpu, false, 0);
    return irqs_on(cpu);
}

/* Once a second: notices link changes and stuck devices, frees sent packets, and polls every queue
 * in case an interrupt was lost. */
static void service(void)
{
    for (unsigned i = 0; i < nqueues; i++) {
        struct queue *q = &queues[i];
        if (q->index == 0)
            q->dev->ops->service(q->dev);
        poll_besides(q, clock_mono_ns());
    }
    calls_run();
    net_memory_look();
}

static void queue_add(struct netdev *d, unsigned index)
{
    unsigned cpu = netdev_queue_cpu(d, index);

    if (nqueues == NET_CPUS)
        return;
    queues[nqueues] = (struct queue){ d, index, cpu, queues_of[cpu] };
    queues_of[cpu] = &queues[nqueues++];
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
    sched_hooks.net_poll = net_poll;
    sched_hooks.net_rest = net_rest;
    sched_hooks.net_next = wire_next_irq;
    background_every(1000000000, service);
}
