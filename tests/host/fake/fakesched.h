/* fakesched.h - a scheduler for host tests of code that parks and wakes goroutines. The test
 * includes it once. Goroutines are state machines: body(fg) runs from the last GATE on.
 *
 *   static void body(struct fg *fg)
 *   {
 *       BODY                                   // locals that outlive a gate: fg->v[]
 *       while (fg->v[0]-- > 0)
 *           CHANSEND(c, &fg->elem);            // a status: fg->status
 *       END
 *   }
 *
 * fake_run(nthreads) runs all of them to their ends on as many "CPUs", each a thread with a
 * struct cpu at its GS base, m and p: so the code under test is compiled as for the kernel. A
 * gate that parks leaves by longjmp. Locks check ranks; time is virtual (fake_now), and jumps
 * to the next timer when nothing else can run. */
#ifndef FAKESCHED_H
#define FAKESCHED_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "gort/dying.h"
#include "gort/sync/waitprof.h"
#include "gort/sync/chan.h"
#include "gort/abi/leaf.h"
#include "gort/sched/sched.h"
#include "gort/time/timer.h"
#include "gort/heap/malloc.h"
#include "gort/heap/typedmem.h"
#include "mm/mm.h"
#include "kernel/clock.h"
#include "kernel/options.h"
#include "kernel/random.h"
#include "rt_frames.h"

struct boot_options options;

struct fg {
    struct g g; /* first */
    void (*body)(struct fg *);
    int pc;
    bool done;
    uint32_t status;
    uint64_t elem;
    int64_t v[8];
    void *ptr[4];
    struct { struct hchan *c; void *elem; } cases[8];
    uint16_t order[16];
    union {
        struct chansendg_frame chansendg;
        struct chanrecvg_frame chanrecvg;
        struct chanwoken_frame chanwoken;
        struct chanclose_frame chanclose;
        struct selectg_frame selectg;
        struct selectwoken_frame selectwoken;
        struct block_frame block;
        struct semacquireg_frame semacquireg;
        struct semreleaseg_frame semreleaseg;
        struct notifywait_frame notifywait;
        struct notifyall_frame notifyall;
        struct notifyone_frame notifyone;
        struct timermodify_frame timermodify;
        struct timerstop_frame timerstop;
        struct sleepns_frame sleepns;
        struct coronewg_frame coronewg;
        struct coroswitchg_frame coroswitchg;
        struct coroexitg_frame coroexitg;
    } fr;
};

#define BODY switch (fg->pc) { case 0:
#define END } fg->done = true;
#define GATE_(n, name, ...)                                                              \
    fg->fr.name = (struct name##_frame){ __VA_ARGS__ };                                  \
    fg->pc = n;                                                                          \
    rt_##name(&fg->fr.name);                                                             \
    __attribute__((fallthrough));                                                        \
    case n:
#define GATE(name, ...) GATE_(__COUNTER__ + 1, name, __VA_ARGS__)
#define YIELD_(n) do {                                                                   \
        fg->pc = n;                                                                      \
        fake_yield(&fg->g);                                                              \
        __attribute__((fallthrough));                                                    \
    case n:;                                                                             \
    } while (0)
#define YIELD() YIELD_(__COUNTER__ + 1)
#define CHANWOKEN(ch)                                                                    \
    if (fg->status == CHAN_PARKED) {                                                     \
        GATE(chanwoken, ch);                                                             \
        fg->status = fg->fr.chanwoken.status;                                            \
    }
#define CHANSEND(ch, e) do {                                                             \
        fg->status = CHAN_DONE;                                                          \
        if (!chansend_leaf(ch, e)) {                                                     \
            GATE(chansendg, ch, e, true);                                                \
            fg->status = fg->fr.chansendg.status;                                        \
        }                                                                                \
        CHANWOKEN(ch)                                                                    \
    } while (0)
#define CHANRECV(ch, e, blk) do {                                                        \
        do {                                                                             \
            GATE(chanrecvg, ch, e, blk);                                                 \
            fg->status = fg->fr.chanrecvg.status;                                        \
            if (fg->status == CHAN_TIMER)                                                \
                fake_timer_func((ch)->timer, fg->fr.chanrecvg.delay);                    \
        } while (fg->status == CHAN_TIMER);                                              \
        CHANWOKEN(ch)                                                                    \
    } while (0)
