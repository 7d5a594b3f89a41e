/* trap.c - IDT and the dispatch of exceptions and interrupts. */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/state.h"

struct idt_gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_mid;
    uint32_t offset_high, reserved;
};
static struct idt_gate idt[256] __attribute__((aligned(16)));
extern char trap_stubs[], idle_hlt[];
#define STUB_SIZE 16
#define GATE_INTERRUPT 0x8e /* present, ring 0, interrupts off on entry */

static unsigned ist_for(unsigned vector)
{
    switch (vector) {
    case TRAP_NMI: return IST_NMI;
    case TRAP_DF:  return IST_DF;
    case TRAP_MC:  return IST_MC;
    default:       return vector < 32 ? IST_EXC : IST_IRQ;
    }
}

void idt_init(void)
{
    for (unsigned v = 0; v < 256; v++) {
        uintptr_t stub = (uintptr_t)trap_stubs + v * STUB_SIZE;
        idt[v] = (struct idt_gate){
            (uint16_t)stub, SEL_CODE, (uint8_t)ist_for(v), GATE_INTERRUPT,
            (uint16_t)(stub >> 16), (uint32_t)(stub >> 32), 0
        };
    }
}

void idt_load(void)
{
    struct { uint16_t limit; uint64_t base; } __attribute__((packed)) idtr = {
        sizeof idt - 1, (uintptr_t)idt
    };
    __asm__ volatile("lidt %0" ::"m"(idtr));
}

static void set_pending(struct cpu *c, uint32_t bits)
{
    __atomic_or_fetch(&c->pending, bits, __ATOMIC_SEQ_CST);
}

static void ipi_received(struct cpu *c, struct trap_frame *tf, int kind)
{
    c->ipis++;
    if (kind == IPI_TLB) {
        tlb_poll();
        return;
    }
    if (kind == IPI_WAKE)
        set_pending(c, CPU_PENDING_WAKE);
    else if (kind == IPI_PREEMPT)
        set_pending(c, CPU_PENDING_PREEMPT);
    if (arch_hooks.ipi)
        arch_hooks.ipi(tf, kind);
}

static void interrupt(struct cpu *c, struct trap_frame *tf)
{
    unsigned v = (unsigned)tf->vector;

    /* no EOI: spurious vectors expect none, and the 8259s are masked */
    if (v == VEC_SPURIOUS || v < VEC_DEV) {
        arch_of(c)->spurious++;
        return;
    }
    c->irqs++;
    c->irq_depth++;
    if (v >= VEC_TIMER)
        lapic_eoi(); /* interrupts stay off until IRET, so nothing nests */
    if (v == VEC_TIMER) {
        c->ticks++;
        if (lapic_timer_expired(c) && arch_hooks.timer)
            arch_hooks.timer(tf);
    } else if (v >= VEC_IPI && v <= VEC_IPI + IPI_STOP) {
        ipi_received(c, tf, (int)(v - VEC_IPI));
    } else if (v == VEC_LAPIC_ERROR) {
        arch_of(c)->lapic_errors++;
    } else {
        if (!machine_hooks.device || !machine_hooks.device(v))
            arch_of(c)->spurious++;
        /* the handler has made its device release a level-triggered line; otherwise the line would
         * interrupt again */
        lapic_eoi();
    }
    c->irq_depth--;
}

void trap_dispatch(struct trap_frame *tf);
void trap_dispatch(struct trap_frame *tf)
{
    struct cpu *c = cpu_self();

    tlb_halt_end();
    if (tf->vector >= 32) {
        interrupt(c, tf);
    } else if (tf->vector == TRAP_NMI) {
        arch_of(c)->nmis++;
        if (machine_hooks.nmi)
            machine_hooks.nmi(tf); /* does not return if the machine is being stopped */
        if (tf->rip == (uintptr_t)idle_hlt) /* see idle_halt: `hlt` is one byte */
            tf->rip++;
    } else {
        uint64_t cr2 = read_cr2();
        bool handled = tf->vector != TRAP_DF && tf->vector != TRAP_MC && arch_hooks.exception &&
                       !crash_in_progress() && arch_hooks.exception(tf, cr2);
        if (!handled && machine_hooks.fatal)
            machine_hooks.fatal(tf, cr2);
        if (!handled)
            halt_forever();
    }
}
