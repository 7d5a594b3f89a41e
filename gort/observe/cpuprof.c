/* cpuprof.c - sampling the CPUs: cpuprof.h. The functions called *_irq, and all that they
 * call, run in interrupt context: no locks, no FPU (scripts/mk/kernel.mk). */
#include "gort/observe/cpuprof.h"
#include <stddef.h>
#include "arch/x86_64/arch.h"
#include "gort/abi/app.h"
#include "gort/gc/gc.h"
#include "gort/sched/sched.h"
#include "gort/stack/unwind.h"
#include "kernel/clock.h"
#include "kernel/random.h"
#include "kernel/symtab.h"
#include "mm/mm.h"
#include "rt_frames.h"

#define DEPTH 64            /* frames of a sample, as upstream's */
#define C_DEPTH 24u         /* of them the kernel's, at most */
#define SLOTS 256u          /* samples that a CPU holds until they are read; power of two */
#define MIN_GAP_NS 100000ll /* faster than this no CPU is interrupted: samples count for more */

struct sample {
    int64_t time;
    uint64_t count;         /* periods that it stands for */
    uint32_t run;           /* prof.run when it was taken */
    uint32_t n;
    uintptr_t pc[DEPTH];    /* return addresses, innermost first */
};

/* One producer, this CPU's timer interrupt; one consumer, the reading goroutine. */
struct profring {
    uint32_t head;          /* [atomic] samples ever written */
    uint32_t tail;          /* [atomic] samples ever read */
    uint64_t lost;          /* [atomic] periods that found no room */
    void *label[SLOTS];     /* [atomic] roots; of the goroutine sampled */
    struct sample slot[SLOTS];
    struct prof_cache cache; /* of that interrupt alone: it does not nest */
};

/* Functions of the program that stand for what is not Go: overlay/cpuprof.go has the order. */
enum { IN_SYSTEMSTACK, IN_NEWSTACK, IN_MORESTACK, IN_SCHEDULE, IN_GC_WORKER, IN_SYSTEM,
       IN_EXTERNAL, IN_COUNT };

static struct {
    int64_t period;             /* [atomic] ns of busy time between samples, 0 = off */
    uint32_t run;               /* [atomic] number of the profile */
    uintptr_t stands_for[IN_COUNT]; /* [const once set] */
} prof;

extern const char morestack_return[]; /* morestack.S */

/* ---- where the CPU was ------------------------------------------------------------------- */

static void put_irq(struct sample *s, unsigned what)
{
    if (s->n < DEPTH)
        s->pc[s->n++] = prof.stands_for[what] + 1; /* readers subtract one */
}

/* The C function that was interrupted, and by frame pointers those that have called it on g0. In a
 * function's first instructions its caller is left out. */
static void put_c_irq(struct sample *s, const struct trap_frame *tf)
{
    const struct cpu *c = cpu_self();
    uintptr_t low = tf->rsp, bp = tf->rbp;

    if (!ksym_is_text(tf->rip))
        return;
    s->pc[s->n++] = tf->rip + 1;
    if (low < c->g0_lo)
        return;
    while (s->n < C_DEPTH && bp >= low && bp <= c->g0_hi - 16 && !(bp & 7)) {
        const uintptr_t *frame = (const uintptr_t *)bp;
        if (!ksym_is_text(frame[1]))
            return;
        s->pc[s->n++] = frame[1];
        low = bp + 16;
        bp = frame[0];
    }
}

/* The frames of gp from (pc, sp) on. exact: pc is an instruction, not a return address. */
static void put_stack_irq(struct sample *s, const struct g *gp, struct stack st, uintptr_t pc,
                          uintptr_t sp, bool exact)
{
    struct unwinder u;

    unwinder_init_prof(&u, gp, st, pc, sp, &cpu_self()->m->prof_ring->cache);
    u.trap = exact;
    s->n += (uint32_t)unwinder_pcs(&u, 0, s->pc + s->n, DEPTH - s->n);
}

static bool within(struct stack st, uintptr_t sp) { return sp >= st.lo && sp + 8 <= st.hi; }

/* On the goroutine's stack: in Go, or in the first or last instructions of the C that is
 * entered from there, which have pushed nothing. */
static void on_go_stack_irq(struct sample *s, const struct g *gp, const struct trap_frame *tf)
{
    uintptr_t ret = *(const uintptr_t *)tf->rsp;

    if (app_is_text(tf->rip)) {
        put_stack_irq(s, gp, gp->stack, tf->rip, tf->rsp, true);
    } else if (app_is_text(ret)) {
        put_c_irq(s, tf);
        put_stack_irq(s, gp, gp->stack, ret, tf->rsp + 8, false);
    }
}

