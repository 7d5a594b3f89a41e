/* state.h - the machine half of a CPU's state: for arch/ itself, for who makes stacks (mm/) and
 * starts CPUs (drivers/), for kernel_main and the crash report.
 *
 * Stacks of one CPU. Each has an unmapped guard page below it:
 *
 *   g0          64 KiB  runtime C
 *   IST_IRQ     16 KiB  interrupts: never nest (interrupts are off in handlers)
 *   IST_EXC     64 KiB  exceptions: the entry stub moves the IST pointer down by
 *                       IST_EXC_STEP, so a fault inside a handler gets fresh room
 *   IST_NMI     16 KiB  cannot nest until IRET
 *   IST_DF      32 KiB  double fault: never returns
 *   IST_MC      16 KiB  machine check: never returns */
#ifndef ARCH_STATE_H
#define ARCH_STATE_H

#include "arch/x86_64/arch.h"

#define SEL_CODE 0x08
#define SEL_DATA 0x10
#define SEL_TSS  0x18

enum { IST_IRQ = 1, IST_EXC, IST_NMI, IST_DF, IST_MC, IST_COUNT = IST_MC };
#define IST_EXC_STEP 16384
#define G0_STACK_SIZE 65536

/* Interrupt vectors. Lower ones are exceptions; devices take [VEC_DEV, VEC_TIMER). */
enum {
    VEC_PIC = 0x20,       /* the two masked 8259s: only spurious interrupts arrive */
    VEC_DEV = 0x30,
    VEC_TIMER = 0xf0,
    VEC_IPI = 0xf1,       /* + enum ipi_kind */
    VEC_LAPIC_ERROR = 0xfe,
    VEC_SPURIOUS = 0xff,
};

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];      /* ist[0] is IST 1 */
    uint64_t reserved2;
    uint16_t reserved3, iomap;
} __attribute__((packed));

struct stack_bounds { uintptr_t lo, hi; };
struct cpu_stacks { struct stack_bounds g0, ist[IST_COUNT]; };
extern const uint32_t ist_size[IST_COUNT];

struct cpu_arch {
    struct tss tss __attribute__((aligned(16)));
    uint64_t   gdt[5];
    bool       loaded;              /* [owner] desc_load has been here */
    struct stack_bounds ist[IST_COUNT]; /* [const] for reports */
    int64_t    timer_deadline;      /* [owner] what timer_arm was asked for, 0 = none */
    volatile uint32_t tlb_pending;  /* [atomic] a shootdown waits for this CPU */
    volatile uint32_t tlb_ready;    /* [atomic] takes part in shootdowns */
    volatile uint32_t tlb_lazy;     /* [atomic] 0, or it halts: enum tlb_lazy */
    volatile uint32_t stopped;      /* [atomic] in the crash stop */
    volatile uint32_t nmis, spurious, lapic_errors; /* [owner] */
    struct trap_frame stop_frame;   /* where the crash stop interrupted it */
};

static inline struct cpu_arch *arch_of(const struct cpu *c) { return c->arch; }

extern struct cpu boot_cpu;

/* desc.c */
void desc_init_boot(void);                 /* boot CPU, static stacks */
void desc_load(struct cpu *c);             /* GDT, TSS, IDT, FS and GS base; once */
/* A new CPU's blocks, zeroed before; it gets its stacks next. */
void cpu_fill(struct cpu *c, struct cpu_arch *a, unsigned id, uint32_t apic_id);
/* c may be running, with interrupts off: its handlers use the new ones from here on. */
void cpu_set_stacks(struct cpu *c, const struct cpu_stacks *s);
_Noreturn void stack_call(void *top, void (*fn)(void *), void *arg);

/* features.c */
void cpu_detect(void);
void cpu_setup(void);                      /* CR0, CR4, EFER, XCR0 of this CPU */

/* traps.S: waits for an interrupt. Called with interrupts off, returns with them on. */
void idle_halt(void);

/* trap.c */
void idt_init(void);
void idt_load(void);

/* tlb.c */
enum tlb_lazy { TLB_LAZY = 1, TLB_STALE = 2 };
void tlb_poll(void);                       /* serves a pending shootdown; any context */
void tlb_halt_begin(void);                 /* about to halt, interrupts off */
void tlb_halt_end(void);                   /* awake: first thing in every trap */

#endif
