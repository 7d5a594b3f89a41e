/* cpu.h - the per-CPU block. GS base points at it on every CPU, always.
 *
 * Offsets are known to assembly through the generated header build/gen/offsets.h, and the
 * first fields also to the stubs of the Go overlay. FS base is `tls_end` in that block, so
 * that Go's g, at -8(FS), is `tls_g`: per CPU, rewritten at every switch of goroutine. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPU_MAX 64

struct g;
struct m;
struct p;
struct lock;

struct cpu {
    struct cpu *self;          /* 0  [const] */
    struct g   *curg;          /* 8  [owner] goroutine whose code (or gate) runs here */
    uintptr_t   g0_sp;         /* 16 [owner] where a gate starts its C frame */
    struct m   *m;             /* 24 [const after start] the runtime's half */
    struct g   *tls_g;         /* 32 [owner] -8(FS) */
    uintptr_t   tls_end;       /* 40 FS base points here */
    struct p   *p;             /* 48 [owner] the P that this M holds, or NULL */
    uint32_t    id;            /* 56 [const] 0.. */
    uint32_t    apic_id;       /* 60 [const] */
    uintptr_t   g0_lo, g0_hi;  /* [const] bounds of the g0 stack; a guard page is below lo */
    bool        online;        /* [atomic] */
    volatile uint32_t pending; /* [atomic] CPU_PENDING_*: what interrupts left for schedule() */
    volatile uint32_t irq_depth; /* [owner] >0 in an interrupt handler */
    uint64_t    ticks, ipis, idle_ns, irqs; /* [owner] statistics */
    int64_t     idle_since;    /* [atomic] clock_mono_ns when it began to halt, 0 = it does not */
    uint64_t    preempts;      /* [owner] goroutines stopped between two calls */
    int64_t     tsc_offset;    /* [const once online] added to each reading of its TSC */
    uint64_t    lock_wait;     /* [owner] TSC ticks spent waiting for spinlocks */
    uint64_t    rand[2];       /* [owner] random_fast */
    uint64_t    choice;        /* [owner] sched_choice */
    uint32_t    nheld;         /* [owner] lock rank checking */
    struct lock *held[16];
    uint32_t    nchans;        /* [owner] channels held besides the one in held[] */
    uintptr_t   syscall_sp;    /* [owner] between SYSCALL and g0: the program's rsp */
    void       *vec_scratch;   /* [owner] where asyncPreempt saves the vector state (XSAVE area) */
    void       *arch;          /* [const] GDT, TSS, IST stacks: private to arch */
};

#define CPU_IDLE_CHANGES (-1) /* idle_since, while idle_ns changes */

/* cpu->pending */
#define CPU_PENDING_TIMER   1u  /* timers or jobs are due */
#define CPU_PENDING_WAKE    2u  /* somebody queued work for us */
#define CPU_PENDING_PREEMPT 4u  /* give up the running goroutine at the next chance */
#define CPU_PENDING_POLL    8u  /* a device has input */
#define CPU_PENDING_NET     16u /* a network device has packets */

static inline struct cpu *cpu_self(void)
{
    struct cpu *c;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(c)); /* volatile: the g may have moved */
    return c;
}

/* cpu_self()->id, in one load. */
static inline uint32_t cpu_id(void)
{
    uint32_t id;
    __asm__ volatile("movl %%gs:56, %0" : "=r"(id));
    return id;
}

/* Does c wait for an interrupt, with nothing to do? Any context, of any CPU. */
static inline bool cpu_halts(const struct cpu *c)
{
    return __atomic_load_n(&c->idle_since, __ATOMIC_RELAXED) != 0;
}

extern struct cpu *cpus[CPU_MAX]; /* [const after start] */
extern unsigned ncpu;             /* [const after start] CPUs that came up */

#endif