/* On g0, in the service of gp. The word at its top shows how it came here:
 *
 *      leaf        g0_sp - 8   the goroutine's sp      g0_sp - 24  return address into the stub
 *      morestack   g0_sp - 8   morestack_return
 *      gate        g0_sp - 8   return address into gate_enter */
static void on_g0_irq(struct sample *s, const struct g *gp, const struct trap_frame *tf)
{
    const struct cpu *c = cpu_self();
    uintptr_t top = tf->rsp < c->g0_sp ? ((const uintptr_t *)c->g0_sp)[-1] : 0;

    if (within(gp->stack, top)) {
        bool in_stub = app_is_text(tf->rip);
        uintptr_t pc = in_stub ? tf->rip : ((const uintptr_t *)c->g0_sp)[-3];
        put_c_irq(s, tf);
        if (!in_stub)
            put_irq(s, IN_SYSTEMSTACK);
        put_stack_irq(s, gp, gp->stack, pc, top, in_stub);
        return;
    }
    put_c_irq(s, tf);
    if (top == (uintptr_t)morestack_return) {
        put_irq(s, IN_NEWSTACK);
        put_irq(s, IN_MORESTACK);
    } else {
        put_irq(s, IN_SYSTEMSTACK);
    }
    put_stack_irq(s, gp, gp->stack, gp->sched.pc, gp->sched.sp, false);
}

/* This CPU alone takes gp out of RUNNING and COPYSTACK, so what they promise holds until the
 * handler returns. In any other state gp may belong to somebody else by now. */
static void in_goroutine_irq(struct sample *s, struct g *gp, const struct trap_frame *tf)
{
    const struct cpu *c = cpu_self();
    const struct m *mp = c->m;
    uint32_t status = g_status(gp) & ~(uint32_t)G_SCAN;

    if (gp->m != mp || !g_is_go(gp))
        return;
    if (status == G_RUNNING && within(gp->stack, tf->rsp)) {
        on_go_stack_irq(s, gp, tf);
    } else if (status == G_RUNNING && tf->rsp > c->g0_lo && tf->rsp <= c->g0_sp) {
        on_g0_irq(s, gp, tf);
    } else if (status == G_COPYSTACK && mp->moving.stack.hi) {
        put_c_irq(s, tf);
        put_irq(s, IN_NEWSTACK);
        put_irq(s, IN_MORESTACK);
        put_stack_irq(s, gp, mp->moving.stack, mp->moving.pc, mp->moving.sp, false);
    } else if (status == G_WAITING && gp->wait_reason == WAIT_GC_WORKER_ACTIVE) {
        put_c_irq(s, tf);
        put_irq(s, IN_SYSTEMSTACK);
        put_irq(s, IN_GC_WORKER);
    }
}

/* A sample without a stack is a pc, or what stands for it, in "the system". */
static void fill_irq(struct sample *s, struct g *gp, const struct trap_frame *tf)
{
    s->n = 0;
    if (gp)
        in_goroutine_irq(s, gp, tf);
    if (s->n)
        return;
    if (app_is_text(tf->rip))
        s->pc[s->n++] = tf->rip + 1;
    put_c_irq(s, tf);
    if (!gp)
        put_irq(s, IN_SCHEDULE);
    else if (!s->n)
        put_irq(s, IN_EXTERNAL);
    put_irq(s, IN_SYSTEM);
}

/* ---- when --------------------------------------------------------------------------------- */

/* Ticks begin at a random moment of the first period, each CPU's at another. */
static void join_irq(struct m *mp, int64_t busy, int64_t period)
{
    mp->prof_run = __atomic_load_n(&prof.run, __ATOMIC_ACQUIRE);
    mp->prof_next = busy + 1 + (int64_t)(random_fast() % (uint64_t)period);
}

static int64_t busy_ns(const struct cpu *c, int64_t now) { return now - (int64_t)c->idle_ns; }

static __attribute__((noinline)) int64_t due_of(int64_t period)
{
    struct cpu *c = cpu_self();
    struct m *mp = c->m;

    if (!mp || cpu_halts(c))
        return INT64_MAX;
    uint64_t fl = irq_save();
    int64_t now = clock_mono_ns(), busy = busy_ns(c, now);
    if (mp->prof_run != __atomic_load_n(&prof.run, __ATOMIC_ACQUIRE))
        join_irq(mp, busy, period);
    int64_t left = mp->prof_next - busy;
    irq_restore(fl);
    return now + (left > MIN_GAP_NS ? left : MIN_GAP_NS);
}

int64_t cpuprof_due(void)
{
    int64_t period = __atomic_load_n(&prof.period, __ATOMIC_ACQUIRE);

    return period ? due_of(period) : INT64_MAX;
}

