/* test_lone.c - gort/sched/lone.c: an interrupt that comes before the `hlt` is not slept over, and
 * the only CPU keeps its P where nobody else could give it work, except when the program may be at
 * a deadlock. */
#include <stdio.h>

/* The machine under arch/: an interrupt may come up to the moment at which they are off. */
#define irq_save hw_irq_save
#define irq_restore hw_irq_restore
#include "arch/x86_64/arch.h"
#undef irq_save
#undef irq_restore

static struct cpu cpu;
static uint32_t late_interrupt;      /* what it leaves in cpu.pending */
static bool irqs_off;
static uint64_t irq_save(void)
{
    cpu.pending |= late_interrupt;
    late_interrupt = 0;
    irqs_off = true;
    return 0;
}
static void irq_restore(uint64_t flags) { irqs_off = flags; }

#include "gort/sched/lone.c"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

static struct m m = { .cpu = &cpu };
struct sched sched;
struct sched_hooks sched_hooks;
unsigned ncpu, gomaxprocs;
static int64_t timer = INT64_MAX;
static unsigned halts, armed_later;
static bool halted_well, packet;

int64_t program_timers_earliest(void) { return timer; }
void sched_timer_halt(bool later) { armed_later += later; }
void sched_timer_changed(struct p *p, int64_t when) { (void)p, (void)when; }
static int64_t no_sample(void) { return INT64_MAX; }
static bool net_rest(void)
{
    m.net_polls = false;
    return packet;
}

void cpu_idle(volatile uint32_t *flag)
{
    halts++;
    halted_well = irqs_off && !cpu.pending && flag == &m.wake && !*flag;
    irqs_off = false;
}

/* Does the only CPU halt, with its P, for `n` halts, and `keeps` it? */
static bool tried(bool keeps, unsigned n)
{
    halts = 0;
    halted_well = true;
    m.wake = 1;
    m.fresh_p = false;
    bool kept = sched_halt_alone(&m);
    return kept == keeps && halts == n && halted_well && m.fresh_p == keeps && !irqs_off;
}

int main(void)
{
    sched_hooks.sample_due = no_sample;
    sched_hooks.net_rest = net_rest;
    ncpu = gomaxprocs = 1;
    sched.nextwait = 1;
    report("the only CPU halts with its P", tried(true, 1));
    late_interrupt = CPU_PENDING_NET;
    report("a packet just before the hlt", tried(true, 0) && cpu.pending == CPU_PENDING_NET);
    cpu.pending = 0;
    m.net_polls = true;
    report("polling ends with the halt", tried(true, 1) && armed_later == 1 && !cpu.pending);
    m.net_polls = packet = true;
    report("a packet while interrupts go on", tried(true, 0) && cpu.pending == CPU_PENDING_NET);
    cpu.pending = 0;
    sched.nextwait = 0;
    report("nobody waits: a deadlock is the other way's to find", tried(false, 0));
    timer = 5;
    report("nobody waits, but a timer comes", tried(true, 1));
    sched.stopping = 1;
    report("the world stops", tried(false, 0));
    sched.stopping = 0;
    sched.frozen = 1;
    report("the machine dies", tried(false, 0));
    cpu.pending = CPU_PENDING_NET;
    halts = 0;
    sched_halt(&m);
    report("nothing is done any more, so all that is pending is slept over", halts == 1);
    cpu.pending = 0;
    sched.frozen = 0;
    gomaxprocs = 2;
    report("another P", tried(false, 0));
    gomaxprocs = 1;
    ncpu = 2;
    report("another CPU", tried(false, 0));
    return failures != 0;
}
