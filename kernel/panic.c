#include "kernel/panic.h"
#include "kernel/lock.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/asm.h"
#include "arch/x86_64/page.h"
#include "arch/x86_64/state.h"
#include "kernel/check.h"
#include "kernel/mce.h"
#include "kernel/print.h"
#include "kernel/symtab.h"

#define EXIT_CRASH 2
#define STOP_SPINS 20000000u

struct crash_hooks crash_hooks;
static uint32_t crash_depth; /* [crash owner] */
static bool stopping;        /* [atomic] NMIs park their CPU */

_Noreturn static void park(const struct trap_frame *tf)
{
    struct cpu_arch *a = arch_of(cpu_self());

    if (tf)
        a->stop_frame = *tf;
    __atomic_store_n(&a->stopped, 1, __ATOMIC_RELEASE);
    halt_forever();
}

/* Stops this CPU if that is what the NMI is for; returns if it has another reason. */
static void crash_nmi(struct trap_frame *tf)
{
    if (__atomic_load_n(&stopping, __ATOMIC_ACQUIRE) &&
        crash_owner != cpu_self()->id + 1)
        park(tf);
}

/* NMIs reach CPUs that have interrupts off. A CPU that does not answer is named in the report. */
static void stop_others(void)
{
    struct cpu *me = cpu_self();
    unsigned spins = 0;

    __atomic_store_n(&stopping, true, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < CPU_MAX; i++)
        if (cpus[i] && cpus[i] != me && cpus[i]->online)
            ipi_send(i, IPI_STOP);
    for (unsigned i = 0; i < CPU_MAX; i++)
        while (cpus[i] && cpus[i] != me && cpus[i]->online && spins++ < STOP_SPINS &&
               !__atomic_load_n(&arch_of(cpus[i])->stopped, __ATOMIC_ACQUIRE))
            cpu_relax();
}

_Noreturn static void power_off(void)
{
    if (crash_hooks.power_off)
        crash_hooks.power_off(EXIT_CRASH);
    halt_forever();
}

/* Returns only on the CPU that owns the crash, the first time. */
static void crash_enter(const struct trap_frame *tf)
{
    uint32_t me = cpu_self()->id + 1, expected = 0;
    static const char again[] = "\ngort: fault inside the crash report, giving up\n";

    irq_disable();
    __atomic_store_n(&lock_watched, 1, __ATOMIC_SEQ_CST);
    if (__atomic_compare_exchange_n(&crash_owner, &expected, me, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST)) {
        crash_depth = 1;
        stop_others();
        return;
    }
    if (expected != me)
        park(tf);
    if (crash_depth++ == 1 && crash_hooks.last_words)
        crash_hooks.last_words(again, sizeof again - 1);
    power_off();
}

/* ---- the report -------------------------------------------------------------------- */

static const char *const vector_names[32] = {
    "divide error", "debug exception", "non-maskable interrupt", "breakpoint", "overflow",
    "bound range exceeded", "invalid opcode", "no floating-point unit", "double fault",
    "coprocessor overrun", "invalid TSS", "segment not present", "stack-segment fault",
    "general protection fault", "page fault", "reserved (15)", "x87 floating-point error",
    "alignment check", "machine check", "SIMD floating-point error", "virtualisation error",
    "control protection error", "reserved (22)", "reserved (23)", "reserved (24)",
    "reserved (25)", "reserved (26)", "reserved (27)", "hypervisor injection",
    "VMM communication", "security exception", "reserved (31)",
};

/* Is the address in the guard page below one of this CPU's stacks? Names it. */
static const char *guard_page_of(uintptr_t a)
{
    static const char *const names[IST_COUNT] = { "interrupt", "exception", "NMI",
                                                  "double-fault", "machine-check" };
    const struct cpu *c = cpu_self();
    const struct cpu_arch *ca = arch_of(c);

    if (a < c->g0_lo && a >= c->g0_lo - PAGE_SIZE)
        return "g0";
    for (int i = 0; i < IST_COUNT; i++)
        if (a < ca->ist[i].lo && a >= ca->ist[i].lo - PAGE_SIZE)
            return names[i];
    return NULL;
}

static void print_page_fault(const struct trap_frame *tf, uint64_t cr2)
{
    const char *stack = guard_page_of(cr2);

    if (stack)
        kprintf("cause: stack overflow: the guard page of the %s stack was hit\n", stack);
    kprintf("page fault: %s of %#llx, %s%s\n",
            tf->error & 16 ? "execution" : tf->error & 2 ? "write" : "read",
            (unsigned long long)cr2,
            tf->error & 1 ? "which the page's protection forbids" : "where nothing is mapped",
            tf->error & 8 ? " (reserved bit set in a page table)" : "");
}