static void record_irq(struct cpu *c, const struct trap_frame *tf, int64_t now, uint64_t count)
{
    struct profring *r = c->m->prof_ring;
    uint32_t head = r->head;

    if (head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) == SLOTS) {
        __atomic_add_fetch(&r->lost, count, __ATOMIC_RELAXED);
        return;
    }
    struct sample *s = &r->slot[head % SLOTS];
    s->time = now;
    s->count = count;
    s->run = c->m->prof_run;
    fill_irq(s, c->curg, tf);
    r->label[head % SLOTS] = c->curg && c->curg->m == c->m ? c->curg->labels : NULL;
    __atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
}

void cpuprof_tick_irq(const struct trap_frame *tf, int64_t now)
{
    struct cpu *c = cpu_self();
    struct m *mp = c->m;
    int64_t period = __atomic_load_n(&prof.period, __ATOMIC_ACQUIRE);

    if (period == 0 || cpu_halts(c) || mp->prof_run != __atomic_load_n(&prof.run, __ATOMIC_ACQUIRE))
        return;
    int64_t late = busy_ns(c, now) - mp->prof_next;
    if (late < 0)
        return;
    int64_t count = late / period + 1;
    mp->prof_next += count * period;
    record_irq(c, tf, now, (uint64_t)count);
}

/* ---- starting, stopping, reading ------------------------------------------------------------ */

void rt_cpuprof_start(struct cpuprof_start_frame *f)
{
    const uintptr_t *names = f->names;

    for (unsigned i = 0; i < IN_COUNT; i++)
        prof.stands_for[i] = names[i];
    for (unsigned i = 0; i < ncpu; i++)
        if (!allm[i]->prof_ring)
            allm[i]->prof_ring = persistent_alloc(sizeof(struct profring), 64, NULL);
    __atomic_add_fetch(&prof.run, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&prof.period, 1000000000 / f->hz, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < ncpu; i++) /* the handler arms that CPU's timer */
        if (allm[i] != m_self())
            ipi_send(i, IPI_WAKE);
    sched_timer_changed(NULL, cpuprof_due());
}

void rt_cpuprof_stop(struct cpuprof_stop_frame *f)
{
    (void)f;
    __atomic_store_n(&prof.period, 0, __ATOMIC_SEQ_CST);
}

/* Appends a record as runtime/pprof reads them: its length, time, count, stack. */
static bool put_record(struct cpuprof_read_frame *f, int64_t time, uint64_t count,
                       const uintptr_t *pc, uint32_t n, void *label)
{
    uint64_t *out = (uint64_t *)f->data + f->n;

    if (f->ntags == f->tagcap || f->n + 3 + n > f->cap)
        return false;
    *out++ = 3 + n;
    *out++ = (uint64_t)time;
    *out++ = count;
    for (uint32_t i = 0; i < n; i++)
        *out++ = pc[i];
    f->n += 3 + n;
    gc_shade(label); /* tags is an object that may have been marked already */
    ((void **)f->tags)[f->ntags++] = label;
    return true;
}

static bool read_ring(struct cpuprof_read_frame *f, struct profring *r)
{
    uint64_t lost = __atomic_exchange_n(&r->lost, 0, __ATOMIC_RELAXED);

    /* No count and one word of stack: so many samples are missing. */
    if (lost && !put_record(f, clock_mono_ns(), 0, (const uintptr_t[]){ lost }, 1, NULL)) {
        __atomic_add_fetch(&r->lost, lost, __ATOMIC_RELAXED);
        return false;
    }
    while (r->tail != __atomic_load_n(&r->head, __ATOMIC_ACQUIRE)) {
        uint32_t i = r->tail % SLOTS;
        const struct sample *s = &r->slot[i];
        if (s->run == prof.run && !put_record(f, s->time, s->count, s->pc, s->n, r->label[i]))
            return false;
        r->label[i] = NULL;
        __atomic_store_n(&r->tail, r->tail + 1, __ATOMIC_RELEASE);
    }
    return true;
}

/* Whole records, as many as fit. */
void rt_cpuprof_read(struct cpuprof_read_frame *f)
{
    f->n = f->ntags = 0;
    for (unsigned i = 0; i < ncpu; i++)
        if (allm[i]->prof_ring && !read_ring(f, allm[i]->prof_ring))
            return;
}

void cpuprof_roots(void (*fn)(void *ctx, void *label), void *ctx)
{
    for (unsigned i = 0; i < ncpu; i++) {
        const struct profring *r = allm[i] ? allm[i]->prof_ring : NULL;
        for (uint32_t n = r ? r->tail : 0; r && n != r->head; n++)
            fn(ctx, r->label[n % SLOTS]);
    }
}
