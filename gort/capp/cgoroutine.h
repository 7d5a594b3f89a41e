/* cgoroutine.h - goroutines whose code is C: those of C apps, and services of the kernel.
 *
 *   high  stack.hi   fn, arg: what cg_start calls                 <- first sched.sp
 *         ...        committed page by page as it is touched
 *         stack.lo
 *   low   one page   never mapped: a hit is "stack overflow"
 *
 * Such a goroutine is scheduled like any other. What differs:
 *
 * - Its stack has a fixed size, does not move, and is scanned conservatively.
 * - It enters the runtime through cg_call, which runs a function on g0 as a gate does: all
 *   rt_NAME(frame) functions can be called that way. Callee-saved registers and the floating-
 *   point modes lie on its own stack then.
 * - It can be stopped at any instruction: an interrupt copies the trap frame into the g and
 *   goes on at an entry on g0, which saves the whole vector state. So nothing is pushed onto
 *   the goroutine's stack, red zone or not. A first touch of a stack page gets to g0 likewise,
 *   where locks may be taken, to commit it. The exception is cgate.S itself.
 * - C on g0 must not be the first to touch a page of such a stack: code that passes a buffer for
 *   another goroutine to fill touches it first (`touch` in capp/lib/private.h).
 *
 * Kernel code that takes spinlocks or looks at the CPU it runs on is written for g0: a C
 * goroutine calls it by cg_call. */
#ifndef GORT_CAPP_CGOROUTINE_H
#define GORT_CAPP_CGOROUTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/arch.h"
#include "gort/g.h"

#define CG_STACK_DEFAULT (256ul << 10) /* bytes of address space, the guard page included */
#define CG_STACK_MIN     (16ul << 10)
#define CG_STACK_MAX     (1ul << 30)
#define CG_RED_ZONE      128           /* bytes below rsp that code may use (System V ABI) */

/* The part of a g that only C goroutines have. */
struct cg {
    struct trap_frame trap; /* [owner] registers of a preemption or fault; first: cgate.S */
    uintptr_t base;         /* [const while it has a stack] the guard page */
    size_t    size;         /* ...from the guard page to the end; 0: it has no stack */
    size_t    committed;    /* [owner] bytes */
    uintptr_t fault;        /* [owner] address that cg_faulted is to commit */
    void     *gate_frame;   /* [owner] the arguments of the gate that it stands in */
    void     *c_private;    /* [owner] newlib's reentrancy */
    struct g *g;            /* [const] */
};

/* The goroutine whose code this is: one instruction, so that no preemption comes between. */
static inline struct g *cg_self(void)
{
    struct g *gp;
    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(gp) : "i"(offsetof(struct cpu, curg)));
    return gp;
}

/* ---- called by C goroutines ---------------------------------------------------------- */

/* fn(frame) on this CPU's g0. If fn parks the goroutine, cg_call returns when it is readied;
 * results are where fn or its waker has put them in *frame. */
void cg_call(void *frame, void (*fn)(void *frame));
#define CG_GATE(name, frame) cg_call((frame), (void (*)(void *))rt_##name)

_Noreturn void cg_exit(void);      /* as returning from fn */

/* A place where one goroutine waits for somebody to say that there is something to do. */
struct cg_event { struct lock lock; bool set; struct g *waiter; };
#define CG_EVENT_INIT(name) { .lock = LOCK_INIT(name, RANK_SUDOG) }
void cg_event_wait(struct cg_event *e);   /* C goroutine; takes the signal */
void cg_event_set(struct cg_event *e);    /* g0, locks below RANK_SUDOG may be held */

/* ---- for the runtime -------------------------------------------------------------------- */

/* New C goroutine that calls fn(arg) on a fixed, demand-committed stack of `stack_size` bytes
 * (0: the default), G_WAITING: g_ready starts it. g0, with a P. */
struct g *g_new_c(void (*fn)(void *), void *arg, size_t stack_size, bool system);
/* Interrupt context. Is tf in the goroutine's own code, at a place where it may stop? Then it
 * continues on g0, and this is true. */
bool cg_preempt_irq(struct g *gp, struct trap_frame *tf);
/* A page fault that a first touch of the stack, or its overflow, explains. */
bool cg_fault_irq(struct g *gp, struct trap_frame *tf, uint64_t cr2);
/* g_kind.memory and g_kind.traceback of C goroutines. */
void cg_memory(const struct g *gp, void (*fn)(void *ctx, uintptr_t lo, uintptr_t hi), void *ctx);
void cg_traceback(const struct traceback_out *o, const struct g *gp);
void cg_resume(void); /* cgate.S */
/* The goroutine stands where it was interrupted, its registers in cg->trap and vec. */
bool cg_is_trapped(const struct g *gp);
/* Where a stopped goroutine is, for tracebacks: its pc and frame pointer. */
void cg_position(const struct g *gp, uintptr_t *pc, uintptr_t *bp);

#endif
