/* irq.c - called by interrupts: a device has packets; when a polling CPU must poll next. */
#include "arch/x86_64/arch.h"
#include "gort/wire/wire.h"

int64_t wire_poll_due[NET_CPUS];

int64_t wire_next_irq(void)
{
    unsigned cpu = cpu_id();
    int64_t timers = net_timers_next(cpu);
    int64_t poll = __atomic_load_n(&wire_poll_due[cpu], __ATOMIC_RELAXED);

    return timers < poll ? timers : poll;
}

/* Like console input (os/stdio.c): the IPI to the CPU itself preempts even a goroutine that makes
 * no calls. */
void wire_wake_irq(void *arg, struct netdev *d, unsigned queue)
{
    struct cpu *c = cpu_self();

    (void)arg, (void)d, (void)queue;
    __atomic_or_fetch(&c->pending, CPU_PENDING_NET, __ATOMIC_SEQ_CST);
    if (c->curg)
        ipi_send(c->id, IPI_PREEMPT);
}
