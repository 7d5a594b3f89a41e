/* clock.c - the wall clock, and what the log says of the clocks. */
#include "kernel/clock.h"
#include <stddef.h>
#include "arch/x86_64/arch.h"
#include "kernel/print.h"

static int64_t wall_offset; /* [atomic] wall - mono, ns */
static const char *ref_name;

int64_t clock_wall_at(int64_t mono)
{
    return mono + __atomic_load_n(&wall_offset, __ATOMIC_RELAXED);
}

int64_t clock_wall_ns(void) { return clock_wall_at(clock_mono_ns()); }

void clock_wall_step(int64_t ns)
{
    __atomic_add_fetch(&wall_offset, ns, __ATOMIC_RELAXED);
}

const char *clock_begin(const struct clock_ref *ref, uint64_t tsc_entry, int64_t wall_seconds)
{
    const char *bad = tsc_calibrate_begin(ref, tsc_entry);

    ref_name = ref->name;
    wall_offset = wall_seconds * 1000000000 - clock_mono_ns();
    return bad;
}

void clock_settle(void)
{
    int64_t wall = clock_wall_ns();
    uint64_t apic_hz;
    bool said = tsc_calibrate_end(&apic_hz);

    wall_offset = wall - clock_mono_ns();
    boot_log("clock: TSC %llu kHz%s, APIC timer %llu kHz%s, by the %s",
             (unsigned long long)clock_tsc_hz() / 1000, cpu_features.invtsc ? " (invariant)" : "",
             (unsigned long long)apic_hz / 1000, cpu_features.tsc_deadline ? ", TSC deadline" : "",
             said ? "CPU's word" : ref_name);
}
