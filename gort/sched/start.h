/* start.h - what is known of goroutines by the function that they start with: whether they are the
 * runtime's, and how much stack they come to need.
 *
 * A goroutine that outgrows its stack is copied with every frame adjusted, thousands of
 * instructions; programs start the same function over and over. So where three of four goroutines
 * of a function have outgrown what they began with, later ones begin with twice that, up to
 * START_STACK_MOST. One in START_PROBE then begins with half as before, and when two of these in a
 * row end without having grown, all do. Go has one size for all goroutines, the average use of
 * those that collections have met; by function it is known sooner, and goroutines that need little
 * do not pay for those that need much. */
#ifndef GORT_SCHED_START_H
#define GORT_SCHED_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gort/g.h"

#define START_STACK_MOST (8ul << 10)
#define START_ENOUGH     16u        /* growths before anything is concluded from them */
#define START_PROBE      64u

/* g0 or boot, no locks; any number of CPUs at once (they may lose counts to each other). */

/* Is a goroutine that starts at pc one of the runtime's? */
bool start_is_system(uintptr_t pc);
/* Bytes of stack, a power of two of STACK_MIN to START_STACK_MOST, with which a goroutine that
 * starts at gp->startpc is to begin. It counts as born. Sets gp->start_order, gp->start_probe. */
size_t start_stack(struct g *gp);
/* Goroutines that start at pc are known to need START_STACK_MOST: they begin with it from the first
 * one on, until probes show that they do not. */
void start_needs_most(uintptr_t pc);
/* gp's stack is about to grow. */
void start_grew(const struct g *gp);
/* gp ends; it still has its stack. */
void start_ended(const struct g *gp);

#endif
