/* clock.h - time: the first of the three doors by which nondeterminism enters. */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include <stdint.h>

/* Nanoseconds since kernel entry, monotonic over all CPUs. Any context, no locks. */
int64_t clock_mono_ns(void);
/* Nanoseconds since 1970-01-01 UTC. Any context, no locks. */
int64_t clock_wall_ns(void);
/* TSC ticks per second as calibrated at boot. */
uint64_t clock_tsc_hz(void);

/* ---- boot ----------------------------------------------------------------------------
 * Calibrates TSC and APIC timer, to 0.05 % (2 to 40 ms), and sets the wall clock; wall_seconds
 * 0 = read the CMOS clock. tsc_entry 0 = now is the zero of clock_mono_ns. */
void clock_init(uint64_t tsc_entry, int64_t wall_seconds);
/* From a CPU whose TSC was seen to run behind another's: clock_mono_ns goes through a shared
 * maximum from then on. */
void clock_make_strict(void);
/* Busy wait, boot only. */
void clock_delay_us(uint64_t us);

#endif
