/* tsc.h - the CPU's clock: time since the kernel was entered. */
#ifndef ARCH_TSC_H
#define ARCH_TSC_H

#include <stdbool.h>
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
/* Begins to compare TSC and APIC timer with ref: clock_mono_ns runs from here on, right to 2 %.
 * tsc_entry 0 = now is its zero. NULL, or what is wrong with the machine. */
const char *tsc_calibrate_begin(const struct clock_ref *ref, uint64_t tsc_entry);
/* Ends that, some ms later: right to 0.05 %. Waits (for 40 ms at most) if too little time has
 * passed. The rate of clock_mono_ns changes, so its value may step by 2 % of what has passed,
 * backwards too: before any timer is set. True: the CPU or its hypervisor says the frequencies,
 * and the comparison agrees. */
bool tsc_calibrate_end(uint64_t *apic_hz);
/* Called when a CPU's TSC was seen to be out of step with another's, corrected or not: from then
 * on clock_mono_ns goes through a maximum that all CPUs share. */
void clock_make_strict(void);
/* Busy wait, boot only. */
void clock_delay_us(uint64_t us);

#endif
