/* capp.c - programs in C: boot, memory, timers, dying. See capp.h. */
#include "gort/capp/capp.h"
#include <string.h>
#include "arch/x86_64/arch.h"
#include "gort/abi/app.h"
#include "gort/capp/capp_env.h"
#include "gort/capp/cgoroutine.h"
#include "gort/dying.h"
#include "gort/load/bundle.h"
#include "gort/sync/chan.h"
#include "gort/heap/malloc.h"
#include "gort/gc/gc.h"
#include "gort/gc/mark.h"
#include "gort/heap/mheap.h"
#include "gort/sched/sched.h"
#include "gort/time/timer.h"
#include "gort/observe/traceback.h"
#include "drivers/power.h"
#include "kernel/clock.h"
#include "gort/stack/dwarf_line.h"
#include "boot/common/elf.h"
#include "kernel/options.h"
#include "kernel/print.h"
#include "mm/mm.h"
#include "rt_frames.h"

static const struct elf_image *image; /* [const after boot] NULL: no C app */

/* ---- boot -------------------------------------------------------------------------------- */

static struct app_debug debug = { .gcstoptheworld = 1, .gotraceback = 1, .gogc = 100 };
static volatile uint8_t write_barrier;
static uintptr_t zerobase, maxstacksize = CG_STACK_MAX;
static uint32_t panic_defers;
static struct app_facts facts = {
    .write_barrier = &write_barrier, .zerobase = &zerobase, .maxstacksize = &maxstacksize,
    .panic_defers = &panic_defers, .debug = &debug,
};

static void crash_c(const struct trap_frame *tf)
{
    struct g *gp = cpu_self()->curg;

    if (!gp || g_is_go(gp))
        return;
    if (tf->rsp >= gp->stack.lo && tf->rsp <= gp->stack.hi) {
        gp->cg->trap = *tf;
        gp->sched = (struct gobuf){ .sp = tf->rsp, .pc = (uintptr_t)cg_resume, .bp = tf->rbp };
    }
    kprintf("\n");
    traceback_g(gp, 0, 0, false);
    traceback_others(gp, false);
}

void capp_init(const struct elf_image *im)
{
    image = im;
    app = &facts;
    arch_hooks.crash = crash_c;
}

static void sweeper(void *unused)
{
    struct gc_bgsweep_frame f = { .collected = false }; /* C stacks do not grow */

    (void)unused;
    for (;;)
        CG_GATE(gc_bgsweep, &f);
}

void capp_start(const struct capp_table *t)
{
    const char *value, *bad = capp_env(&debug, bundle_getenv, &value);

    if (bad) {
        kprintf("GOMEMLIMIT=%s\n", value);
        rt_throw("%s", bad);
    }
    struct gc_enable_frame f = { .percent = debug.gogc, .limit = debug.memlimit };
    rt_gc_enable(&f);
    struct sched_trace_opts_frame trace = { debug.schedtrace, debug.scheddetail };
    rt_sched_trace_opts(&trace);
    struct g *gp = g_new_c(t->main, NULL, t->main_stack, false);
    g_ready(gp);
    g_ready_tail(g_new_c(sweeper, NULL, 0, true));
}

const char *capp_symbol(uintptr_t pc, uintptr_t *offset)
{
    struct elf_symbol sym;
    const char *name;

    if (!image || elf_symbol_at(image, pc, &sym, &name) != 0)
        return NULL;
    *offset = pc - sym.value;
    return name;
}

bool capp_line(uintptr_t pc, struct dwarf_line *out)
{
    struct dwarf_sections s = { 0 };

    if (!image)
        return false;
    s.line.p = elf_section(image, ".debug_line", &s.line.n, NULL);
    s.line_str.p = elf_section(image, ".debug_line_str", &s.line_str.n, NULL);
    s.str.p = elf_section(image, ".debug_str", &s.str.n, NULL);
    return s.line.p && dwarf_line_at(&s, pc, out);
}

void rt_capp_go(struct capp_go_frame *f)
{
    struct g *gp = g_new_c((void (*)(void *))f->fn, f->arg, f->stack, f->system);

    gp->gopc = f->pc;
    f->id = gp->goid;
    g_ready(gp);
}

/* ---- memory ------------------------------------------------------------------------------ */

static const uint64_t one_pointer = 1;
static const struct go_type word_type = {
    .size = 8, .ptr_bytes = 8, .gcdata = (void *)&one_pointer
};

static void stress(void)
{
    static uint64_t count;
    struct gc_force_frame f = { .forced = false };

    if (options.gcstress &&
        __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) % options.gcstress == 0) {
        void *mine = g_calling()->cg->gate_frame;
        g_calling()->cg->gate_frame = &f;
        rt_gc_force(&f);
        g_calling()->cg->gate_frame = mine;
    }
}

/* Every word of an object that is not noscan may be a pointer. */
void rt_capp_alloc(struct capp_alloc_frame *f)
{
    size_t size = f->size ? f->size : 1;

    gc_start_if_wanted();
    stress();
    if (size >= 1ul << 47)
        malloc_out_of_memory(size);
    if (!f->noscan)
        size = (size + 7) & ~7ul;
    f->p = malloc_gc(size, f->noscan ? NULL : &word_type, true);
}

