/* idle.c - halting. */
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"
#include "kernel/clock.h"

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
    c->halting = true;
    __atomic_store_n(&c->idle_since, t0, __ATOMIC_RELEASE);
    __asm__ volatile("sti; hlt" ::: "memory");
    __atomic_store_n(&c->idle_since, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&c->idle_ns, c->idle_ns + (uint64_t)(clock_mono_ns() - t0),
                     __ATOMIC_RELEASE);
    c->halting = false;
}