/* fg->cases: ns sends, then nr receives. The case number: fg->v[7]. */
#define SELECT(ns, nr, blk) do {                                                         \
        GATE(selectg, fg->cases, fg->order, ns, nr, blk);                                \
        fg->status = fg->fr.selectg.status;                                              \
        fg->v[7] = fg->fr.selectg.chosen;                                                \
        if (fg->status == CHAN_PARKED) {                                                 \
            GATE(selectwoken, fg->cases, fg->order, ns, nr);                             \
            fg->status = fg->fr.selectwoken.status;                                      \
            fg->v[7] = fg->fr.selectwoken.chosen;                                        \
        }                                                                                \
    } while (0)
#define SEMACQUIRE(addr, lifo, why) do {                                                 \
        do {                                                                             \
            GATE(semacquireg, addr, lifo, why);                                          \
        } while (fg->fr.semacquireg.parked && !fg->g.param && !fake_sema_try(addr));     \
    } while (0)

/* ---- results --------------------------------------------------------------------------- */

static int fake_failures;

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    fflush(stdout);
    fake_failures += !ok;
}

_Noreturn void kernel_panic(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    abort();
}

_Noreturn void rt_throw(const char *fmt, ...)
{
    (void)fmt;
    PANIC("throw: %s", fmt);
}

_Noreturn void gate_panic(struct g *gp, enum gate_panic kind, const char *msg)
{
    PANIC("g %lu: gate_panic %d %s", (unsigned long)gp->goid, kind, msg);
}

/* ---- machine ----------------------------------------------------------------------------- */

static struct fake_cpu {
    struct cpu cpu;
    struct m m;
    struct p p;
    jmp_buf top;
    struct fg helper; /* for go_call */
    uint64_t rng;
} fake_cpus[8];
unsigned ncpu;
unsigned gomaxprocs;
struct sched sched;
static int64_t fake_now = 1000;
static uint64_t fake_seed = 1;

static struct fake_cpu *fake_self(void) { return (struct fake_cpu *)cpu_self(); }

static void fake_enter(unsigned i)
{
    struct fake_cpu *fc = &fake_cpus[i];

    fc->cpu.self = &fc->cpu;
    fc->cpu.m = &fc->m;
    fc->cpu.p = &fc->p;
    fc->cpu.id = i;
    fc->p.id = i;
    fc->rng = fake_seed * 0x9e3779b97f4a7c15ull + i + 1;
    if (syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, &fc->cpu) != 0)
        PANIC("arch_prctl");
    if (!fc->p.timers)
        timers_init(&fc->p);
}

uint64_t random_fast(void)
{
    uint64_t *x = &fake_self()->rng;

    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x * 0x2545f4914f6cdd1dull;
}

int64_t clock_mono_ns(void) { return __atomic_load_n(&fake_now, __ATOMIC_SEQ_CST); }
int64_t clock_wall_ns(void) { return clock_mono_ns() + 1700000000ll * 1000000000; }
int64_t wall_now(void) { return clock_wall_ns(); }
int64_t wall_and_mono(int64_t *mono)
{
    *mono = clock_mono_ns();
    return clock_wall_ns();
}

void lock_init(struct lock *l, const char *name, enum lock_rank rank)
{
    *l = (struct lock){ 0, rank, name };
}

