/* clock.h - time: the first of the three doors by which nondeterminism enters. */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include <stdint.h>
#include "arch/x86_64/tsc.h" /* clock_mono_ns, clock_tsc_hz */

/* Nanoseconds since 1970-01-01 UTC. Any context, no locks. */
int64_t clock_wall_ns(void);
/* The same at a moment of clock_mono_ns. */
int64_t clock_wall_at(int64_t mono);
/* Sets it forward by ns. Any context. */
void clock_wall_step(int64_t ns);

/* Boot: begins to calibrate the clocks (tsc_calibrate_begin) and sets the wall clock. NULL, or
 * what is wrong with the machine. */
const char *clock_begin(const struct clock_ref *ref, uint64_t tsc_entry, int64_t wall_seconds);
/* Boot, later: both clocks and the APIC timer run at the right rate from here on. */
void clock_settle(void);

#endif
