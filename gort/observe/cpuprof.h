/* cpuprof.h - the CPU profile: what each CPU was doing, once per period of its own busy time.
 *
 *   APIC timer -> cpuprof_tick_irq -> ring of that CPU -> gate cpuprof_read -> runtime/pprof
 *
 * A CPU's clock for this is the time that it has not halted, so an idle CPU takes no samples
 * and is not woken for one. A tick that comes late counts for all the periods that it stands
 * for: the sum of a profile is the busy time, as getrusage has it.
 *
 * The handler unwinds the interrupted goroutine itself. Its stack stands still, and where the
 * CPU was in C it is described by g.sched, by what a leaf call left at the top of g0's stack,
 * or (while it moves) by m.moving; cpuprof.c has the cases. */
#ifndef GORT_OBSERVE_CPUPROF_H
#define GORT_OBSERVE_CPUPROF_H

#include <stdbool.h>
#include <stdint.h>

struct trap_frame;

/* A timer interrupt: samples if one is due. Before the frame is changed. */
void cpuprof_tick_irq(const struct trap_frame *tf, int64_t now);
/* When this CPU's next sample is due, on clock_mono_ns; INT64_MAX: never, or it is idle. Any
 * context on g0. */
int64_t cpuprof_due(void);
/* The collector's: calls fn for every label set that a sample holds. World stopped. */
void cpuprof_roots(void (*fn)(void *ctx, void *label), void *ctx);

#endif
