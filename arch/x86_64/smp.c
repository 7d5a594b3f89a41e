/* smp.c - INIT, STARTUP, and the wait for the runtime (SDM vol. 3, chapter 9.4). */
#include "arch/x86_64/smp.h"
#include <string.h>
#include "arch/x86_64/asm.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/state.h"
#include "arch/x86_64/tscsync.h"
#include "kernel/check.h"
#include "kernel/clock.h"
#include "kernel/options.h"
#include "kernel/print.h"
#include "kernel/random.h"
#include "mm/mm.h"

#define STARTUP_WAIT_US 3000000u /* a loaded host may take long to run a virtual CPU */
#define STARTUP_RETRY_US 1000u
#define INIT_WAIT_US    10000u   /* SDM: for real CPUs */
#define INIT_WAIT_VIRTUAL_US 100u

extern char ap_start[], ap_start_end[], ap_param_base[], ap_param_root[], ap_param_stack[],
    ap_param_cpu[], ap_param_efer[], ap_param_ticket[];

static void (*ap_entry)(struct cpu *); /* [atomic] NULL until smp_start */
static char *page;                     /* the trampoline, writable */

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
    mce_setup();
    lapic_setup();
    if (lapic_id() != c->apic_id) /* woke up late and took another one's place */
        halt_forever();
    random_cpu_init();
    arch_of(c)->tlb_ready = 1;
    tsc_sync_ap(c);
    __atomic_store_n(&c->online, true, __ATOMIC_SEQ_CST);
    for (irq_disable(); !(entry = __atomic_load_n(&ap_entry, __ATOMIC_ACQUIRE)); irq_disable())
        idle_halt();
    entry(c);
    PANIC("the runtime returned on cpu %u", c->id);
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

static void send_startup(const struct cpu *c, uint64_t low_page)
{
    if (!options.deadcpu || c->apic_id != options.deadcpu)
        lapic_send_startup(c->apic_id, (uint8_t)(low_page >> 12));
}

static bool start_one(struct cpu *c, uint64_t low_page)
{
    tsc_sync_begin();
    param(ap_param_cpu, (uintptr_t)c, 8);
    param(ap_param_stack, c->g0_hi, 8);
    cpus[c->id] = c; /* before it can be told to flush its TLB */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    param(ap_param_ticket, 1, 4);
    send_startup(c, low_page);
    if (!came_up(c, STARTUP_RETRY_US))
        send_startup(c, low_page);
    if (!came_up(c, STARTUP_WAIT_US) && (ticket_take() || !came_up(c, STARTUP_WAIT_US))) {
        lapic_send_init(c->apic_id); /* holds it, should it come to life */
        cpus[c->id] = NULL;
        return false;
    }
    return true;
}

static void page_prepare(uint64_t pa)
{
    CHECK(ap_start_end - ap_start <= (long)PAGE_SIZE, "the trampoline is too large");
    page = phys_to_virt(pa);
    memcpy(page, ap_start, (size_t)(ap_start_end - ap_start));
    param(ap_param_base, pa, 4);
    param(ap_param_root, pt_root, 8);
    param(ap_param_efer, EFER_LME | (cpu_features.nx ? EFER_NXE : 0), 4);
}

static bool addressable(uint32_t apic_id)
{
    return apic_id < 255 || lapic_is_x2();
}

static void init_all(const uint32_t *apic_id, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (apic_id[i] != boot_cpu.apic_id && addressable(apic_id[i]))
            lapic_send_init(apic_id[i]);
    clock_delay_us(cpu_features.virtual ? INIT_WAIT_VIRTUAL_US : INIT_WAIT_US);
}

static void start_all(const uint32_t *apic_id, unsigned n, uint64_t low, unsigned max)
{
    for (unsigned i = 0; i < n; i++) {
        uint32_t id = apic_id[i];
        if (id == boot_cpu.apic_id)
            continue;
        if (ncpu >= max) {
            boot_log("cpu with APIC id %u not used (maxcpus)", id);
            continue;
        }
        struct cpu *c = addressable(id) ? cpu_create(ncpu, id) : NULL;
        if (!c || !start_one(c, low)) {
            kprintf("gort: the CPU with APIC id %u did not start, going on without it\n", id);
            continue;
        }
        ncpu++;
        if (tsc_sync_found())
            boot_log("the TSC of cpu %u is %lld ticks ahead of cpu 0's: corrected", c->id,
                     (long long)tsc_sync_found());
    }
}

void smp_prepare(const uint32_t *apic_id, unsigned n, unsigned maxcpus)
{
    unsigned max = maxcpus && maxcpus < CPU_MAX ? maxcpus : CPU_MAX;
    uint64_t low = mm_low_page();

    arch_of(&boot_cpu)->tlb_ready = 1;
    if (n < 2 || max < 2)
        return;
    if (!low || vm_map_phys(low, low, PAGE_SIZE, VM_R | VM_X) < 0) {
        kprintf("gort: no page below 1 MiB: only the boot CPU is used\n");
        return;
    }
    page_prepare(low);
    init_all(apic_id, n);
    start_all(apic_id, n, low, max);
    vm_unmap_phys(low, PAGE_SIZE);
    if (options.deadcpu) /* it comes to life now: too late */
        lapic_send_startup((uint32_t)options.deadcpu, (uint8_t)(low >> 12));
}

unsigned smp_start(void (*entry)(struct cpu *))
{
    __atomic_store_n(&ap_entry, entry, __ATOMIC_SEQ_CST);
    for (unsigned i = 1; i < ncpu; i++)
        ipi_send(i, IPI_WAKE);
    return ncpu;
}
