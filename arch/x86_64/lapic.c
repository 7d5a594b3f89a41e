#include "arch/x86_64/lapic.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/state.h"

/* Register offsets in the xAPIC page; the x2APIC MSR is MSR_X2APIC_BASE + offset / 16. */
enum {
    REG_ID = 0x20, REG_TPR = 0x80, REG_EOI = 0xb0, REG_SVR = 0xf0, REG_ESR = 0x280,
    REG_ICR = 0x300, REG_ICR_HIGH = 0x310, REG_LVT_TIMER = 0x320, REG_LVT_THERMAL = 0x330,
    REG_LVT_PERF = 0x340, REG_LVT_LINT0 = 0x350, REG_LVT_LINT1 = 0x360, REG_LVT_ERROR = 0x370,
    REG_TIMER_INIT = 0x380, REG_TIMER_NOW = 0x390, REG_TIMER_DIV = 0x3e0, REG_VERSION = 0x30,
};
#define LVT_MASKED       0x10000u
#define LVT_NMI          0x400u
#define LVT_EXTINT       0x700u
#define LVT_LOW          0x2000u
#define LVT_TSC_DEADLINE 0x40000u
#define SVR_ENABLE       0x100u
#define DIVIDE_BY_1      0xbu
#define ICR_NMI          0x400u
#define ICR_INIT         0x500u
#define ICR_STARTUP      0x600u
#define ICR_ASSERT       0x4000u
#define ICR_PENDING      0x1000u
#define APIC_BASE_ENABLE (1ull << 11)
#define APIC_BASE_X2     (1ull << 10)

static volatile uint32_t *regs;   /* [const] xAPIC */
static bool x2;                   /* [const] */
static struct lapic_nmi nmi;      /* [const] */
uint64_t ipi_fault_rate;
static bool use_deadline;         /* [const] */
static uint64_t ns_to_ticks;      /* [const] ticks per ns, 32.32 fixed point */

static uint32_t reg_read(unsigned r)
{
    return x2 ? (uint32_t)rdmsr(MSR_X2APIC_BASE + r / 16) : regs[r / 4];
}

static void reg_write(unsigned r, uint32_t v)
{
    if (x2)
        wrmsr(MSR_X2APIC_BASE + r / 16, v);
    else
        regs[r / 4] = v;
}

bool lapic_is_x2(void)
{
    return x2;
}

uint64_t lapic_address(void)
{
    return rdmsr(MSR_APIC_BASE) & 0xffffff000ull;
}

void lapic_init(volatile void *registers, const struct lapic_nmi *n)
{
    regs = registers;
    nmi = *n;
    x2 = cpu_features.x2apic;
    use_deadline = cpu_features.tsc_deadline && cpu_features.invtsc;
}

void lapic_setup(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

    wrmsr(MSR_APIC_BASE, base);
    if (x2) /* only by way of the enabled xAPIC state */
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2);
    reg_write(REG_SVR, SVR_ENABLE | VEC_SPURIOUS);
    unsigned lvts = (reg_read(REG_VERSION) >> 16 & 0xff) + 1;
    reg_write(REG_LVT_TIMER, LVT_MASKED | VEC_TIMER);
    reg_write(REG_LVT_LINT0, LVT_MASKED | LVT_EXTINT);
    reg_write(REG_LVT_LINT1, LVT_MASKED);
    if (lvts > 4)
        reg_write(REG_LVT_PERF, LVT_MASKED);
    if (lvts > 5)
        reg_write(REG_LVT_THERMAL, LVT_MASKED);
    reg_write(REG_LVT_ERROR, VEC_LAPIC_ERROR);
    if (nmi.lint >= 0)
        reg_write(nmi.lint ? REG_LVT_LINT1 : REG_LVT_LINT0, LVT_NMI | (nmi.low ? LVT_LOW : 0));
    reg_write(REG_ESR, 0);
    reg_write(REG_TIMER_DIV, DIVIDE_BY_1);
    reg_write(REG_TIMER_INIT, 0);
    reg_write(REG_LVT_TIMER, VEC_TIMER | (use_deadline ? LVT_TSC_DEADLINE : 0));
    reg_write(REG_EOI, 0);
    /* This write comes last: it makes the APIC look again at pending interrupts. Firmware may
     * have left the 8259 connected, and QEMU would deliver a request that has gone meanwhile
     * as interrupt -1. */
    reg_write(REG_TPR, 0);
}

uint32_t lapic_id(void)
{
    uint32_t id = reg_read(REG_ID);

    return x2 ? id : id >> 24;
}

void lapic_eoi(void)
{
    reg_write(REG_EOI, 0);
}

/* In xAPIC mode the command is two registers: nothing may come between the two writes on
 * this CPU, so interrupts are off. */
