/* proc.c - goroutines come and go; the gates of sched.def. */
#include <string.h>
#include "arch/x86_64/arch.h"
#include "gort/abi/app.h"
#include "gort/abi/leaf.h"
#include "gort/sched/hooks.h"
#include "gort/sched/preempt.h"
#include "gort/sched/runq.h"
#include "gort/sched/sched.h"
#include "gort/sched/start.h"
#include "gort/stack/stack.h"
#include "gort/stack/symtab.h"
#include "drivers/console.h"
#include "kernel/clock.h"
#include "kernel/print.h"
#include "kernel/random.h"
#include "mm/mm.h"
#include "rt_frames.h"

static struct lock allg_lock = LOCK_INIT("allg", RANK_ALLG);

/* ---- allocation of struct g ------------------------------------------------------------- */

struct g *g_alloc(void)
{
    struct g *gp = persistent_alloc(sizeof *gp, 8, NULL);

    static struct g **last = &allgs; /* [allg_lock] */
    lock(&allg_lock);
    __atomic_store_n(last, gp, __ATOMIC_RELEASE);
    last = &gp->alllink;
    unlock(&allg_lock);
    return gp;
}

#define GFREE_LOCAL 64

static void gfree_put_global(struct g *gp)
{
    lock(&sched.lock);
    struct g **list = gp->stack.lo ? &sched.gfree : &sched.gfree_bare;
    gp->schedlink = *list;
    *list = gp;
    sched.gfree_count += gp->stack.lo != 0;
    unlock(&sched.lock);
}

static void gfree_put(struct g *gp)
{
    struct p *p = p_self();

    if (p && p->gfree_count < GFREE_LOCAL) {
        gp->schedlink = p->gfree;
        p->gfree = gp;
        p->gfree_count++;
        return;
    }
    gfree_put_global(gp);
}

bool gfree_drop_stacks(void)
{
    struct g *list = NULL;

    lock(&sched.lock);
    for (int i = 0; i < GFREE_LOCAL && sched.gfree && sched.gfree_due; i++) {
        struct g *gp = sched.gfree;
        sched.gfree = gp->schedlink;
        sched.gfree_count--;
        sched.gfree_due--;
        gp->schedlink = list;
        list = gp;
    }
    unlock(&sched.lock);
    if (!list)
        return false;
    while (list) {
        struct g *gp = list;
        list = gp->schedlink;
        stack_free(gp->stack);
        gp->stack = (struct stack){ 0 };
        gfree_put_global(gp);
    }
    return true;
}

static struct g *gfree_get(struct p *p)
{
    struct g *gp = p->gfree;

    if (!gp && (__atomic_load_n(&sched.gfree, __ATOMIC_RELAXED) ||
                __atomic_load_n(&sched.gfree_bare, __ATOMIC_RELAXED))) {
        lock(&sched.lock);
        for (int i = 0; i < GFREE_LOCAL / 2 && (sched.gfree || sched.gfree_bare); i++) {
            struct g **list = sched.gfree ? &sched.gfree : &sched.gfree_bare, *x = *list;
            *list = x->schedlink;
            sched.gfree_count -= x->stack.lo != 0;
            x->schedlink = p->gfree;
            p->gfree = x;
            p->gfree_count++;
        }
        unlock(&sched.lock);
        gp = p->gfree;
    }
    if (gp) {
        p->gfree = gp->schedlink;
        p->gfree_count--;
        gp->schedlink = NULL;
    }
    return gp;
}

/* A dead goroutine; NULL: no memory for one. */
static struct g *g_dead(void)
{
    struct g *gp = gfree_get(p_self());

    if (!gp) {
        if (!sched_hooks.make_room())
            return NULL;
        gp = g_alloc();
        gp->status = G_DEAD;
    }
    return gp;
}

static __attribute__((noinline)) bool g_stack_new(struct g *gp, size_t size)
{
    struct stack old = gp->stack;
    struct stack new = stack_alloc(size);
    if (new.lo && old.lo)
        stack_free(old);
    else if (!new.lo && !old.lo && size > STACK_MIN)
        new = stack_alloc(STACK_MIN);
    if (new.lo)
        gp->stack = new;
    if (gp->stack.lo)
        return true;
    gfree_put_global(gp);
    return false;
}

/* A stack of `size` bytes, or of the smallest size, for gp, which is dead and may have one of
 * those. False, and gp is given back: no memory. */
static inline bool g_stack(struct g *gp, size_t size)
{
    return (gp->stack.lo && size == STACK_MIN) || g_stack_new(gp, size);
}

/* The stack of a goroutine that has not run:
 *
 *      hi      spare words, for functions that look at their caller's frame
 *      goexit+1                                      <- sched.sp: fn's return address
 */