static void print_registers(const struct trap_frame *tf)
{
    const struct { const char *n; uint64_t v; } r[] = {
        { "rax", tf->rax }, { "rbx", tf->rbx }, { "rcx", tf->rcx }, { "rdx", tf->rdx },
        { "rsi", tf->rsi }, { "rdi", tf->rdi }, { "rbp", tf->rbp }, { "rsp", tf->rsp },
        { "r8 ", tf->r8 }, { "r9 ", tf->r9 }, { "r10", tf->r10 }, { "r11", tf->r11 },
        { "r12", tf->r12 }, { "r13", tf->r13 }, { "r14", tf->r14 }, { "r15", tf->r15 },
        { "rip", tf->rip }, { "cs ", tf->cs }, { "flg", tf->rflags }, { "ss ", tf->ss },
        { "cr0", read_cr0() }, { "cr2", read_cr2() }, { "cr3", read_cr3() },
        { "cr4", read_cr4() },
    };
    for (size_t i = 0; i < sizeof r / sizeof r[0]; i++)
        kprintf("%s %016llx%s", r[i].n, (unsigned long long)r[i].v, i % 4 == 3 ? "\n" : "  ");
}

static void print_other_cpus(void)
{
    const struct cpu *me = cpu_self();

    for (unsigned i = 0; i < CPU_MAX; i++) {
        const struct cpu *c = cpus[i];
        if (!c || c == me || !c->online)
            continue;
        const struct trap_frame *tf = &arch_of(c)->stop_frame;
        kprintf("cpu %u: %s, %s, pending %#x, %u locks held\n", c->id,
                arch_of(c)->stopped ? "stopped" : "DID NOT STOP",
                c->curg ? "running a goroutine" : "on g0", c->pending, c->nheld);
        if (arch_of(c)->stopped)
            ksym_backtrace(tf->rip, tf->rbp);
    }
}

/* Everything after the headline. */
_Noreturn static void report(const struct trap_frame *tf)
{
    const struct cpu *c = cpu_self();

    if (tf->cs) /* an exception: after a failed check the registers say nothing */
        print_registers(tf);
    kprintf("cpu %u of %u, %s, pending %#x, ticks %llu, ipis %llu, nmis %u\nkernel stack:\n",
            c->id, ncpu, c->curg ? "running a goroutine" : "on g0", c->pending,
            (unsigned long long)c->ticks, (unsigned long long)c->ipis, arch_of(c)->nmis);
    ksym_backtrace(tf->rip, tf->rbp);
    if (arch_hooks.crash)
        arch_hooks.crash(tf);
    print_other_cpus();
    power_off();
}

void crash_exception(struct trap_frame *tf, uint64_t cr2)
{
    crash_enter(tf);
    kprintf("\ngort: crash: %s (vector %llu, error %#llx) on cpu %u\n",
            vector_names[tf->vector & 31], (unsigned long long)tf->vector,
            (unsigned long long)tf->error, cpu_self()->id);
    if (tf->vector == TRAP_MC)
        mce_print();
    if (tf->vector == TRAP_PF)
        print_page_fault(tf, cr2);
    else if (tf->vector == TRAP_DF && guard_page_of(cr2))
        kprintf("cause: stack overflow: the guard page of the %s stack was hit\n",
                guard_page_of(cr2));
    report(tf);
}

/* frame: the frame pointer of the function whose caller has found the bug. */
static void panic_from(const char *file, int line, const uintptr_t *frame, const char *fmt,
                       va_list ap)
{
    struct trap_frame tf;

    memset(&tf, 0, sizeof tf);
    tf.rip = frame[1] - 1; /* within the calling function */
    tf.rbp = frame[0];
    tf.rsp = (uintptr_t)(frame + 2);
    crash_enter(NULL);
    kprintf("\ngort: panic: ");
    kvprintf(fmt, ap);
    kprintf("\nat %s:%d\n", file, line);
    report(&tf);
}

void kernel_panic(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    panic_from(file, line, __builtin_frame_address(0), fmt, ap);
    __builtin_unreachable();
}

void crash_init(void)
{
    machine_hooks.die = panic_from;
    machine_hooks.fatal = crash_exception;
    machine_hooks.nmi = crash_nmi;
}
