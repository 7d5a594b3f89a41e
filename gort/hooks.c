/* hooks.c - who is called from below: hooks.h. */
#include "gort/hooks.h"
#include "arch/x86_64/arch.h"
#include "gort/abi/leaf.h"
#include "gort/capp/capp.h"
#include "gort/capp/services.h"
#include "gort/dying.h"
#include "gort/gc/gc.h"
#include "gort/gc/mark.h"
#include "gort/heap/hooks.h"
#include "gort/heap/malloc.h"
#include "gort/heap/scavenge.h"
#include "gort/heap/stackalloc.h"
#include "gort/observe/blockprof.h"
#include "gort/observe/cpuprof.h"
#include "gort/observe/dying.h"
#include "gort/observe/mprof.h"
#include "gort/os/fault.h"
#include "gort/os/os.h"
#include "gort/os/user.h"
#include "gort/sched/hooks.h"
#include "gort/sched/mp.h"
#include "gort/stack/stack.h"
#include "gort/sync/chan.h"
#include "gort/sync/synctest.h"
#include "gort/sync/waitprof.h"
#include "gort/time/timer.h"
#include "kernel/clock.h"

static void p_new(struct p *p)
{
    timers_init(p);
    mcache_init(p);
}

static void p_retire(struct p *p, struct p *heir)
{
    timers_adopt(heir, p);
    mcache_flush(p);
}

static void visit(void *w, void *obj) { mark_ptr(w, (uintptr_t)obj); }

static void mark_roots(struct gcw *w)
{
    for (unsigned i = 0; i < CPU_MAX * 4 && allp[i]; i++)
        timers_roots(allp[i], visit, w);
    bubbles_roots(visit, w);
    cpuprof_roots(visit, w);
    capp_mark_roots(w);
}

static void install_leaves(struct leaf_table *t, bool with_malloc)
{
    t->bulk_barrier = (uintptr_t)wb_bulk;
    t->wb_flush = (uintptr_t)wb_flush_leaf;
    if (with_malloc) {
        t->malloc = (uintptr_t)malloc_leaf;
        t->newobject = (uintptr_t)malloc_leaf_type;
    }
    t->chansend = (uintptr_t)chansend_leaf;
    t->chanrecv = (uintptr_t)chanrecv_leaf;
    t->select = (uintptr_t)select_leaf;
    t->yield = (uintptr_t)yield_leaf;
    t->random = (uintptr_t)random_leaf;
    t->mono = (uintptr_t)clock_mono_ns;
    t->clocks = (uintptr_t)clocks_leaf;
    t->installed = 1;
}

static void heap_hooks_install(void)
{
    heap_hooks = (struct heap_hooks){
        .install_leaves = install_leaves, .mark_roots = mark_roots,
        .profile_init = mprof_init, .sample_span = mprof_arm, .sample_large = mprof_due,
        .sampled = mprof_malloc, .sampled_freed = mprof_free, .cycle_marked = mprof_next_cycle,
        .cycle_counted = mprof_flush, .cycle_swept = mprof_flush_swept,
    };
}

void hooks_install(void)
{
    dying_report = dying_print;
    dying_end = os_exit;
    stack_hooks = (struct stack_hooks){
        .alloc = stack_mem_alloc, .free = stack_mem_free, .wait_for_memory = gc_wait_for_memory,
        .out_of_memory = malloc_out_of_memory,
    };
    heap_hooks_install();
    timer_chan_drain = chan_drain;
    wait_profile.blocked = block_event;
    wait_profile.held_up = mutex_event;
    sched_hooks = (struct sched_hooks){
        .p_new = p_new, .p_ready = mcache_ready, .p_retire = p_retire,
        .timers_next = timers_next, .timers_run = timers_run,
        .shade = gc_shade, .make_room = scavenge_for_metadata,
        .out_of_memory = malloc_out_of_memory,
        .poll = os_poll, .copy_fault_irq = user_fault_irq, .page_fault_irq = page_fault_irq,
        .kernel_fault_irq = kernel_fault_irq,
        .sample_due = cpuprof_due, .sample_irq = cpuprof_tick_irq,
        .services_due = services_due,
        .bubble_join = bubble_join, .bubble_leave = bubble_leave, .bubble_park = bubble_park,
        .bubble_parked = bubble_parked, .bubble_unpark = bubble_unpark,
    };
}
