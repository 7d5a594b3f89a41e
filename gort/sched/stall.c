/* stall.c - the longest time that a CPU could not be preempted: stall.h. */
#include "gort/sched/stall.h"
#include "arch/x86_64/arch.h"
#include "gort/sched/mp.h"
#include "kernel/clock.h"
#include "kernel/lock.h"
#include "kernel/print.h"
#include "kernel/symtab.h"

#define DEPTH 16

struct stall {
    int64_t since;         /* [this CPU, interrupts] when it was first seen; 0: there is none */
    int64_t ns;            /* how long it was */
    unsigned n;            /* [this CPU, interrupts] */
    uintptr_t pc[DEPTH];   /* at its last tick, innermost first */
};
static struct stall now_at[CPU_MAX], worst;
static struct lock worst_lock = LOCK_INIT("stall", RANK_LEAF);

/* On g0 for a gate? The word at its top is the goroutine's sp when a leaf runs (leaf.h). */
static bool in_gate(const struct cpu *c, const struct trap_frame *tf)
{
    const struct g *gp = c->curg;

    if (!gp || tf->rsp <= c->g0_lo || tf->rsp >= c->g0_sp)
        return false;
    uintptr_t top = ((const uintptr_t *)c->g0_sp)[-1];
    return top < gp->stack.lo || top >= gp->stack.hi;
}

static void walk_irq(struct stall *s, const struct cpu *c, const struct trap_frame *tf)
{
    uintptr_t bp = tf->rbp;

    s->pc[0] = tf->rip;
    for (s->n = 1; s->n < DEPTH && bp > tf->rsp && bp < c->g0_sp - 8 && bp % 8 == 0; s->n++) {
        s->pc[s->n] = ((const uintptr_t *)bp)[1];
        bp = ((const uintptr_t *)bp)[0];
    }
}

void stall_tick_irq(const struct trap_frame *tf, bool stuck, int64_t due)
{
    struct cpu *c = cpu_self();
    struct stall *s = &now_at[c->id];

    if (!stuck || !in_gate(c, tf)) {
        s->since = 0;
        return;
    }
    if (!s->since)
        s->since = due;
    walk_irq(s, c, tf);
}

void stall_over(void)
{
    struct stall *s = &now_at[cpu_self()->id];
    uint64_t flags = irq_save();

    if (s->since) {
        s->ns = clock_mono_ns() - s->since;
        s->since = 0;
        lock(&worst_lock);
        if (s->ns > worst.ns)
            worst = *s;
        unlock(&worst_lock);
    }
    irq_restore(flags);
}

void stall_report(void)
{
    lock(&worst_lock);
    struct stall s = worst;
    unlock(&worst_lock);
    kprintf("stallwatch: a CPU could not be preempted for %ld us\n", (long)s.ns / 1000);
    for (unsigned i = 0; i < s.n; i++) {
        uintptr_t off = 0;
        const char *name = ksym_lookup(s.pc[i], &off);
        kprintf("    %s+%#lx (%#lx)\n", name ? name : "?", off, s.pc[i]);
    }
}
