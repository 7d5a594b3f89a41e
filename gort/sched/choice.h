/* choice.h - the third door for nondeterminism; the others are kernel/clock.h and random.h.
 *
 * Where several ways are equally right (which case of a select, whose queue to rob first, which
 * of the timers of a bubble that are due at once) the scheduler asks here, and nowhere else. A
 * generator of its own, so that what a program draws for itself moves no choice; the boot option
 * `seed=N` makes the choices of every CPU a function of N. */
#ifndef GORT_SCHED_CHOICE_H
#define GORT_SCHED_CHOICE_H

#include <stdint.h>
#include "arch/x86_64/cpu.h"

/* One of 0..n-1, n > 0. g0 or a leaf. A linear congruential generator's upper half: a handful of
 * instructions, since every select asks once per case. */
static inline uint32_t sched_choice(uint32_t n)
{
    struct cpu *c = cpu_self();

    c->choice = c->choice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((c->choice >> 32) * n) >> 32);
}

#endif
