/* arch.h - what the CPU's half offers to kernel/, mm/, drivers/ and gort/. It calls none of
 * them: what it needs of them they register, in arch_hooks (the runtime), in machine_hooks
 * (kernel and drivers) and in paging.h (mm).
 *
 * Contexts: traps, interrupts, NMI and double fault each run on an IST stack of their own
 * per CPU; handlers registered here run there, with interrupts off, compiled with
 * -mgeneral-regs-only, and take no lock. */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/tsc.h"

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

/* What arch needs of kernel/ and drivers/; set at boot, before it can be called (NULL: none).
 * device: a device's vector (drivers/irq.c); false = nobody's.
 * nmi, fatal: an NMI, and an exception that nobody handles (kernel/panic.c).
 * die: arch_die (die.h), whose frame pointer is given: the report begins at its caller. */
struct machine_hooks {
    bool (*device)(unsigned vector);
    void (*nmi)(struct trap_frame *tf);
    void (*fatal)(struct trap_frame *tf, uint64_t cr2);
    void (*die)(const char *file, int line, const uintptr_t *frame, const char *fmt, va_list ap);
};
extern struct machine_hooks machine_hooks;

/* Which CPU reports a crash: 0 nobody, else 1 + cpu id. [atomic] Written by kernel/panic.c; here
 * because exceptions are no longer offered to the runtime then, and nobody waits for locks. */
extern uint32_t crash_owner;
static inline bool crash_in_progress(void)
{
    return __builtin_expect(__atomic_load_n(&crash_owner, __ATOMIC_ACQUIRE) != 0, 0);
}

enum ipi_kind { IPI_WAKE, IPI_PREEMPT, IPI_TLB, IPI_CALL, IPI_STOP };
/* Sends to one other CPU. Any context with interrupts on or off. */
void ipi_send(unsigned cpu, enum ipi_kind kind);
/* [const after boot] For tests: one IPI in so many is lost, doubled or goes astray; 0 = none. */
extern uint64_t ipi_fault_rate;

/* Arms this CPU's one-shot timer for clock_mono_ns() == when_ns (at once if past; 0 disarms).
 * g0 or interrupt context. */
void timer_arm(int64_t when_ns);

/* Waits for an interrupt unless `*flag` is already non-zero: check and halt are one step
 * (cli; test; sti; hlt, with the sti shadow), so a wake-up between them is not lost. */
void cpu_idle(volatile uint32_t *flag);
/* Nanoseconds that c has spent in cpu_idle, until now = clock_mono_ns(); they never fall. Any
 * context. */
uint64_t cpu_idle_ns(const struct cpu *c, int64_t now);

/* Where the SYSCALL instruction goes on this CPU: with interrupts off, rcx = its return address,
 * r11 = the flags, all else the program's, the stack too. Before it is called: #UD. */
void cpu_syscall_entry(void (*entry)(void));

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

/* The CPUs that came up at boot and have waited since call entry(cpu), each on its own g0 stack
 * with interrupts off. Returns their number, this one included. */
unsigned smp_start(void (*entry)(struct cpu *));

/* CPU features as found by CPUID, for the app's GOAMD64 and for the clock. */
struct cpu_features {
    bool x2apic, tsc_deadline, invtsc, fsgsbase, xsave, avx, avx2, avx512, smep, smap, pcid,
         gib_pages, rdrand, rdseed, erms, nx, mce, mca;
    uint64_t xcr0;       /* enabled state components */
    uint32_t xsave_size; /* bytes for the enabled components */
    bool virtual;        /* a hypervisor or an emulator says that it is there */
};
extern struct cpu_features cpu_features;
/* Hz of the TSC and of the APIC timer as the hypervisor or the CPU gives them; 0, 0: neither does.
 * Boot. */
struct cpu_clocks { uint64_t tsc_hz, apic_hz; };
struct cpu_clocks cpu_clocks_said(void);

#endif
