/* schedtrace.c - see schedtrace.h. */
#include "gort/observe/schedtrace.h"
#include <inttypes.h>
#include <stdio.h>
#include "gort/abi/app.h"
#include "gort/sched/background.h"
#include "gort/sched/sched.h"
#include "gort/time/timer_heap.h"
#include "gort/observe/traceback.h"
#include "kernel/clock.h"
#include "kernel/print.h"
#include "rt_frames.h"

/* A number, or nil. */
struct text { char s[24]; };
static struct text id_text(bool is, uint64_t id)
{
    struct text t = { "nil" };

    if (is)
        snprintf(t.s, sizeof t.s, "%" PRIu64, id);
    return t;
}

/* Lines become longer than kprintf takes: with 64 CPUs. */
static void put_lengths(void)
{
    for (unsigned i = 0; i < gomaxprocs; i++) {
        const struct p *p = allp[i];
        kprintf("%s%u%s", i ? " " : " [ ", p->runq_tail - p->runq_head,
                i + 1 == gomaxprocs ? " ]" : "");
    }
    kprintf(" schedticks=[ ");
    for (unsigned i = 0; i < gomaxprocs; i++)
        kprintf("%u ", allp[i]->schedtick);
    kprintf("]\n");
}

static void put_ps(void)
{
    for (unsigned i = 0; i < gomaxprocs; i++) {
        const struct p *p = allp[i];
        const struct m *mp = __atomic_load_n(&p->m, __ATOMIC_ACQUIRE);
        kprintf("  P%u: status=%u schedtick=%u syscalltick=0 m=%s runqsize=%u gfreecnt=%u "
                "timerslen=%u\n", i, p->status, p->schedtick, id_text(mp, mp ? mp->id : 0).s,
                p->runq_tail - p->runq_head, p->gfree_count, p->timers->len);
    }
}

static const struct g *locked_to(const struct m *mp)
{
    const struct g *gp = __atomic_load_n(&allgs, __ATOMIC_ACQUIRE);

    while (gp && gp->lockedm != mp)
        gp = gp->alllink;
    return gp;
}

static void put_ms(void)
{
    for (unsigned i = ncpu; i-- > 0;) {
        const struct m *mp = allm[i];
        if (!mp)
            continue;
        const struct p *p = __atomic_load_n(&mp->cpu->p, __ATOMIC_ACQUIRE);
        const struct g *gp = __atomic_load_n(&mp->curg, __ATOMIC_ACQUIRE), *locked = locked_to(mp);
        kprintf("  M%u: p=%s curg=%s mallocing=%d throwing=0 preemptoff= locks=%d dying=%d "
                "spinning=%s blocked=%s lockedg=%s\n", mp->id, id_text(p, p ? p->id : 0).s,
                id_text(gp, gp ? gp->goid : 0).s, mp->mallocing, mp->locks, mp->dying,
                mp->spinning ? "true" : "false", mp->idle ? "true" : "false",
                id_text(locked, locked ? locked->goid : 0).s);
    }
}

static void put_gs(void)
{
    for (const struct g *gp = __atomic_load_n(&allgs, __ATOMIC_ACQUIRE); gp; gp = gp->alllink) {
        uint32_t s = g_status(gp);
        bool runs = (s & ~(uint32_t)G_SCAN) == G_RUNNING;
        const struct m *mp = gp->m, *locked = gp->lockedm;
        kprintf("  G%" PRIu64 ": status=%u(%s) m=%s lockedm=%s\n", gp->goid, s,
                wait_reason_text(gp->wait_reason), id_text(runs && mp, mp ? mp->id : 0).s,
                id_text(locked, locked ? locked->id : 0).s);
    }
}

void sched_trace(bool detail)
{
    static int64_t first;
    static uint32_t busy; /* [atomic] */
    int64_t now = clock_mono_ns();

    if (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE)) /* a slow CPU is still at the last one */
        return;
    if (!first)
        first = now;
    kprintf("SCHED %lldms: gomaxprocs=%u idleprocs=%u threads=%u spinningthreads=%u "
            "needspinning=0 idlethreads=%u runqueue=%u", (long long)(now - first) / 1000000,
            gomaxprocs, sched.npidle, ncpu, sched.nmspinning, sched.nmidle, sched.runq_size);
    if (detail) {
        kprintf(" gcwaiting=%s nmidlelocked=0 stopwait=0 sysmonwait=false\n",
                sched.stopping ? "true" : "false");
        put_ps();
        put_ms();
        put_gs();
    } else {
        put_lengths();
    }
    __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

void sched_trace_dying(void)
{
    if (app && (app->debug->schedtrace > 0 || app->debug->scheddetail > 0))
        sched_trace(true);
}

static void trace_job(void) { sched_trace(app->debug->scheddetail > 0); }

void rt_sched_trace_opts(struct sched_trace_opts_frame *f)
{
    if (f->period_ms > 0)
        background_every(f->period_ms * 1000000ll, trace_job);
}

void sched_dump(void)
{
    kprintf("\ngort: goroutines, on request:\n");
    sched_trace(false);
    stw_begin(STW_STACKS);
    traceback_others(NULL, false);
    stw_end();
    kprintf("\ngort: going on\n");
}
