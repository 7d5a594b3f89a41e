/* arch.h - what the machine half offers to kernel/, mm/, drivers/ and gort/.
 *
 * Contexts: traps, interrupts, NMI and double fault each run on an IST stack of their own
 * per CPU; handlers registered here run there, with interrupts off, compiled with
 * -mgeneral-regs-only, and take no lock. */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/cpu.h"

/* What the entry stubs push; a handler may rewrite rip, rsp and registers (the way a
 * goroutine is made to call sigpanic or asyncPreempt). */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

enum { TRAP_DE = 0, TRAP_DB = 1, TRAP_NMI = 2, TRAP_BP = 3, TRAP_UD = 6, TRAP_DF = 8,
       TRAP_GP = 13, TRAP_PF = 14, TRAP_MF = 16, TRAP_MC = 18, TRAP_XM = 19 };

/* The runtime's handlers, set once at boot before other CPUs start (NULL: none).
 * exception: an exception other than NMI/#DF; cr2 valid for #PF. Returns true if it has
 *   changed the frame so that execution can go on; false makes a crash report.
 * timer: the CPU's one-shot timer fired.   ipi: IPI_PREEMPT or IPI_WAKE arrived. */
struct arch_hooks {
    bool (*exception)(struct trap_frame *tf, uint64_t cr2);
    void (*timer)(struct trap_frame *tf);
    void (*ipi)(struct trap_frame *tf, int kind);
    /* Prints the runtime's part of a crash report: Go backtrace at (pc, sp, bp) of this CPU
     * and of all goroutines. Crash context: no locks, no allocation. */
    void (*crash)(const struct trap_frame *tf);
};
extern struct arch_hooks arch_hooks;

enum ipi_kind { IPI_WAKE, IPI_PREEMPT, IPI_TLB, IPI_CALL, IPI_STOP };
/* Sends to one other CPU. Any context with interrupts on or off. */
void ipi_send(unsigned cpu, enum ipi_kind kind);

/* Registers an interrupt line (device); fn(arg) in interrupt context. 0 or -EINVAL/-ENOSPC. */
int irq_register(unsigned gsi, void (*fn)(void *), void *arg);

/* Arms this CPU's one-shot timer for clock_mono_ns() == when_ns (at once if past; 0 disarms).
 * g0 or interrupt context. */
void timer_arm(int64_t when_ns);

/* Waits for an interrupt unless `*flag` is already non-zero: check and halt are one step
 * (cli; test; sti; hlt, with the sti shadow), so a wake-up between them is not lost. */
void cpu_idle(volatile uint32_t *flag);
/* Nanoseconds that c has spent in cpu_idle, until now = clock_mono_ns(); they never fall. Any
 * context. */
uint64_t cpu_idle_ns(const struct cpu *c, int64_t now);

static inline void cpu_relax(void) { __builtin_ia32_pause(); }
static inline uint64_t rdtsc(void) { return __builtin_ia32_rdtsc(); }
static inline uint64_t irq_save(void)
{
    uint64_t f;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(f)::"memory");
    return f;
}
static inline void irq_restore(uint64_t f)
{
    __asm__ volatile("pushq %0; popfq" ::"r"(f) : "memory", "cc");
}

/* Starts all other CPUs (INIT-SIPI-SIPI). Each calls entry(cpu) on its own g0 stack with
 * interrupts off and everything of arch initialised. Returns the number that came up, this
 * one included; those that did not are named by boot_log/kprintf. */
unsigned smp_start(void (*entry)(struct cpu *));

/* Ends: status goes to the control channel, then ACPI S5 (or the debug-exit port). Any context. */
_Noreturn void machine_exit(int status);
_Noreturn void machine_reset(void);

/* CPU features as found by CPUID, for the app's GOAMD64 and for the clock. */
struct cpu_features {
    bool x2apic, tsc_deadline, invtsc, fsgsbase, xsave, avx, avx2, avx512, smep, smap, pcid,
         gib_pages, rdrand, rdseed, erms, nx, mce, mca;
    uint64_t xcr0;       /* enabled state components */
    uint32_t xsave_size; /* bytes for the enabled components */
    bool virtual;        /* a hypervisor or an emulator says that it is there */
};
extern struct cpu_features cpu_features;

#endif