static void g_setup(struct g *gp, void *closure)
{
    uintptr_t sp = gp->stack.hi - 4 * 8;

    __builtin_memset((void *)sp, 0, 4 * 8); /* small ones inline: every go statement does them */
    sp -= 8;
    *(uintptr_t *)sp = app->goexit + 1;
    gp->sched = (struct gobuf){ .sp = sp, .pc = *(uintptr_t *)closure, .ctxt = closure };
    gp->stackguard0 = gp->stack.lo + STACK_GUARD;
    gp->stackguard1 = ~0ul;
}

static void shade(void *p)
{
    if (p)
        sched_hooks.shade(p);
}

struct g *g_new(void *closure, struct g *parent, uintptr_t callerpc)
{
    struct g *gp = g_dead();

    if (!gp)
        return NULL;
    gp->startpc = *(uintptr_t *)closure;
    if (!g_stack(gp, start_stack(gp)))
        return NULL;
    g_setup(gp, closure);
    gp->goid = __atomic_add_fetch(&sched.goid_gen, 1, __ATOMIC_RELAXED);
    bool of_timer = parent == m_self()->callgo_g;
    gp->parent_goid = parent && !of_timer ? parent->goid : 0;
    gp->gopc = callerpc;
    gp->labels = parent ? parent->labels : NULL;
    /* A goroutine that is born while the collector marks is not scanned: these are its roots. */
    shade(closure);
    shade(gp->labels);
    gp->fips_bypass = parent ? parent->fips_bypass : 0;
    gp->system = start_is_system(gp->startpc);
    __atomic_add_fetch(gp->system ? &sched.gcount_sys : &sched.gcount, 1, __ATOMIC_RELAXED);
    gp->track_seq = (uint8_t)((uint32_t)gp->goid * 0x9e3779b9u >> 24); /* one birth in eight */
    gp->tracking = gp->track_seq % TRACK_PERIOD == 0;
    gp->runnable_ns = 0;
    g_status_set(gp, G_DEAD, G_WAITING);
    if (parent && parent->bubble && !gp->system) {
        gp->bubble = parent->bubble;
        shade(gp->bubble);
        sched_hooks.bubble_join(gp);
    }
    return gp;
}

void g_clear(struct g *gp)
{
    gp->panic = NULL;
    gp->left_bits = 0;
    gp->defer = NULL;
    gp->m = NULL;
    shade(gp->labels); /* a sample of the CPU profile may have them */
    gp->param = gp->labels = gp->coroarg = gp->bubble = NULL;
    gp->writebuf = (struct goslice){ 0 };
    gp->waiting = NULL;
    gp->sig_flags = 0;
    gp->paniconfault = gp->fips_indicator = gp->fips_bypass = 0;
    gp->preempt = gp->preempt_stop = false;
    gp->on_wake = NULL;
    gp->async_safe_point = gp->at_syscall = gp->system = gp->runs_user = gp->wanted_memory = false;
    gp->gc_assist_bytes = 0;
    gp->wait_reason = WAIT_ZERO;
}

void rt_newproc1(struct newproc1_frame *f)
{
    struct g *gp = g_new(f->fn, g_calling(), f->callerpc);

    f->ok = gp != NULL;
    if (gp)
        g_ready(gp);
    else if (f->again || m_self()->locks)
        sched_hooks.out_of_memory(STACK_MIN);
}

void g_ending(struct g *gp)
{
    if (gp->system)
        return;
    gp->system = true;
    __atomic_add_fetch(&sched.gcount_sys, 1, __ATOMIC_SEQ_CST);
    __atomic_sub_fetch(&sched.gcount, 1, __ATOMIC_SEQ_CST);
}

static void unlock_from_m(struct g *gp)
{
    __atomic_sub_fetch(&gp->lockedm->nlocked, 1, __ATOMIC_RELAXED);
    gp->lockedm = NULL;
}

/* Areas for vector state (vec_area_size) that no goroutine has: in time every structure of a
 * goroutine has been preempted once, and few are at a time. */
static struct { struct lock lock; void *first; } vec_pool = { LOCK_INIT("vec", RANK_LEAF), NULL };

static void *vec_new(void)
{
    lock(&vec_pool.lock);
    void *area = vec_pool.first;
    if (area)
        vec_pool.first = *(void **)area;
    unlock(&vec_pool.lock);
    return area ? area : persistent_alloc(vec_area_size, 64, NULL);
}

static void vec_give_back(struct g *gp)
{
    if (!gp->vec)
        return;
    lock(&vec_pool.lock);
    *(void **)gp->vec = vec_pool.first; /* where XSAVE puts the x87's control word */
    vec_pool.first = gp->vec;
    unlock(&vec_pool.lock);
    gp->vec = NULL;
}

