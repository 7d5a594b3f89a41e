/* cgoroutine.c - C goroutines come, are stopped, and go: cgoroutine.h. What runs in interrupt
 * context is in cgtrap.c. */
#include "gort/capp/cgoroutine.h"
#include <string.h>
#include "gort/abi/app.h"
#include "gort/dying.h"
#include "gort/gc/gc.h"
#include "gort/heap/lazy.h"
#include "gort/heap/malloc.h"
#include "gort/heap/mheap.h"
#include "gort/sched/sched.h"
#include "kernel/print.h"
#include "mm/mm.h"
#include "rt_frames.h"

#define STACKS_KEPT 64             /* of dead goroutines, for new ones of the same size */
#define COMMIT_KEPT (64ul << 10)   /* of such a stack; what is beyond goes back */

void cg_start(void);

static struct {
    struct lock lock;
    struct g *free;                /* [lock] dead, by schedlink; some have a stack */
    unsigned nstacks;              /* [lock] that do */
} dead = { .lock = LOCK_INIT("cgfree", RANK_STACKPOOL) };

/* ---- stacks ------------------------------------------------------------------------------ */

/* A stack lies within one page table if it fits, so that its first page, which is always
 * there, keeps the table: nobody prunes it under a goroutine that commits. */
static size_t stack_align(size_t size)
{
    size_t a = PAGE_SIZE;

    while (a < size && a < HUGE_PAGE_SIZE)
        a *= 2;
    return a;
}

static size_t stack_round(size_t size)
{
    if (size == 0)
        size = CG_STACK_DEFAULT;
    if (size < CG_STACK_MIN)
        size = CG_STACK_MIN;
    if (size > CG_STACK_MAX)
        size = CG_STACK_MAX;
    size_t unit = size > HUGE_PAGE_SIZE ? HUGE_PAGE_SIZE : PAGE_SIZE;
    return (size + unit - 1) & ~(unit - 1);
}

static bool stack_make(struct g *gp, size_t size)
{
    struct cg *cg = gp->cg;
    uintptr_t base = vm_reserve(VM_KERNEL, 0, size, stack_align(size));

    if (!base)
        return false;
    if (vm_commit(base + size - PAGE_SIZE, PAGE_SIZE) < 0) {
        vm_release(base, size);
        return false;
    }
    cg->base = base;
    cg->size = size;
    cg->committed = PAGE_SIZE;
    gp->stack = (struct stack){ base + PAGE_SIZE, base + size };
    __atomic_add_fetch(&mheap.c_stacks, PAGE_SIZE, __ATOMIC_RELAXED);
    return true;
}

static void stack_trim(struct g *gp, size_t keep)
{
    struct cg *cg = gp->cg;

    if (cg->committed <= keep)
        return;
    vm_decommit(cg->base, cg->size - keep);
    __atomic_sub_fetch(&mheap.c_stacks, cg->committed - keep, __ATOMIC_RELAXED);
    cg->committed = keep;
}

static void stack_unmake(struct g *gp)
{
    stack_trim(gp, 0);
    vm_release(gp->cg->base, gp->cg->size);
    gp->cg->size = 0;
    gp->stack = (struct stack){ 0 };
}

void cg_faulted(struct g *gp);
void cg_faulted(struct g *gp)
{
    struct cg *cg = gp->cg;
    uintptr_t page = cg->fault & ~(PAGE_SIZE - 1);

    switch (lazy_bring(cg->fault)) {
    case LAZY_OK:
        gc_touched();
        return;
    case LAZY_NOMEM:
        malloc_out_of_memory(PAGE_SIZE);
    case LAZY_NOT:
        break;
    }

    if (page == cg->base) {
        gp->sched = (struct gobuf){ .sp = cg->trap.rsp, .pc = (uintptr_t)cg_resume,
                                    .bp = cg->trap.rbp };
        kprintf("runtime: C goroutine stack exceeds %lu-byte limit\n", cg->size);
        rt_fatal("stack overflow");
    }
    if (vm_commit(page, PAGE_SIZE) < 0)
        rt_fatal("out of memory: stack of goroutine %lu", gp->goid);
    cg->committed += PAGE_SIZE;
    __atomic_add_fetch(&mheap.c_stacks, PAGE_SIZE, __ATOMIC_RELAXED);
}

/* What the call writes to may be memory of the stack that nobody has touched yet. */
static void stack_commit(struct g *gp, uintptr_t from)
{
    struct cg *cg = gp->cg;
    uintptr_t page = from & ~(PAGE_SIZE - 1);

    for (; cg->committed < gp->stack.hi - page && page < gp->stack.hi; page += PAGE_SIZE) {
        if (vm_is_mapped(page, true))
            continue;
        if (vm_commit(page, PAGE_SIZE) < 0)
            rt_fatal("out of memory: stack of goroutine %lu", gp->goid);
        cg->committed += PAGE_SIZE;
        __atomic_add_fetch(&mheap.c_stacks, PAGE_SIZE, __ATOMIC_RELAXED);
    }
}

