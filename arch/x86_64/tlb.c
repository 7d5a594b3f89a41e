/* tlb.c - making other CPUs forget translations.
 *
 * One shootdown at a time: tlb_busy. The initiator publishes the range, sets
 * tlb_pending of every CPU that takes part, sends IPIs and spins until all flags are clear.
 * Two initiators cannot deadlock: whoever waits for tlb_busy, for any other lock (lock() calls
 * tlb_poll) or for the flags serves its own incoming request by hand.
 *
 * A CPU that halts is left alone: it would be woken for nothing, and where the CPUs are virtual
 * ones of a busy host its answer may take milliseconds. It says TLB_LAZY before it halts; an
 * initiator makes TLB_STALE of that, once its page tables are changed, and is done. The first
 * thing that the CPU does when anything wakes it is to take the word back; if it was TLB_STALE
 * it forgets everything. Both use one exchange on tlb_lazy, so either the CPU sees TLB_STALE, and
 * flushes after the change, or the initiator sees 0 and sends its IPI. Until then the CPU runs
 * the first instructions of trap entry only, on memory that is never unmapped. */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/die.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/state.h"

static bool tlb_busy; /* [atomic] the lock of tlb_shootdown */
static struct { uintptr_t va; size_t size; } request; /* [tlb_busy] */

#define RESEND_NS 5000000ll
#define FLUSH_ALL_ABOVE (64 * 4096ul)

static void flush_local(uintptr_t va, size_t size)
{
    if (size > FLUSH_ALL_ABOVE) {
        write_cr3(read_cr3());
        return;
    }
    for (uintptr_t p = va; p < va + size; p += 4096)
        invlpg(p);
}

void tlb_poll(void)
{
    struct cpu_arch *a = arch_of(cpu_self());

    if (!__atomic_load_n(&a->tlb_pending, __ATOMIC_ACQUIRE))
        return;
    /* The IPI must not come between flush and store: its handler would serve this request, and
     * the store would then acknowledge the next request without a flush. */
    uint64_t flags = irq_save();
    if (__atomic_load_n(&a->tlb_pending, __ATOMIC_ACQUIRE)) {
        flush_local(request.va, request.size);
        __atomic_store_n(&a->tlb_pending, 0, __ATOMIC_RELEASE);
    }
    irq_restore(flags);
}

void tlb_halt_begin(void)
{
    __atomic_store_n(&arch_of(cpu_self())->tlb_lazy, TLB_LAZY, __ATOMIC_SEQ_CST);
}

void tlb_halt_end(void)
{
    struct cpu_arch *a = arch_of(cpu_self());

    if (a->tlb_lazy && __atomic_exchange_n(&a->tlb_lazy, 0, __ATOMIC_SEQ_CST) == TLB_STALE)
        write_cr3(read_cr3());
}

/* Is that CPU halted? Then it needs no IPI: it flushes when it wakes. */
static bool left_alone(struct cpu_arch *a)
{
    uint32_t lazy = TLB_LAZY;

    return __atomic_compare_exchange_n(&a->tlb_lazy, &lazy, TLB_STALE, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST) || lazy == TLB_STALE;
}

/* Waits for the CPU's answer. An IPI may get lost, so it is sent again after a while. */
static void wait_for(unsigned cpu)
{
    int64_t sent = clock_mono_ns();

    while (__atomic_load_n(&arch_of(cpus[cpu])->tlb_pending, __ATOMIC_ACQUIRE)) {
        cpu_relax();
        if (clock_mono_ns() - sent > RESEND_NS) {
            ipi_send(cpu, IPI_TLB);
            sent = clock_mono_ns();
        }
    }
}

/* Not kernel/lock.h's, which stands above arch/ and calls tlb_poll itself. Once the machine
 * crashes, the holder may be stopped: then nobody waits. */
static void shootdown_begin(void)
{
    while (__atomic_exchange_n(&tlb_busy, true, __ATOMIC_ACQUIRE) && !crash_in_progress()) {
        tlb_poll();
        cpu_relax();
    }
}

void tlb_shootdown(uintptr_t va, size_t size)
{
    struct cpu *me = cpu_self();
    bool sent = false;

    flush_local(va, size);
    if (ncpu == 1 && !cpus[1]) /* none is on its way either */
        return;
    ARCH_CHECK(!me->irq_depth, "a TLB shootdown in an interrupt handler");
    shootdown_begin();
    request.va = va;
    request.size = size;
    for (unsigned i = 0; i < CPU_MAX; i++) {
        if (!cpus[i] || cpus[i] == me || !arch_of(cpus[i])->tlb_ready ||
            left_alone(arch_of(cpus[i])))
            continue;
        __atomic_store_n(&arch_of(cpus[i])->tlb_pending, 1, __ATOMIC_SEQ_CST);
        ipi_send(i, IPI_TLB);
        sent = true;
    }
    for (unsigned i = 0; sent && i < CPU_MAX; i++)
        if (cpus[i] && cpus[i] != me)
            wait_for(i);
    __atomic_store_n(&tlb_busy, false, __ATOMIC_RELEASE);
}
