/* trace.c - see trace.h. */
#include "gort/gc/trace.h"
#include "arch/x86_64/arch.h"
#include "gort/abi/app.h"
#include "gort/gc/cycle.h"
#include "gort/gc/gc.h"
#include "gort/gc/metrics.h"
#include "gort/sched/mp.h"
#include "kernel/print.h"

/* GODEBUG=gcpacertrace=1, much as Go has it. */
void gc_trace_begin(void)
{
    uint64_t goal = __atomic_load_n(&gc.goal, __ATOMIC_RELAXED);

    if (!app->debug->gcpacertrace)
        return;
    uint64_t ratio = pacer_assist_ratio(gc_cycle.last_marked + gc_cycle.roots,
                                        gc_cycle.live_at_start, goal);
    kprintf("pacer: assist ratio=%lu.%03lu (scan %lu MB in %lu->%lu MB) workers=%u+%u.%03u\n",
            (unsigned long)ratio / 1024, (unsigned long)(ratio % 1024 * 1000 / 1024),
            (unsigned long)__atomic_load_n(&gc.heap_scan, __ATOMIC_RELAXED) >> 20,
            (unsigned long)gc_cycle.live_at_start >> 20,
            (unsigned long)goal >> 20, gc_cycle.wanted.dedicated, gc_cycle.wanted.share / 1024,
            gc_cycle.wanted.share * 1000 / 1024);
}

static void trace_pacer(const struct gc_trace *t)
{
    kprintf("pacer: %u%% CPU (25 exp.) for %lu+%lu+%lu B work (%lu B exp.) in %lu B -> %lu B "
            "(∆goal %ld)\n", (unsigned)(gc.cpu_fraction * 100),
            (unsigned long)gc_metrics.scan_heap, (unsigned long)gc_metrics.scan_stack,
            (unsigned long)gc_metrics.scan_globals, (unsigned long)t->expected,
            (unsigned long)gc_cycle.live_at_start, (unsigned long)t->live,
            (long)(t->live - t->goal));
}

/* Milliseconds as Go prints them here: two digits that count, three decimals at most, and none from
 * 10 ms on. */
static void print_ms(const char *before, int64_t ns)
{
    unsigned long us = (unsigned long)(ns / 1000), div = 1000;
    int decimals = 3;

    if (ns >= 10000000) {
        kprintf("%s%lu", before, us / 1000);
    } else if (us == 0) {
        kprintf("%s0", before);
    } else {
        for (; us >= 100; us /= 10, div /= 10)
            decimals--;
        kprintf("%s%lu.%0*lu", before, us / div, decimals, us % div);
    }
}

/* GODEBUG=gctrace=1, in Go's format. */
static void trace(const struct gc_trace *t)
{
    unsigned long mb = 1 << 20;

    kprintf("gc %u @%lu.%03lus %u%%: ", gc.cycles, (unsigned long)(gc_cycle.start_ns / 1000000000),
            (unsigned long)(gc_cycle.start_ns / 1000000 % 1000), (unsigned)(gc.cpu_fraction * 100));
    print_ms("", gc_cycle.stop1_ns);
    print_ms("+", t->mark_ns);
    print_ms("+", t->stop2_ns);
    print_ms(" ms clock, ", gc_cycle.stop1_ns * gomaxprocs);
    print_ms("+", (int64_t)gc_cycle.assist_ns);
    print_ms("/", gc_cycle.cpu_ns);
    print_ms("/", gc_cycle.idle_ns);
    print_ms("+", t->stop2_ns * gomaxprocs);
    kprintf(" ms cpu, %lu->%lu->%lu MB, %lu MB goal, %lu MB stacks, %lu MB globals, %u P%s\n",
            (unsigned long)gc_cycle.live_at_start / mb, (unsigned long)t->live / mb,
            (unsigned long)gc.heap_marked / mb, (unsigned long)gc.goal / mb,
            (unsigned long)gc_cycle.scan_stack / mb, (unsigned long)gc_cycle.scan_globals / mb,
            gomaxprocs,
            gc_cycle.forced ? " (forced)" : "");
}

void gc_trace_end(const struct gc_trace *t)
{
    if (app->debug->gctrace)
        trace(t);
    if (app->debug->gcpacertrace)
        trace_pacer(t);
}
