/* g.h - what a goroutine is, and what the scheduler does with one for other rooms.
 *
 *   G  goroutine            its stack, where it stopped, what it waits for
 *   M  machine = CPU        fixed, one per physical CPU, owns the g0 stack
 *   P  processor            the right to run Go code: run queue, timers, caches;
 *                           GOMAXPROCS of them, each held by at most one M (sched/mp.h)
 *
 * The first fields of struct g are known to the compiler (prologue, R14) and mirrored in
 * gort/overlay/runtime2.go; scripts/abigen proves that both agree. All g, m, p and sudog
 * structures come from persistent memory, never from the collected heap: the collector
 * scans their pointers as roots (gc/root.c). */
#ifndef GORT_G_H
#define GORT_G_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/cpu.h"
#include "gort/abi/gotypes.h"
#include "gort/sched/waitreason.h"
#include "kernel/check.h"
#include "kernel/lock.h"
#include "kernel/options.h"

/* Status of a goroutine: written by g_status_set (sched.h) alone. Numbers are Go's. */
enum g_status {
    G_IDLE = 0,      /* just allocated */
    G_RUNNABLE = 1,  /* on a run queue; the queue owns the stack */
    G_RUNNING = 2,   /* on a CPU: owns its stack */
    G_SYSCALL = 3,   /* parked in a system call: its waker completes the call and writes the
                        results and buffers, which may be on its stack. The stack stands still */
    G_WAITING = 4,   /* parked; whoever readies it takes it from here. Its stack may move */
    G_DEAD = 6,      /* exited or unused: on a free list */
    G_COPYSTACK = 8, /* its stack is being moved */
    G_PREEMPTED = 9, /* stopped for a suspendG, to be readied by the suspender */
    G_SCAN = 0x1000, /* OR-ed in: the collector holds the stack */
};

struct stack { uintptr_t lo, hi; };       /* [lo, hi) */
struct gobuf {                            /* where to go on */
    uintptr_t sp, pc;
    struct g *g;
    void     *ctxt;                       /* DX: closure context, a root */
    uintptr_t lr;                         /* unused on amd64 */
    uintptr_t bp;
};

#define STACK_GUARD   928ul    /* abi: bytes below which prologues call morestack (StackGuard) */
#define STACK_PREEMPT 0xfffffffffffffadeull /* stackguard0 that makes every prologue trap */
#define STACK_MIN     2048ul

struct sudog;   /* a waiter: hchan.h */
struct timer;
struct cg;       /* what only C goroutines have: cgoroutine.h */
struct gpanic;   /* Go's _panic, on the goroutine's stack */
struct gdefer;   /* Go's _defer, on stack or heap */

