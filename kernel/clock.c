/* clock.c - the wall clock, and what the log says of the clocks. */
#include "kernel/clock.h"
#include <stddef.h>
#include "arch/x86_64/arch.h"
#include "kernel/print.h"

static int64_t wall_offset; /* [const] wall - mono, ns */

int64_t clock_wall_ns(void)
{
    return clock_mono_ns() + wall_offset;
}

const char *clock_init(const struct clock_ref *ref, uint64_t tsc_entry, int64_t wall_seconds)
{
    uint64_t apic_hz;
    const char *bad = tsc_calibrate(ref, tsc_entry, &apic_hz);

    if (bad)
        return bad;
    wall_offset = wall_seconds * 1000000000 - clock_mono_ns();
    boot_log("clock: TSC %llu kHz%s, APIC timer %llu kHz%s, by the %s",
             (unsigned long long)clock_tsc_hz() / 1000, cpu_features.invtsc ? " (invariant)" : "",
             (unsigned long long)apic_hz / 1000, cpu_features.tsc_deadline ? ", TSC deadline" : "",
             ref->name);
    return NULL;
}
