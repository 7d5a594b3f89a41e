/* tsc.c - the TSC, scaled. Until it is calibrated the time is 0. */
#include "arch/x86_64/tsc.h"
#include <stdbool.h>
#include <stddef.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/lapic.h"

#define NS_PER_S     1000000000ull
#define CALIBRATE_MS_MOST 40        /* the 8254's 16 bits wrap after 54 ms */
#define PRECISION    2500           /* the error is at most 1 / PRECISION: 0.04 % */
/* if the reference has not moved after so many ticks, it stands still */
#define STOPPED      (1ull << 30)

static uint64_t tsc_zero;                 /* [const] */
static uint64_t tsc_hz;                   /* [const] */
static uint64_t ns_per_tick;              /* [const] 32.32 fixed point */
static bool strict;                       /* [atomic] the TSCs of the CPUs are out of step */
static int64_t last;                      /* [atomic] strict: largest time returned */

static uint64_t tsc_ordered(void)
{
    __asm__ volatile("lfence" ::: "memory"); /* the TSC is read after all earlier loads */
    return rdtsc();
}

/* Time must not go back when a goroutine moves to a CPU whose TSC is behind. So with TSCs out of
 * step no CPU returns less than any CPU has returned: on one that is behind, time stands still
 * until its own TSC has caught up. */
static int64_t never_back(int64_t now)
{
    int64_t seen = __atomic_load_n(&last, __ATOMIC_RELAXED);

    while (now > seen)
        if (__atomic_compare_exchange_n(&last, &seen, now, true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
            return now;
    return seen;
}

int64_t clock_mono_ns(void)
{
    int64_t t = (int64_t)(tsc_ordered() + (uint64_t)cpu_self()->tsc_offset - tsc_zero);
    int64_t now = t > 0 ? (int64_t)((unsigned __int128)(uint64_t)t * ns_per_tick >> 32) : 0;

    return __builtin_expect(__atomic_load_n(&strict, __ATOMIC_RELAXED), 0) ? never_back(now) : now;
}

uint64_t clock_tsc_hz(void)
{
    return tsc_hz;
}

void clock_make_strict(void)
{
    __atomic_store_n(&strict, true, __ATOMIC_SEQ_CST);
}

/* Readings of all three counters that belong together. */
struct sample { uint64_t tsc, width; uint32_t ref, apic; };

/* The host may interrupt a reading, so the tightest of several is taken. */
static struct sample sample_take(const struct clock_ref *r)
{
    struct sample best = { .width = UINT64_MAX };

    for (int i = 0; i < 8; i++) {
        uint64_t t0 = tsc_ordered();
        uint32_t ref = r->read(), apic = lapic_timer_calibrate_count();
        uint64_t t1 = tsc_ordered();
        if (t1 - t0 < best.width)
            best = (struct sample){ t0 + (t1 - t0) / 2, t1 - t0, ref, apic };
    }
    return best;
}

/* Are the two samples far enough apart for their errors not to matter? Each may be off by half
 * its width, and the reference's count by one. */
static bool far_enough(const struct sample *a, const struct sample *b, uint64_t dref)
{
    uint64_t ticks = b->tsc - a->tsc;
    uint64_t error = (a->width + b->width) / 2 + 2 * (ticks / dref + 1);

    return ticks > error * PRECISION;
}

/* Sets tsc_hz. False: the reference counter stands still. */
static bool measure(const struct clock_ref *r, uint64_t *apic_hz)
{
    struct sample a, b;
    uint64_t dref;

    lapic_timer_calibrate_start();
    a = sample_take(r);
    do {
        b = sample_take(r);
        dref = (b.ref - a.ref) & r->mask;
        if (!dref && b.tsc - a.tsc > STOPPED)
            return false;
    } while (!dref || (!far_enough(&a, &b, dref) && dref < r->hz * CALIBRATE_MS_MOST / 1000));
    tsc_hz = (uint64_t)((unsigned __int128)(b.tsc - a.tsc) * r->hz / dref);
    *apic_hz = (uint64_t)((unsigned __int128)(b.apic - a.apic) * r->hz / dref);
    return true;
}

const char *tsc_calibrate(const struct clock_ref *ref, uint64_t tsc_entry, uint64_t *apic_hz)
{
    if (!measure(ref, apic_hz))
        return "none of HPET, ACPI PM timer and 8254 counts";
    if (tsc_hz < 1000000)
        return "the TSC does not count";
    if (*apic_hz < 1000)
        return "the local APIC, or its timer, is missing";
    ns_per_tick = (uint64_t)(((unsigned __int128)NS_PER_S << 32) / tsc_hz);
    tsc_zero = tsc_entry && tsc_entry < rdtsc() ? tsc_entry : rdtsc();
    lapic_timer_set_hz(*apic_hz);
    return NULL;
}

void clock_delay_us(uint64_t us)
{
    int64_t end = clock_mono_ns() + (int64_t)us * 1000;

    while (clock_mono_ns() < end)
        cpu_relax();
}
