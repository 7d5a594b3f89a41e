// flags: -fno-pie -no-pie -Itests/host/fake
/* test_poll.c - gort/wire/poll.c: when a CPU returns to interrupts. A lone packet that ended a halt
 * leaves them on and the timer alone; packets that come together, or find the CPU at work, are
 * polled for, until none has come for QUIET_NS or the CPU halts. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "gort/wire/poll.c"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

static struct m the_m = { .armed = INT64_MAX };
static struct cpu the_cpu = { .m = &the_m };
struct cpu *cpus[CPU_MAX] = { &the_cpu };
struct sched_hooks sched_hooks;
unsigned ncpu = 1;
int64_t wire_poll_due[NET_CPUS];
static int64_t now = 1000000;
static unsigned arrived, late, enabled, armings;

int64_t clock_mono_ns(void) { return now; }
int64_t wire_next_irq(void) { return INT64_MAX; }
int64_t net_timers_next(unsigned cpu) { (void)cpu; return INT64_MAX; }
void net_timers_run(unsigned cpu) { (void)cpu; }
void calls_run(void) {}
void net_memory_look(void) {}
void background_every(int64_t period, void (*fn)(void)) { (void)period, (void)fn; }
void sched_timer_changed(struct p *p, int64_t when)
{
    (void)p;
    armings++;
    the_m.armed = when;
}

static unsigned dev_poll(struct netdev *d, unsigned queue, unsigned budget)
{
    unsigned n = arrived < budget ? arrived : budget;

    (void)d, (void)queue;
    arrived -= n;
    return n;
}
static bool dev_pending(const struct netdev *d, unsigned queue)
{
    (void)d, (void)queue;
    return arrived;
}
/* `late` packets come between the poll and this. */
static bool dev_irq_enable(struct netdev *d, unsigned queue)
{
    (void)d, (void)queue;
    enabled++;
    arrived += late;
    late = 0;
    return arrived;
}
static void dev_service(struct netdev *d) { (void)d; }
static const struct netdev_ops ops = { .poll = dev_poll, .pending = dev_pending,
                                       .irq_enable = dev_irq_enable, .service = dev_service };
static struct netdev dev = { .ops = &ops, .nqueues = 1 };
struct netdev *netdev_get(unsigned n) { return n ? NULL : &dev; }
unsigned netdev_queue_cpu(const struct netdev *d, unsigned queue) { (void)d; return queue; }

/* n packets come, with the CPU halted or at work. Does it poll then; were its interrupts switched
 * on; was its timer set? */
static bool after(unsigned n, bool halted, bool polls, bool irqs, bool timer)
{
    arrived = n;
    enabled = armings = 0;
    the_m.armed = INT64_MAX;
    the_m.fresh_p = halted;
    sched_hooks.net_poll(the_m.net_polls ? NET_LOOK : NET_PACKETS);
    return the_m.net_polls == polls && (enabled != 0) == irqs && (armings != 0) == timer;
}

int main(void)
{
    the_cpu.self = &the_cpu;
    syscall(SYS_arch_prctl, ARCH_SET_GS, (unsigned long)&the_cpu);
    wire_queues_init();
    report("a lone packet ends a halt: interrupts stay on", after(1, true, false, true, false));
    report("and so does the next", after(1, true, false, true, false));
    late = 1;
    report("another one meanwhile: polled", after(1, true, true, true, true) && arrived == 1);
    report("it has not ended a halt: polled on", after(1, true, true, false, true));
    now += QUIET_NS + 1;
    report("quiet: interrupts", after(0, false, false, true, false));
    report("two packets end a halt: polled", after(2, true, true, false, true));
    report("the CPU halts: interrupts",
           !sched_hooks.net_rest() && !the_m.net_polls && wire_poll_due[0] == INT64_MAX);
    report("a packet finds the CPU at work: polled", after(1, false, true, false, true));
    late = 1;
    report("a packet as it halts is seen", sched_hooks.net_rest() && !the_m.net_polls);
    return failures != 0;
}
