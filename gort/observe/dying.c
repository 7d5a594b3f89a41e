/* dying.c - fatal errors: the world freezes, the report, the end. */
#include "gort/observe/dying.h"
#include <string.h>
#include "arch/x86_64/arch.h"
#include "gort/abi/app.h"
#include "gort/sched/sched.h"
#include "gort/observe/schedtrace.h"
#include "gort/stack/symtab.h"
#include "gort/observe/traceback.h"
#include "gort/stack/unwind.h"
#include "drivers/console.h"
#include "drivers/power.h"
#include "kernel/clock.h"
#include "kernel/lock.h"
#include "kernel/print.h"
#include "rt_frames.h"

static uint32_t dying; /* [atomic] 1 + id of the CPU that prints the report */

void (*dying_end)(int status) = machine_exit;

bool dying_here(void) { return __atomic_load_n(&dying, __ATOMIC_RELAXED) == cpu_self()->id + 1; }

/* Stops the other CPUs' goroutines as well as it goes: nothing is scheduled any more; one that
 * cannot be preempted is left running after a moment. GODEBUG=dontfreezetheworld=1: they go on. */
static void freeze(void)
{
    uint32_t first = 0, me = cpu_self()->id + 1;

    if (!__atomic_compare_exchange_n(&dying, &first, me, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        if (first == me)
            return;
        for (;;) /* another CPU prints the fatal error; it turns the machine off when it is done */
            cpu_relax();
    }
    lock_last_words();
    console_ending();
    sched_trace_dying();
    if (app && app->debug->dontfreezetheworld > 0)
        return;
    int64_t until = clock_mono_ns() + 20000000;
    __atomic_store_n(&sched.frozen, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&sched.stopping, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < ncpu; i++)
        if (allm[i] && allm[i] != m_self())
            preempt_cpu(i);
    while (clock_mono_ns() < until) {
        bool busy = false;
        for (unsigned i = 0; i < gomaxprocs; i++)
            busy |= allp[i] != p_self() && allp[i]->status == P_RUNNING;
        if (!busy)
            break;
        cpu_relax();
    }
}

void rt_freeze_world(struct freeze_world_frame *f)
{
    (void)f;
    freeze();
    m_self()->locks++; /* the dying goroutine keeps its CPU to the end */
}

/* The frame that called fatalpanic, throw or fatal, the caller of this gate. Looked for only
 * now: what it has printed since may have moved the stack. */
static bool dying_caller(struct g *gp, uintptr_t *pc, uintptr_t *sp)
{
    struct unwinder u;

    unwinder_init(&u, gp);
    while (unwinder_valid(&u) &&
           strcmp(symtab_name(u.frame.fn), "runtime.crash_traceback") == 0)
        unwinder_next(&u);
    if (!unwinder_valid(&u) || !u.frame.lr)
        return false;
    *pc = u.frame.lr;
    *sp = u.frame.fp;
    return true;
}

enum { LEVEL_NONE, LEVEL_SINGLE, LEVEL_ALL, LEVEL_SYSTEM, LEVEL_CRASH };

void rt_crash_traceback(struct crash_traceback_frame *f)
{
    struct g *gp = g_calling();
    int level = app->debug->gotraceback;
    bool all = level >= LEVEL_ALL;

    if (level == LEVEL_NONE)
        return;
    bool runtime = level >= LEVEL_SYSTEM;
    if (f->level > 0) /* throw shows everybody and everything */
        all = runtime = true;
    uintptr_t pc = gp->sched.pc, sp = gp->sched.sp;
    if (g_is_go(gp))
        dying_caller(gp, &pc, &sp);
    kprintf("\n");
    traceback_g(gp, pc, sp, runtime);
    if (all)
        traceback_others(gp, runtime);
}

void rt_signal_death(const char *what)
{
    const struct g *gp = cpu_self()->curg;

    freeze();
    kprintf("%s\nPC=%#lx m=%u sigcode=0\n", what, gp ? gp->sched.pc : 0ul, m_self()->id);
    if (gp) {
        kprintf("\n");
        traceback_g(gp, gp->sched.pc, gp->sched.sp, true);
    }
    traceback_others(gp, true);
    kprintf("\n");
    dying_end(2);
    __builtin_unreachable();
}

void dying_print(bool runtime, const char *fmt, va_list ap)
{
    freeze();
    runtime = runtime || (app && app->debug->gotraceback >= LEVEL_SYSTEM);
    kprintf("fatal error: ");
    kvprintf(fmt, ap);
    kprintf("\n");
    struct g *gp = cpu_self()->curg;
    if (gp) {
        kprintf("\n");
        traceback_g(gp, gp->sched.pc, gp->sched.sp, runtime);
    }
    traceback_others(gp, runtime);
    dying_end(2);
    __builtin_unreachable();
}