void lock(struct lock *l)
{
    struct cpu *c = cpu_self();
    uint32_t free = 0;

    for (uint32_t i = 0; i < c->nheld; i++)
        CHECK(c->held[i]->rank < l->rank ||
                  (l->rank == RANK_HCHAN && c->held[i]->rank == l->rank && c->held[i] < l),
              "lock order: rank %u under %u", l->rank, c->held[i]->rank);
    while (!__atomic_compare_exchange_n(&l->held, &free, c->id + 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
        free = 0;
        sched_yield();
    }
    CHECK(c->nheld < 16, "too many locks");
    c->held[c->nheld++] = l;
}

void unlock(struct lock *l)
{
    struct cpu *c = cpu_self();
    uint32_t i = 0;

    CHECK(__atomic_load_n(&l->held, __ATOMIC_RELAXED) == c->id + 1, "unlock by another CPU");
    while (c->held[i] != l)
        i++;
    for (; i + 1 < c->nheld; i++)
        c->held[i] = c->held[i + 1];
    c->nheld--;
    __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

/* ---- memory -------------------------------------------------------------------------------- */

/* The element type of all channels is its size. */
void *persistent_alloc(size_t size, size_t align, uint64_t *stat)
{
    static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
    static void **all; /* reachable, for the leak checker */
    void **block = calloc(1, size + 128);

    (void)stat;
    pthread_mutex_lock(&mu);
    *block = all;
    all = block;
    pthread_mutex_unlock(&mu);
    return (void *)(((uintptr_t)block + 8 + align - 1) & ~(uintptr_t)(align - 1));
}
struct gc gc;
_Noreturn void malloc_out_of_memory(size_t wanted) { rt_throw("no %zu bytes", wanted); }

void typed_move_any(const void *type, void *dst, const void *src)
{
    memmove(dst, src, ((const struct go_type *)type)->size);
}
void typed_clear_any(const void *type, void *ptr)
{
    memset(ptr, 0, ((const struct go_type *)type)->size);
}
void gc_shade(void *obj);
void gc_shade(void *obj) { (void)obj; }

static struct hchan *fake_makechan(uint64_t n)
{
    static const struct go_type word = { .size = 8 };
    struct hchan *c = persistent_alloc(sizeof *c + n * 8, 8, NULL);

    c->buf = c + 1;
    c->dataqsiz = n;
    c->elemsize = 8;
    c->elemtype = &word;
    lock_init(&c->lock, "chan", RANK_HCHAN);
    return c;
}

/* ---- scheduler ------------------------------------------------------------------------------- */

static pthread_mutex_t fake_mu = PTHREAD_MUTEX_INITIALIZER;
static struct fg *fake_queue[20000]; /* [fake_mu] runnable */
static unsigned fake_nqueue;         /* [fake_mu] */
static int fake_alive;               /* [atomic] not done */
static int fake_running;             /* [fake_mu] CPUs with a goroutine */
static bool fake_random = true;      /* pick any of the queue, not the first */
static int fake_stuck;               /* alive at the end: deadlocked */

static void fake_enqueue(struct g *gp)
{
    pthread_mutex_lock(&fake_mu);
    CHECK(fake_nqueue < 20000, "queue");
    fake_queue[fake_nqueue++] = (struct fg *)gp;
    pthread_mutex_unlock(&fake_mu);
}

static void fake_status(struct g *gp, uint32_t from, uint32_t to)
{
    uint32_t seen = from;

    CHECK(__atomic_compare_exchange_n(&gp->status, &seen, to, false, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST),
          "g %lu: status %u where %u was due (to %u)", (unsigned long)gp->goid, seen, from, to);
}

static void *fake_gate_frame(const struct g *gp)
{
    return (char *)gp - offsetof(struct fg, g) + offsetof(struct fg, fr);
}

static const struct g_kind fake_kind = { .gate_frame = fake_gate_frame };

/* Like g_new: the goroutine starts with g_ready. */
static struct fg *fake_new(struct fg *fg, void (*body)(struct fg *))
{
    static uint64_t goids;

    fg->body = body;
    fg->g.goid = ++goids;
    fg->g.status = G_WAITING;
    fg->g.kind = &fake_kind; /* its gate's frame is where we say */
    __atomic_add_fetch(&fake_alive, 1, __ATOMIC_SEQ_CST);
    return fg;
}

_Noreturn void schedule(void)
{
    CHECK(cpu_self()->nheld == 0, "schedule with %u locks", cpu_self()->nheld);
    longjmp(fake_self()->top, 1);
}

/* Profiling hooks that do nothing. */

_Noreturn void g_park_g0(struct g *gp, struct lock *l, enum wait_reason why)
{
    gp->wait_reason = why;
    fake_status(gp, G_RUNNING, G_WAITING);
    if (l)
        unlock(l);
    schedule();
}

void g_ready(struct g *gp)
{
    fake_status(gp, G_WAITING, G_RUNNABLE);
    fake_enqueue(gp);
}

static void fake_yield(struct g *gp)
{
    fake_status(gp, G_RUNNING, G_RUNNABLE);
    fake_enqueue(gp);
    schedule();
}
_Noreturn void g_yield_g0(struct g *gp)
{
    fake_yield(gp);
    abort();
}

static struct fg *fake_go(struct fg *fg, void (*body)(struct fg *))
{
    g_ready(&fake_new(fg, body)->g);
    return fg;
}

void sched_timer_changed(struct p *pp, int64_t when) { (void)pp, (void)when; }
bool runq_empty(const struct p *p) { return p != NULL; }

/* A timer's function, like time.sendTime: sends the time at which the timer was due. */
static void fake_timer_func(struct timer *t, int64_t delay)
{
    uint64_t due = (uint64_t)(clock_mono_ns() - delay);
    struct chansendg_frame f = { t->arg.data, &due, false, 0 };

    rt_chansendg(&f);
}

void go_call(void *closure, const uintptr_t *args, unsigned nargs)
{
    struct fake_cpu *fc = fake_self();
    struct g *old = fc->cpu.curg;
    struct timer *t = (struct timer *)args[0];

    (void)closure;
    CHECK(nargs == 4 && fc->cpu.nheld == 0, "go_call");
    fc->cpu.curg = &fc->helper.g;
    if (t->is_chan) {
        struct timerbegin_frame f = { t, args[1] };
        rt_timerbegin(&f);
        fake_timer_func(t, (int64_t)args[2]);
    } else {
        ((void (*)(void *, int64_t))t->f)(t->arg.data, (int64_t)args[2]);
    }
    fc->cpu.curg = old;
}

static struct fg *fake_pick(void)
{
    struct fg *fg = NULL;

    pthread_mutex_lock(&fake_mu);
    if (fake_nqueue) {
        unsigned i = fake_random ? (unsigned)(random_fast() % fake_nqueue) : 0;
        fg = fake_queue[i];
        memmove(&fake_queue[i], &fake_queue[i + 1], (--fake_nqueue - i) * sizeof fg);
        fake_running++;
    }
    pthread_mutex_unlock(&fake_mu);
    return fg;
}

/* This CPU has nothing to run: time advances if no CPU runs. False: no timer is left either. */
static bool fake_idle(void)
{
    int64_t next = TIMER_NEVER;
    bool dead = false;

    pthread_mutex_lock(&fake_mu);
    if (!fake_running && !fake_nqueue) {
        for (unsigned i = 0; i < gomaxprocs; i++) {
            int64_t w = timers_next(&fake_cpus[i].p);
            next = w < next ? w : next;
        }
        if (next == TIMER_NEVER)
            dead = true;
        else if (next > fake_now)
            __atomic_store_n(&fake_now, next, __ATOMIC_SEQ_CST);
        fake_running++; /* we run timers now */
    } else {
        pthread_mutex_unlock(&fake_mu);
        sched_yield();
        return true;
    }
    pthread_mutex_unlock(&fake_mu);
    for (unsigned i = 0; i < gomaxprocs && !dead; i++)
        timers_run(&fake_cpus[i].p, clock_mono_ns());
    pthread_mutex_lock(&fake_mu);
    fake_running--;
    pthread_mutex_unlock(&fake_mu);
    return !dead;
}

static void *fake_loop(void *arg)
{
    struct fake_cpu *fc = &fake_cpus[(uintptr_t)arg];
    struct fg *volatile fg = NULL;

    fake_enter((unsigned)(uintptr_t)arg);
    setjmp(fc->top);
    for (;;) {
        if (fg) {
            fg = NULL;
            pthread_mutex_lock(&fake_mu);
            fake_running--;
            pthread_mutex_unlock(&fake_mu);
        }
        if (__atomic_load_n(&fake_alive, __ATOMIC_SEQ_CST) == 0)
            return NULL;
        if (!(fg = fake_pick())) {
            if (!fake_idle())
                return NULL;
            continue;
        }
        fc->cpu.curg = &fg->g;
        fake_status(&fg->g, G_RUNNABLE, G_RUNNING);
        if (fg->g.on_wake) {
            fg->g.on_wake(&fg->g);
            fg->g.on_wake = NULL;
        }
        fg->body(fg);
        CHECK(fg->done, "body left without END");
        fake_status(&fg->g, G_RUNNING, G_DEAD);
        __atomic_sub_fetch(&fake_alive, 1, __ATOMIC_SEQ_CST);
    }
}

/* For code outside goroutines: this thread is CPU 0. */
static void fake_init(void)
{
    timer_chan_drain = chan_drain;
    ncpu = gomaxprocs = 1;
    fake_enter(0);
    fake_cpus[0].cpu.curg = &fake_cpus[0].helper.g;
}

/* Runs until all goroutines have ended, or none can go on: returns how many are left. */
static int fake_run(unsigned threads)
{
    pthread_t t[8];

    ncpu = gomaxprocs = threads;
    for (unsigned i = 0; i < threads; i++)
        fake_enter(i); /* all, before any of them looks at others' timers */
    for (uintptr_t i = 1; i < threads; i++)
        pthread_create(&t[i], NULL, fake_loop, (void *)i);
    fake_loop((void *)0);
    for (unsigned i = 1; i < threads; i++)
        pthread_join(t[i], NULL);
    fake_cpus[0].cpu.curg = &fake_cpus[0].helper.g;
    fake_stuck = fake_alive;
    fake_alive = 0;
    fake_nqueue = 0;
    return fake_stuck;
}

#endif