#define ROOTS_MAX 1024
static struct lock roots_lock = LOCK_INIT("croots", RANK_LEAF);
static struct { uintptr_t lo, hi; } roots[ROOTS_MAX]; /* [roots_lock; stw] hi 0: free */

void rt_capp_root(struct capp_root_frame *f)
{
    uintptr_t lo = (uintptr_t)f->p;

    f->ok = false;
    lock(&roots_lock);
    for (unsigned i = 0; i < ROOTS_MAX && !f->ok; i++) {
        f->ok = f->add ? roots[i].hi == 0 : roots[i].hi != 0 && roots[i].lo == lo;
        if (f->ok) {
            roots[i].lo = f->add ? lo : 0;
            roots[i].hi = f->add ? lo + f->n : 0;
        }
    }
    unlock(&roots_lock);
}

static void mark_words(struct gcw *w, uintptr_t lo, uintptr_t hi)
{
    for (lo = (lo + 7) & ~7ul; lo + 8 <= hi; lo += 8)
        mark_conservative(w, *(const uintptr_t *)lo);
}

/* The pages of [lo, hi) that are there: those of .bss that nobody has touched hold no pointers. */
static void mark_present(struct gcw *w, uintptr_t lo, uintptr_t hi)
{
    for (uintptr_t end; (lo = vm_next(lo, hi, true)) < hi; lo = end) {
        end = vm_next(lo, hi, false);
        mark_words(w, lo, end);
    }
}

void capp_mark_roots(struct gcw *w)
{
    for (unsigned i = 0; image && i < image->nseg; i++)
        if (image->seg[i].flags & ELF_PF_W)
            mark_present(w, image->seg[i].vaddr, image->seg[i].vaddr + image->seg[i].memsz);
    for (unsigned i = 0; image && i < ROOTS_MAX; i++)
        if (roots[i].hi)
            mark_words(w, roots[i].lo, roots[i].hi);
}

/* ---- timers -------------------------------------------------------------------------------- */

/* A collected object; libgort knows its size. While it is in a P's heap it is a root. */
struct capp_timer {
    struct timer t;
    struct hchan *c;    /* [const] of capacity 1, of int64_t */
    bool    armed;      /* [c->lock] */
    int64_t due;        /* [c->lock] earlier firings are stale */
};
_Static_assert(sizeof(struct capp_timer) <= 192, "mem.c of capp/lib reserves 192 bytes");

static void timer_fires(void *arg)
{
    struct capp_timer *ct = arg;
    struct hchan *c = ct->c;
    int64_t now = clock_mono_ns();
    struct sudog *s = NULL;

    lock(&c->lock);
    if (ct->armed && now >= ct->due && !c->closed) {
        if ((s = sudogq_pop(&c->recvq)))
            chan_hand_to(c, s, &now);
        else if (c->qcount < c->dataqsiz)
            ring_put(c, &now);
    }
    unlock(&c->lock);
    if (s)
        chan_wake(s, true);
}

void rt_capp_timer(struct capp_timer_frame *f)
{
    struct capp_timer *ct = f->t;
    struct hchan *c = f->c;

    f->pending = timer_stop_c(&ct->t);
    lock(&c->lock);
    ct->c = c;
    f->pending |= chan_drain(c);
    ct->armed = f->when != 0;
    ct->due = f->when;
    unlock(&c->lock);
    if (f->when)
        timer_start_collected(&ct->t, f->when, f->period, timer_fires, ct);
}

/* ---- figures, dying ------------------------------------------------------------------------ */

struct capp_figures { /* gort_stats of gort.h */
    uint64_t heap_live, heap_goal, total_alloc, gc_cycles, gc_pause_ns, stack_bytes, goroutines,
        cpus, procs;
};

void rt_capp_stats(struct capp_stats_frame *f)
{
    struct capp_figures *o = f->out;

    *o = (struct capp_figures){ gc.heap_live, gc.goal, gc.total_alloc, gc.cycles, gc.pause_total_ns,
                                mheap_all_stacks(), sched.gcount, ncpu, gomaxprocs };
}

void rt_capp_fatal(struct capp_fatal_frame *f)
{
    struct freeze_world_frame none;

    if (!f->panics)
        rt_fatal("%s", (const char *)f->text);
    rt_freeze_world(&none);
    kprintf("panic: %s\n", (const char *)f->text);
    struct crash_traceback_frame trace = { .level = 0 };
    rt_crash_traceback(&trace);
    machine_exit(2);
}

/* ---- the C library's heap ------------------------------------------------------------------ */

#define RANGES_BASE 0x1000000000ul /* above the program, below the collected heap */

/* p NULL reserves n bytes of address space; else [p, p + n) of such a range is committed, or given
 * back. The caller keeps the ranges apart. */
void rt_capp_pages(struct capp_pages_frame *f)
{
    static uintptr_t next = RANGES_BASE; /* [atomic] */
    uintptr_t p = (uintptr_t)f->p;

    if (!p)
        p = vm_reserve(VM_HEAP, __atomic_fetch_add(&next, f->n, __ATOMIC_RELAXED), f->n, PAGE_SIZE);
    else if (f->give)
        vm_decommit(p, f->n);
    else if (vm_commit(p, f->n) < 0)
        p = 0;
    f->at = (void *)p;
}
