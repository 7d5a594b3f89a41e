/* smp.c - INIT, STARTUP, and the wait for the runtime (SDM vol. 3, chapter 9.4). */
#include "arch/x86_64/smp.h"
#include <string.h>
#include "arch/x86_64/asm.h"
#include "arch/x86_64/die.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/page.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/state.h"
#include "arch/x86_64/tscsync.h"

#define STARTUP_WAIT_US 3000000u /* a loaded host may take long to run a virtual CPU */
#define STARTUP_RETRY_US 1000u
#define INIT_WAIT_US    10000u   /* SDM: for real CPUs */
#define INIT_WAIT_VIRTUAL_US 100u

extern char ap_start[], ap_start_end[], ap_param_base[], ap_param_root[], ap_param_stack[],
    ap_param_cpu[], ap_param_efer[], ap_param_ticket[];

static void (*ap_entry)(struct cpu *); /* [atomic] NULL until smp_start */
static void (*ap_begins)(void);        /* [const] smp_begin's */
static char *page;                     /* the trampoline, writable */
static uint64_t page_pa;

static void param(const char *symbol, uint64_t v, size_t n)
{
    memcpy(page + (symbol - ap_start), &v, n);
}

/* True: no CPU has taken the ticket, and none will. */
static bool ticket_take(void)
{
    return __atomic_exchange_n((uint32_t *)(page + (ap_param_ticket - ap_start)), 0,
                               __ATOMIC_SEQ_CST);
}

/* ---- the new CPU's side ------------------------------------------------------------- */
_Noreturn void ap_main(struct cpu *c);
_Noreturn void ap_main(struct cpu *c)
{
    void (*entry)(struct cpu *);

    cpu_setup();
    desc_load(c);
    lapic_setup();
    if (lapic_id() != c->apic_id) /* it woke up late and took the place of another CPU */
        halt_forever();
    ap_begins();
    __atomic_store_n(&arch_of(c)->tlb_ready, 1, __ATOMIC_SEQ_CST);
    write_cr3(read_cr3()); /* what was changed before it was told of no more */
    tsc_sync_ap(c);
    __atomic_store_n(&c->online, true, __ATOMIC_SEQ_CST);
    for (irq_disable(); !(entry = __atomic_load_n(&ap_entry, __ATOMIC_ACQUIRE)); irq_disable())
        idle_halt();
    entry(c);
    arch_die(__FILE__, __LINE__, "the runtime returned on cpu %u", c->id);
}

/* ---- the boot CPU's side ------------------------------------------------------------ */
static bool came_up(const struct cpu *c, uint64_t us)
{
    int64_t end = clock_mono_ns() + (int64_t)us * 1000;

    do {
        if (__atomic_load_n(&c->online, __ATOMIC_ACQUIRE))
            return true;
        tsc_sync_boot();
        cpu_relax();
    } while (clock_mono_ns() < end);
    return false;
}

static void send_startup(const struct cpu *c)
{
    lapic_send_startup(c->apic_id, (uint8_t)(page_pa >> 12));
}

void smp_wake(struct cpu *c, bool deaf)
{
    tsc_sync_begin();
    param(ap_param_cpu, (uintptr_t)c, 8);
    param(ap_param_stack, c->g0_hi, 8);
    cpus[c->id] = c; /* before it can be told to flush its TLB */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    param(ap_param_ticket, 1, 4);
    if (!deaf)
        send_startup(c);
}

bool smp_await(struct cpu *c, bool deaf)
{
    if (!came_up(c, STARTUP_RETRY_US) && !deaf)
        send_startup(c);
    if (!came_up(c, STARTUP_WAIT_US) && (ticket_take() || !came_up(c, STARTUP_WAIT_US))) {
        lapic_send_init(c->apic_id); /* holds it, should it come to life */
        cpus[c->id] = NULL;
        return false;
    }
    ncpu++;
    return true;
}

bool smp_addressable(uint32_t apic_id)
{
    return apic_id < 255 || lapic_is_x2();
}

void smp_begin(uint64_t pa, void (*begins)(void), const uint32_t *apic_id, unsigned n)
{
    ap_begins = begins;
    page_pa = pa;
    page = phys_to_virt(pa);
    memcpy(page, ap_start, (size_t)(ap_start_end - ap_start));
    param(ap_param_base, pa, 4);
    param(ap_param_root, pt_root, 8);
    param(ap_param_efer, EFER_LME | (cpu_features.nx ? EFER_NXE : 0), 4);
    arch_of(&boot_cpu)->tlb_ready = 1;
    for (unsigned i = 0; i < n; i++)
        if (apic_id[i] != boot_cpu.apic_id && smp_addressable(apic_id[i]))
            lapic_send_init(apic_id[i]);
    clock_delay_us(cpu_features.virtual ? INIT_WAIT_VIRTUAL_US : INIT_WAIT_US);
}

unsigned smp_start(void (*entry)(struct cpu *))
{
    __atomic_store_n(&ap_entry, entry, __ATOMIC_SEQ_CST);
    for (unsigned i = 1; i < ncpu; i++)
        ipi_send(i, IPI_WAKE);
    return ncpu;
}