struct g {
    /* ---- known to the compiler and mirrored in Go ---------------------------------- */
    struct stack   stack;         /* 0  */
    uintptr_t      stackguard0;   /* 16 [atomic] compared by every prologue */
    uintptr_t      stackguard1;   /* 24 */
    struct gpanic *panic;         /* 32 innermost panic */
    struct gdefer *defer;         /* 40 innermost defer */
    struct m      *m;             /* 48 CPU that runs it, or NULL */
    struct gobuf   sched;         /* 56 saved at gates and morestack */
    uint64_t       goid;          /* 104 */
    void          *param;         /* 112 root: from waker to woken */
    void          *labels;        /* 120 root: profiler labels */
    void          *coroarg;       /* 128 root */
    void          *bubble;        /* 136 root: synctest */
    uint8_t        fips_indicator;   /* 144 */
    uint8_t        fips_bypass;      /* 145 */
    uint8_t        paniconfault;     /* 146 debug.SetPanicOnFault */
    uint8_t        sigpanic_kind;    /* 147 what sigpanic is to raise: vector */
    uint32_t       sig_flags;        /* 148 */
    uintptr_t      sigcode0, sigcode1, sigpc; /* 152 fault address.. */
    struct goslice writebuf;      /* 176 root: where print() writes for Go's print.go, if set */
    uint32_t       left_bits;     /* 200 from a recover to the frame's deferreturn: how far from */
    uint32_t       left_slots;    /* 204 its sp the open-coded bits (plus 1) and closures are */
    /* ---- C only --------------------------------------------------------------------- */
    uint32_t       status;        /* [atomic] enum g_status */
    uint32_t       wait_since;    /* [G_SCAN holder] the collector saw it wait then: since_now();
                                     0 = not yet */
    int64_t        block_since;   /* [owner] when it began to wait, 0 = not profiled */
    struct g      *schedlink;     /* [queue] next in a run queue or free list */
    struct g      *alllink;       /* [const] */
    uint64_t       parent_goid;
    uintptr_t      gopc;          /* pc of the go statement */
    uintptr_t      startpc;       /* pc of the function */
    struct sudog  *waiting;       /* sudogs that this g waits on, in lock order (select) */
    struct sudog  *own;           /* for waiting on one thing only; own->g is set meanwhile. NULL:
                                     it has never waited so */
    uint32_t       select_done;   /* [atomic] somebody won the race to wake a select */
    uint32_t       locked_count;  /* LockOSThread */
    uint8_t        wait_reason;   /* enum wait_reason, valid while G_WAITING, G_SYSCALL */
    bool           active_stack_chans; /* channels point into the stack: lock them to move it */
    bool           preempt;       /* [atomic] asked to yield */
    bool           preempt_stop;  /* [atomic] ...into G_PREEMPTED */
    bool           async_safe_point; /* stopped in the midst of something, under asyncPreempt or at
                                     a SYSCALL: innermost frame conservative, stack immovable */
    bool           system;        /* not counted for deadlock, hidden in tracebacks */
    bool           wanted_memory; /* [owner] has waited for a collection since its stack grew */
    bool           runs_user;     /* [owner, or who readies it] a system goroutine that runs
                                     user code (a finalizer): tracebacks show it */
    bool           at_syscall;    /* stopped at a SYSCALL instruction, its registers in `regs` */
    bool           gc_scan_done;  /* [G_SCAN holder] */
    uint8_t        leak;          /* [stw, owner] gort/gc/leak.c; 0 since it began to wait */
    uint8_t        track_seq;     /* counts up at every stop: one in eight is tracked */
    bool           tracking;      /* its waiting is timed up to when it runs next (gstatus.c) */
    uint8_t        start_order;   /* [const since birth] its stack was STACK_MIN << start_order, */
    bool           start_probe;   /* which is half of what others began with (sched/start.h) */
    struct m      *lockedm;       /* LockOSThread */
    void         (*on_wake)(struct g *); /* [who readies it, then its CPU] completes its wait, see
                                     g_wake_with; NULL: nothing is left to do */
    uint64_t       wake_result;   /* [who readies it, then its CPU] for on_wake */
    int64_t        gc_assist_bytes; /* [owner] allocation credit */
    struct timer  *sleep_timer;   /* cached timer of time.Sleep */
    struct timer  *firing;        /* channel timer whose function this g runs (timer.c) */
    uintptr_t      firing_seq;
    int64_t        track_since;   /* when it became what it is, if tracking */
    int64_t        runnable_ns;   /* spent runnable, while tracking */
    void          *vec;           /* XSAVE area of a preemption, or NULL; conservative roots */
    struct trap_frame *regs;      /* [const once set] of a SYSCALL instruction: os/instruction.h;
                                     conservative roots if at_syscall */
    struct cg     *cg;            /* [const] C goroutines: cgoroutine.h */
    const struct g_kind *kind;   /* [const] NULL: its code is Go */
};

struct trap_frame;
struct traceback_out;

/* What a goroutine whose code is not Go does in its own way. */
struct g_kind {
    /* Interrupt context: stops gp, whose code or whose gate tf is in, if it may stop there. True:
     * tf has been changed to where it goes on. */
    bool (*preempt_irq)(struct g *gp, struct trap_frame *tf);
    /* Interrupt context: an exception while gp is this CPU's. True: as above. */
    bool (*fault_irq)(struct g *gp, struct trap_frame *tf, uint64_t cr2);
    /* gp has left its code by a SYSCALL instruction, with these registers, its vector state in
     * gp->vec. Makes it a stopped one; returns where its registers are from now on. */
    struct trap_frame *(*syscall)(struct g *gp, const struct trap_frame *tf);
    /* Arguments and results of the gate in which gp stands. */
    void *(*gate_frame)(const struct g *gp);
    /* Calls fn for all memory that is gp's own and may hold pointers: stack, registers. gp is
     * stopped. */
    void (*memory)(const struct g *gp, void (*fn)(void *ctx, uintptr_t lo, uintptr_t hi),
                   void *ctx);
    /* Prints the frames of gp, which is stopped, and who created it. Crash context. */
    void (*traceback)(const struct traceback_out *o, const struct g *gp);
};