static void icr_send(uint32_t apic_id, uint32_t low)
{
    if (x2) {
        __asm__ volatile("mfence; lfence" ::: "memory"); /* an MSR write does not order stores */
        wrmsr(MSR_X2APIC_BASE + REG_ICR / 16, (uint64_t)apic_id << 32 | low);
        return;
    }
    uint64_t flags = irq_save();
    while (reg_read(REG_ICR) & ICR_PENDING)
        cpu_relax();
    reg_write(REG_ICR_HIGH, apic_id << 24);
    reg_write(REG_ICR, low);
    irq_restore(flags);
}

static void send(uint32_t apic_id, uint8_t vector)
{
    icr_send(apic_id, ICR_ASSERT | vector);
}

static void send_nmi(uint32_t apic_id)
{
    icr_send(apic_id, ICR_ASSERT | ICR_NMI);
}

void lapic_send_init(uint32_t apic_id)
{
    icr_send(apic_id, ICR_ASSERT | ICR_INIT);
}

void lapic_send_startup(uint32_t apic_id, uint8_t page)
{
    icr_send(apic_id, ICR_ASSERT | ICR_STARTUP | page);
}

/* ipi_fault_rate: how often this IPI is to be sent: 0, 1 or 2 times. A stray one may go to
 * another CPU before. An IPI that must not get lost is sent again by the code that waits for
 * its effect. */
static unsigned ipi_fault(unsigned cpu, enum ipi_kind kind)
{
    static uint32_t count; /* [atomic] */
    uint32_t n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) * 0x9e3779b1u >> 8;
    const struct cpu *astray = cpus[(cpu + 1) % ncpu];

    if (n % ipi_fault_rate)
        return 1;
    switch (n / ipi_fault_rate % 3) {
    case 0:
        return 0;
    case 1:
        return 2;
    default:
        send(astray->apic_id, (uint8_t)(VEC_IPI + kind));
        return 1;
    }
}

void ipi_send(unsigned cpu, enum ipi_kind kind)
{
    struct cpu *c = cpu < CPU_MAX ? cpus[cpu] : NULL;

    if (!c)
        return;
    if (kind == IPI_STOP) {
        send_nmi(c->apic_id);
        return;
    }
    for (unsigned i = ipi_fault_rate && c->m ? ipi_fault(cpu, kind) : 1; i > 0; i--)
        send(c->apic_id, (uint8_t)(VEC_IPI + kind));
}

/* ---- timer ------------------------------------------------------------------------- */

void lapic_timer_calibrate_start(void)
{
    reg_write(REG_LVT_TIMER, LVT_MASKED | VEC_TIMER);
    reg_write(REG_TIMER_DIV, DIVIDE_BY_1);
    reg_write(REG_TIMER_INIT, UINT32_MAX);
}

uint32_t lapic_timer_calibrate_count(void)
{
    return UINT32_MAX - reg_read(REG_TIMER_NOW);
}

void lapic_timer_set_hz(uint64_t hz)
{
    ns_to_ticks = (uint64_t)(((unsigned __int128)hz << 32) / 1000000000u);
    reg_write(REG_TIMER_INIT, 0);
    reg_write(REG_LVT_TIMER, VEC_TIMER | (use_deadline ? LVT_TSC_DEADLINE : 0));
}

static void arm_in(int64_t ns)
{
    if (use_deadline) {
        uint64_t cycles = (uint64_t)((unsigned __int128)ns * clock_tsc_hz() / 1000000000u);
        __asm__ volatile("mfence; lfence" ::: "memory");
        wrmsr(MSR_TSC_DEADLINE, rdtsc() + cycles + 1);
        return;
    }
    uint64_t ticks = (uint64_t)((unsigned __int128)(uint64_t)ns * ns_to_ticks >> 32) + 1;
    reg_write(REG_TIMER_INIT, ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks);
}

void timer_arm(int64_t when_ns)
{
    uint64_t flags = irq_save(); /* the timer interrupt re-arms, too */
    struct cpu_arch *a = arch_of(cpu_self());

    a->timer_deadline = when_ns;
    if (when_ns == 0) {
        if (use_deadline)
            wrmsr(MSR_TSC_DEADLINE, 0);
        else
            reg_write(REG_TIMER_INIT, 0);
    } else {
        int64_t now = clock_mono_ns();
        arm_in(when_ns > now ? when_ns - now : 0);
    }
    irq_restore(flags);
}

bool lapic_timer_expired(struct cpu *c)
{
    struct cpu_arch *a = arch_of(c);
    int64_t now = clock_mono_ns();

    if (!a->timer_deadline)
        return false; /* disarmed while the interrupt was on its way */
    if (now < a->timer_deadline) {
        arm_in(a->timer_deadline - now);
        return false;
    }
    a->timer_deadline = 0;
    return true;
}