void rt_goexit0(struct goexit0_frame *f)
{
    struct g *gp = g_calling();

    (void)f;
    CHECK(gp->m->locks == 0, "goroutine %lu exits with %d locks held", gp->goid, gp->m->locks);
    __atomic_sub_fetch(gp->system ? &sched.gcount_sys : &sched.gcount, 1, __ATOMIC_SEQ_CST);
    if (gp->lockedm) {
        unlock_from_m(gp);
        gp->locked_count = 0;
    }
    g_status_set(gp, G_RUNNING, G_DEAD);
    if (gp->bubble)
        sched_hooks.bubble_leave(gp);
    g_clear(gp);
    vec_give_back(gp);
    cpu_self()->curg = NULL;
    start_ended(gp);
    if (gp->stack.hi - gp->stack.lo != STACK_MIN) {
        stack_free(gp->stack);
        gp->stack = (struct stack){ 0 };
    }
    gfree_put(gp);
    schedule();
}

/* ---- yielding ---------------------------------------------------------------------------- */

/* Gosched with nobody to yield to: the goroutine would be the next to run. */
uint64_t yield_leaf(void)
{
    const struct cpu *c = cpu_self();

    return !c->pending && !sched.stopping && !sched.handoff &&
           __atomic_load_n(&c->curg->stackguard0, __ATOMIC_RELAXED) != STACK_PREEMPT &&
           !__atomic_load_n(&c->m->lockq, __ATOMIC_RELAXED) &&
           __atomic_load_n(&sched.runq_size, __ATOMIC_RELAXED) == 0 && runq_empty(c->p);
}

void rt_gosched(struct gosched_frame *f)
{
    (void)f;
    g_yield_g0(g_calling());
}

void g_take_vec(struct g *gp)
{
    struct cpu *c = cpu_self();
    void *old = gp->vec;

    gp->vec = c->vec_scratch;
    c->vec_scratch = old ? old : vec_new();
    gp->async_safe_point = true;
}

/* The goroutine stands in asyncPreempt. */
void rt_async_preempt(struct async_preempt_frame *f)
{
    struct g *gp = g_calling();

    (void)f;
    cpu_self()->preempts++;
    g_take_vec(gp);
    g_preempt_g0(gp);
}

/* ---- LockOSThread -------------------------------------------------------------------------- */

/* This M, or one with fewer goroutines of that kind: they cannot be stolen from each other. */
static struct m *m_to_lock_to(void)
{
    struct m *best = m_self();

    for (unsigned i = 0; i < ncpu && gomaxprocs >= ncpu; i++)
        if (allm[i] && __atomic_load_n(&allm[i]->nlocked, __ATOMIC_RELAXED) <
                           __atomic_load_n(&best->nlocked, __ATOMIC_RELAXED))
            best = allm[i];
    return best;
}

void rt_lockosthread(struct lockosthread_frame *f)
{
    struct g *gp = g_calling();

    (void)f;
    if (gp->locked_count++)
        return;
    gp->lockedm = m_to_lock_to();
    __atomic_add_fetch(&gp->lockedm->nlocked, 1, __ATOMIC_RELAXED);
    if (gp->lockedm != m_self())
        g_yield_g0(gp); /* goes on there */
}

void rt_unlockosthread(struct unlockosthread_frame *f)
{
    struct g *gp = g_calling();

    f->ok = gp->locked_count != 0;
    if (gp->locked_count && --gp->locked_count == 0)
        unlock_from_m(gp);
}

/* ---- numbers ------------------------------------------------------------------------------ */

void rt_numcpu(struct numcpu_frame *f) { f->n = (int32_t)ncpu; }

void rt_numgoroutine(struct numgoroutine_frame *f)
{
    f->n = __atomic_load_n(&sched.gcount, __ATOMIC_RELAXED);
}

void rt_procpin(struct procpin_frame *f)
{
    m_self()->locks++;
    f->id = p_self()->id;
}

void rt_procunpin(struct procunpin_frame *f)
{
    (void)f;
    m_self()->locks--;
}

static struct p *p_new(unsigned id)
{
    struct p *p = persistent_alloc(sizeof *p, 64, NULL);

    p->id = id;
    p->status = P_DEAD;
    sched_hooks.p_new(p);
    return p;
}

