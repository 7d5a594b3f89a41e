/* stall.h - the boot option stallwatch: for how long could a CPU not be preempted?
 *
 * A short tick asks every goroutine to give way, as preemptstress does. Where that finds the CPU on
 * g0, in the service of a gate, a stretch begins; it ends when the CPU gets to schedule(). The
 * longest stretch, and what the CPU was doing at its last tick, are printed when the machine ends.
 * Leaves are left out: they go back to Go code, which no tick may have seen.
 *
 * A CPU of a virtual machine that its host takes away stalls too: under QEMU's -icount, where time
 * is instructions, the figure is the kernel's own. */
#ifndef GORT_SCHED_STALL_H
#define GORT_SCHED_STALL_H

#include <stdbool.h>
#include <stdint.h>

struct trap_frame;

#define STALL_TICK_US 20

/* Interrupt context, at a tick that was due at `due`: one that interrupts were off for counts from
 * there. stuck: the goroutine could not be stopped just here. */
void stall_tick_irq(const struct trap_frame *tf, bool stuck, int64_t due);
/* This CPU is in schedule(). g0. */
void stall_over(void);
/* Prints the longest stretch that has ended. At the end of the machine. */
void stall_report(void);

#endif
