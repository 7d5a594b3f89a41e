/* hooks.c - who is called from below: hooks.h. */
#include "gort/hooks.h"
#include "gort/capp/services.h"
#include "gort/dying.h"
#include "gort/gc/gc.h"
#include "gort/heap/malloc.h"
#include "gort/heap/scavenge.h"
#include "gort/observe/cpuprof.h"
#include "gort/observe/dying.h"
#include "gort/os/fault.h"
#include "gort/os/os.h"
#include "gort/os/user.h"
#include "gort/sched/hooks.h"
#include "gort/sync/synctest.h"
#include "gort/time/timer.h"

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

void hooks_install(void)
{
    dying_report = dying_print;
    sched_hooks = (struct sched_hooks){
        .p_new = p_new, .p_ready = mcache_ready, .p_retire = p_retire,
        .timers_next = timers_next, .timers_run = timers_run,
        .shade = gc_shade, .make_room = scavenge_for_metadata,
        .out_of_memory = malloc_out_of_memory,
        .poll = os_poll, .copy_fault_irq = user_fault_irq, .page_fault_irq = page_fault_irq,
        .sample_due = cpuprof_due, .sample_irq = cpuprof_tick_irq,
        .services_due = services_due,
        .bubble_join = bubble_join, .bubble_leave = bubble_leave, .bubble_park = bubble_park,
        .bubble_parked = bubble_parked, .bubble_unpark = bubble_unpark,
    };
}
