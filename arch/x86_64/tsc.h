/* tsc.h - the CPU's clock: time since the kernel was entered. */
#ifndef ARCH_TSC_H
#define ARCH_TSC_H

#include <stdint.h>

/* Nanoseconds since kernel entry, monotonic over all CPUs. 0 until it is calibrated. Any
 * context, no locks. */
int64_t clock_mono_ns(void);
/* TSC ticks per second as calibrated at boot. */
uint64_t clock_tsc_hz(void);

/* ---- boot ---------------------------------------------------------------------------- */

/* A counter of known frequency. Readings wrap at `mask`, which is all ones. */
struct clock_ref {
    const char *name;
    uint64_t hz;
    uint32_t mask;
    uint32_t (*read)(void);
};
/* Calibrates TSC and APIC timer against ref, to 0.05 % (2 to 40 ms). tsc_entry 0 = now is the zero
 * of clock_mono_ns. NULL, or what is wrong with the machine. */
const char *tsc_calibrate(const struct clock_ref *ref, uint64_t tsc_entry, uint64_t *apic_hz);
/* Called when a CPU's TSC was seen to run behind another's: from then on clock_mono_ns goes
 * through a maximum that all CPUs share. */
void clock_make_strict(void);
/* Busy wait, boot only. */
void clock_delay_us(uint64_t us);

#endif