/* World stopped (or boot). Ps beyond n give their work away and die; new ones are idle. */
static void procresize(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (!allp[i])
            allp[i] = p_new(i);
        if (allp[i]->status == P_DEAD) {
            allp[i]->m = NULL;
            allp[i]->status = P_IDLE;
        }
    }
    unsigned old = gomaxprocs;
    gomaxprocs = n;
    for (unsigned i = n; i < old; i++) {
        struct p *p = allp[i];
        bool inherit;
        struct g *gp;
        while ((gp = runq_get(p, &inherit)))
            injectglist(gp, gp, 1);
        sched_hooks.p_retire(p, allp[0]);
        p->status = P_DEAD;
        p->m = NULL;
    }
}

/* Rebuilds the idle list: every P of 0..gomaxprocs-1 without an M. */
static void pidle_rebuild(void)
{
    lock(&sched.lock);
    sched.pidle = NULL;
    sched.npidle = 0;
    for (unsigned i = gomaxprocs; i-- > 0;) {
        struct p *p = allp[i];
        if (p->status != P_IDLE)
            continue;
        p->link = sched.pidle;
        sched.pidle = p;
        sched.npidle++;
    }
    unlock(&sched.lock);
}

void rt_gomaxprocs(struct gomaxprocs_frame *f)
{
    f->old = (int32_t)gomaxprocs;
    if (f->n <= 0 || f->n == f->old)
        return;
    unsigned n = f->n > CPU_MAX * 4 ? CPU_MAX * 4 : (unsigned)f->n;
    stw_begin(STW_GOMAXPROCS);
    /* Keep our own P by letting it trade places with P 0 when its number goes away. */
    struct p *mine = p_self();
    if (mine->id >= n) {
        struct cpu *c = cpu_self();
        struct p *zero = allp[0];
        c->p = zero;
        mine->m = NULL;
        zero->m = c->m; /* its old M stands in sched_stop_here, and will see this there */
        zero->status = P_RUNNING;
        mine->status = P_IDLE;
    }
    procresize(n); /* Ps that die lose their M: the same */
    pidle_rebuild();
    stw_end();
    for (unsigned i = 0; i < n && i < ncpu; i++)
        wake_p();
}

uint64_t sched_switches(void)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < sizeof allp / sizeof *allp && allp[i]; i++)
        n += __atomic_load_n(&allp[i]->picks, __ATOMIC_RELAXED);
    return n;
}

void sched_init(unsigned nprocs)
{
    procresize(nprocs);
    pidle_rebuild();
}

/* ---- calling Go from C --------------------------------------------------------------------- */

void go_call_switch(struct g *helper, uintptr_t fn, uintptr_t ctxt, const uintptr_t *args);
_Noreturn void gocall_return(void);

static struct g *helper_get(struct m *mp)
{
    struct g *gp = mp->callgo_g;

    if (!gp) {
        gp = g_dead();
        if (!gp || !g_stack(gp, STACK_MIN))
            sched_hooks.out_of_memory(STACK_MIN);
        gp->goid = __atomic_add_fetch(&sched.goid_gen, 1, __ATOMIC_RELAXED);
        gp->system = true;
        mp->callgo_g = gp; /* before a marker can take it for a goroutine that waits */
        g_status_set(gp, G_DEAD, G_WAITING);
    }
    return gp;
}

void go_call(void *closure, const uintptr_t *args, unsigned nargs)
{
    struct cpu *c = cpu_self();
    struct m *mp = c->m;
    struct g *gp = helper_get(mp);
    struct g *caller = c->curg;
    uintptr_t a[4] = { 0 };

    CHECK(nargs <= 4, "go_call with %u words of arguments", nargs);
    for (unsigned i = 0; i < nargs; i++)
        a[i] = args[i];
    CHECK(gp->status == G_WAITING, "go_call inside go_call");
    g_setup(gp, closure);
    *(uintptr_t *)gp->sched.sp = app->gocallret + 1;
    g_status_set(gp, G_WAITING, G_RUNNING);
    gp->m = mp;
    mp->locks++; /* no preemption: the callback is part of the scheduler */
    c->curg = mp->curg = gp;
    go_call_switch(gp, gp->sched.pc, (uintptr_t)closure, a);
    mp->locks--;
    g_status_set(gp, G_RUNNING, G_WAITING);
    c->curg = mp->curg = caller;
    c->tls_g = caller;
}

void rt_gocall_done(struct gocall_done_frame *f)
{
    (void)f;
    gocall_return();
}

/* ---- the rest ------------------------------------------------------------------------------ */

void rt_write_err(struct write_err_frame *f) { console_show(f->p, (size_t)f->n); }
uint64_t random_leaf(void) { return random_fast(); }
void rt_rand_fast(struct rand_fast_frame *f) { f->v = random_fast(); }
void rt_random_fill(struct random_fill_frame *f) { f->ok = random_bytes(f->p, f->n) == 0; }

void rt_rt_started(struct rt_started_frame *f)
{
    (void)f;
    boot_log("main.main");
}
