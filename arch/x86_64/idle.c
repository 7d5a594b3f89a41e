/* idle.c - halting. */
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/state.h"

/* No wake-up is lost: interrupts are off while the flag is tested, and `sti` takes effect
 * only after the instruction behind it, so an interrupt that arrives in between ends the
 * `hlt` instead of coming before it. The waker sets the flag first and interrupts then. */
void cpu_idle(volatile uint32_t *flag)
{
    struct cpu *c = cpu_self();
    int64_t t0 = clock_mono_ns();

    irq_disable();
    if (*flag) {
        irq_enable();
        return;
    }
    __atomic_store_n(&c->idle_since, t0, __ATOMIC_RELEASE);
    tlb_halt_begin();
    idle_halt();
    irq_disable(); /* no handler of ours finds the sum half changed */
    tlb_halt_end(); /* hlt may end without a trap of ours: an SMI, a hypervisor that resumes */
    __atomic_store_n(&c->idle_since, CPU_IDLE_CHANGES, __ATOMIC_SEQ_CST);
    __atomic_store_n(&c->idle_ns, c->idle_ns + (uint64_t)(clock_mono_ns() - t0),
                     __ATOMIC_RELEASE);
    __atomic_store_n(&c->idle_since, 0, __ATOMIC_RELEASE);
    irq_enable();
}

/* A read of idle_ns between two equal ones of idle_since belongs to that state: in between,
 * a change would have shown itself as CPU_IDLE_CHANGES or as another time. */
uint64_t cpu_idle_ns(const struct cpu *c, int64_t now)
{
    for (;;) {
        int64_t since = __atomic_load_n(&c->idle_since, __ATOMIC_ACQUIRE);
        uint64_t done = __atomic_load_n(&c->idle_ns, __ATOMIC_ACQUIRE);
        if (since != CPU_IDLE_CHANGES && since == __atomic_load_n(&c->idle_since, __ATOMIC_ACQUIRE))
            return since && since < now ? done + (uint64_t)(now - since) : done;
        cpu_relax();
    }
}