static inline bool g_is_go(const struct g *gp) { return !gp->kind; }

/* g.wait_since of ns on the monotonic clock, and back: to the second, in half the space. */
static inline uint32_t since_now(int64_t ns) { return (uint32_t)(ns >> 30) + 1; }
static inline int64_t since_ns(uint32_t since) { return ((int64_t)since - 1) << 30; }

/* Is gp's stack this CPU's to write to? Then gp runs here, stopped at its gate or about to go on,
 * or it is in a system call that the caller completes. */
static inline bool g_frame_mine(const struct g *gp)
{
    uint32_t s = __atomic_load_n(&gp->status, __ATOMIC_ACQUIRE) & ~(uint32_t)G_SCAN;

    return s == G_SYSCALL || (s == G_RUNNING && gp->m == cpu_self()->m);
}

/* The frame of a gate: arguments and results, at sched.sp + 8 (sched.sp points at the
 * stub's return address). Valid while the goroutine is stopped at the gate, and only for who
 * owns its stack: a parked goroutine's is the collector's, which may move it. The boot option
 * stackmove checks that. */
static inline void *g_gate_frame(const struct g *gp)
{
    CHECK(!options.stackmove || g_frame_mine(gp),
          "goroutine %lu: the frame of its gate is looked at in status %#x", gp->goid, gp->status);
    return g_is_go(gp) ? (void *)(gp->sched.sp + 8) : gp->kind->gate_frame(gp);
}

/* A result for gp, which waits and is about to be readied by the caller. Its stack is not the
 * caller's, so fn(gp) writes the result (gp->wake_result) into the gate's frame: execute() calls
 * it on the CPU that is going to run gp. g0, no locks, no allocation. */
static inline void g_wake_with(struct g *gp, void (*fn)(struct g *), uint64_t result)
{
    gp->wake_result = result;
    gp->on_wake = fn;
}

/* ---- scheduler (sched.c); all of it on g0 unless said otherwise -------------------- */
static inline struct g *g_calling(void) { return cpu_self()->curg; } /* the g whose gate this is */

/* Parks gp (the calling goroutine, stopped at its gate): sets G_WAITING, or G_SYSCALL if that is
 * why, releases `l` (may be NULL), runs others. Does not return: gp goes on behind its gate
 * after g_ready. */
_Noreturn void g_park_g0(struct g *gp, struct lock *l, enum wait_reason why);
/* Makes a parked goroutine runnable, next on this P, and wakes an idle CPU for it. Locks up
 * to RANK_TIMER may be held. g_ready_tail: at the queue's end instead of runnext. */
void g_ready(struct g *gp);
void g_ready_tail(struct g *gp);
/* gp yields: to the global queue's tail. Does not return. */
_Noreturn void g_yield_g0(struct g *gp);
_Noreturn void g_preempt_g0(struct g *gp); /* as g_yield_g0, at a preemption */
/* gp was stopped in the midst of its code, its vector state is in this CPU's scratch area: that
 * area becomes gp's, and the CPU gets another. gp is at an async_safe_point now. */
void g_take_vec(struct g *gp);
/* Continues gp, this CPU's, at gp->sched (gate.S). */
_Noreturn void g_switch(struct g *gp);
_Noreturn void schedule(void);
/* New goroutine for Go closure fn, as `go fn()` makes one; pc is the caller's. It is in
 * G_WAITING: g_ready starts it. NULL: no memory for its stack. */
struct g *g_new(void *closure, struct g *parent, uintptr_t callerpc);
/* gp will end without running more of the program: it is one of the runtime's from now on. */
void g_ending(struct g *gp);
/* Visits every g ever made (dead ones too). The list only grows; readable without locks. */
extern struct g *allgs; /* linked by alllink */

#endif