static struct trap_frame *at_syscall(struct g *gp, const struct trap_frame *tf)
{
    gp->cg->trap = *tf;
    gp->sched = (struct gobuf){ .sp = tf->rsp, .pc = (uintptr_t)cg_resume, .bp = tf->rbp };
    if (tf->rsp >= gp->stack.lo && tf->rsp < gp->stack.hi)
        stack_commit(gp, tf->rsp);
    return &gp->cg->trap;
}

static void *gate_frame(const struct g *gp) { return gp->cg->gate_frame; }

static const struct g_kind cg_kind = { cg_preempt_irq, cg_fault_irq, at_syscall, gate_frame,
                                       cg_memory, cg_traceback };

/* ---- birth and death ----------------------------------------------------------------------- */

static struct g *dead_take(size_t size)
{
    struct g *gp = NULL;

    lock(&dead.lock);
    for (struct g **at = &dead.free; *at; at = &(*at)->schedlink)
        if ((*at)->cg->size == size || (*at)->cg->size == 0) {
            gp = *at;
            *at = gp->schedlink;
            gp->schedlink = NULL;
            dead.nstacks -= gp->cg->size != 0;
            break;
        }
    unlock(&dead.lock);
    return gp;
}

static void dead_put(struct g *gp)
{
    lock(&dead.lock);
    bool keep = dead.nstacks < STACKS_KEPT;
    dead.nstacks += keep;
    unlock(&dead.lock);
    if (keep)
        stack_trim(gp, COMMIT_KEPT);
    else
        stack_unmake(gp);
    lock(&dead.lock);
    gp->schedlink = dead.free;
    dead.free = gp;
    unlock(&dead.lock);
}

static struct g *cg_alloc(void)
{
    struct g *gp = g_alloc();
    struct cg *cg = persistent_alloc(sizeof *cg, 16, &mheap.meta_other);

    gp->status = G_DEAD;
    gp->kind = &cg_kind;
    gp->cg = cg;
    gp->vec = persistent_alloc(vec_area_size, 64, &mheap.meta_other);
    cg->g = gp;
    return gp;
}

struct g *g_new_c(void (*fn)(void *), void *arg, size_t stack_size, bool system)
{
    size_t size = stack_round(stack_size);
    struct g *gp = dead_take(size), *parent = g_calling();

    if (!gp)
        gp = cg_alloc();
    if (!gp->cg->size && !stack_make(gp, size))
        rt_fatal("out of memory: stack for a new goroutine (%lu bytes)", size);
    uintptr_t *top = (uintptr_t *)gp->stack.hi - 4;
    top[0] = (uintptr_t)fn;
    top[1] = (uintptr_t)arg;
    top[2] = top[3] = 0;
    gp->sched = (struct gobuf){ .sp = (uintptr_t)top, .pc = (uintptr_t)cg_start };
    gp->goid = __atomic_add_fetch(&sched.goid_gen, 1, __ATOMIC_RELAXED);
    gp->parent_goid = parent ? parent->goid : 0;
    gp->startpc = (uintptr_t)fn;
    gp->system = system;
    __atomic_add_fetch(system ? &sched.gcount_sys : &sched.gcount, 1, __ATOMIC_RELAXED);
    g_status_set(gp, G_DEAD, G_WAITING);
    return gp;
}

void cg_exit_g0(void *unused);
void cg_exit_g0(void *unused)
{
    struct g *gp = g_calling();

    (void)unused;
    __atomic_sub_fetch(gp->system ? &sched.gcount_sys : &sched.gcount, 1, __ATOMIC_SEQ_CST);
    g_status_set(gp, G_RUNNING, G_DEAD);
    g_clear(gp);
    gp->cg->c_private = NULL;
    cpu_self()->curg = NULL;
    dead_put(gp);
    schedule();
}

void cg_exit(void)
{
    cg_call(NULL, cg_exit_g0);
    __builtin_unreachable();
}

/* ---- events -------------------------------------------------------------------------------- */

static void event_wait_g0(void *arg)
{
    struct cg_event *e = arg;
    struct g *gp = g_calling();

    lock(&e->lock);
    if (!e->set) {
        CHECK(!e->waiter, "two goroutines wait for one event");
        e->waiter = gp;
        g_park_g0(gp, &e->lock, WAIT_SEMACQUIRE);
    }
    e->set = false;
    unlock(&e->lock);
}

void cg_event_wait(struct cg_event *e) { cg_call(e, event_wait_g0); }

void cg_event_set(struct cg_event *e)
{
    lock(&e->lock);
    struct g *gp = e->waiter;
    e->waiter = NULL;
    if (!gp)
        e->set = true;
    unlock(&e->lock);
    if (gp)
        g_ready(gp);
}
