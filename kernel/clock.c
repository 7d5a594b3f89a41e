/* clock.c - the TSC, scaled. Until it is calibrated the time is 0. */
#include "kernel/clock.h"
#include <stdbool.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/lapic.h"
#include "drivers/rtc.h"
#include "drivers/timer_ref.h"
#include "kernel/print.h"

#define NS_PER_S     1000000000ull
#define CALIBRATE_MS_MOST 40        /* less than what the 8254 counts in 16 bits */
#define PRECISION    2500           /* the error is at most one part in so many: 0.04 % */
#define STOPPED      (1ull << 30)   /* ticks in which any reference moves */

static uint64_t tsc_zero;                 /* [const] */
static uint64_t tsc_hz;                   /* [const] */
static uint64_t ns_per_tick;              /* [const] 32.32 fixed point */
static int64_t wall_offset;               /* [const] wall - mono, ns */
static bool strict;                       /* [atomic] */
static int64_t last;                      /* [atomic] strict: largest value returned */

static uint64_t tsc_ordered(void)
{
    __asm__ volatile("lfence" ::: "memory"); /* not before earlier loads */
    return rdtsc();
}

static int64_t strictly(int64_t now)
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

    return __builtin_expect(__atomic_load_n(&strict, __ATOMIC_RELAXED), 0) ? strictly(now) : now;
}

int64_t clock_wall_ns(void)
{
    return clock_mono_ns() + wall_offset;
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

/* A reading may be interrupted by the host, so the tightest of several counts. */
static struct sample sample_take(void)
{
    struct sample best = { .width = UINT64_MAX };

    for (int i = 0; i < 8; i++) {
        uint64_t t0 = tsc_ordered();
        uint32_t ref = timer_ref_read(), apic = lapic_timer_calibrate_count();
        uint64_t t1 = tsc_ordered();
        if (t1 - t0 < best.width)
            best = (struct sample){ t0 + (t1 - t0) / 2, t1 - t0, ref, apic };
    }
    return best;
}

/* Have the two samples so much between them that what they are wrong by does not matter? Each may
 * be off by half its width, and the reference's count by one. */
static bool far_enough(const struct sample *a, const struct sample *b, uint64_t dref)
{
    uint64_t ticks = b->tsc - a->tsc;
    uint64_t error = (a->width + b->width) / 2 + 2 * (ticks / dref + 1);

    return ticks > error * PRECISION;
}

_Noreturn static void unusable(const char *what)
{
    kprintf("gort: %s: this machine cannot be used\n", what);
    machine_exit(2);
}

static void calibrate(uint64_t *apic_hz)
{
    uint64_t ref_hz = timer_ref_hz(), dref;
    struct sample a, b;

    lapic_timer_calibrate_start();
    a = sample_take();
    do {
        b = sample_take();
        dref = timer_ref_elapsed(a.ref, b.ref);
        if (!dref && b.tsc - a.tsc > STOPPED)
            unusable("none of HPET, ACPI PM timer and 8254 counts");
    } while (!dref || (!far_enough(&a, &b, dref) && dref < ref_hz * CALIBRATE_MS_MOST / 1000));
    tsc_hz = (uint64_t)((unsigned __int128)(b.tsc - a.tsc) * ref_hz / dref);
    *apic_hz = (uint64_t)((unsigned __int128)(b.apic - a.apic) * ref_hz / dref);
}

void clock_init(uint64_t tsc_entry, int64_t wall_seconds)
{
    const char *ref = timer_ref_init();
    uint64_t apic_hz;

    calibrate(&apic_hz);
    if (tsc_hz < 1000000 || apic_hz < 1000)
        unusable(tsc_hz < 1000000 ? "the TSC does not count"
                                  : "the local APIC, or its timer, is missing");
    ns_per_tick = (uint64_t)(((unsigned __int128)NS_PER_S << 32) / tsc_hz);
    tsc_zero = tsc_entry && tsc_entry < rdtsc() ? tsc_entry : rdtsc();
    lapic_timer_set_hz(apic_hz);
    if (!wall_seconds)
        wall_seconds = rtc_read();
    wall_offset = wall_seconds * (int64_t)NS_PER_S - clock_mono_ns();
    boot_log("clock: TSC %llu kHz%s, APIC timer %llu kHz%s, by the %s",
             (unsigned long long)tsc_hz / 1000, cpu_features.invtsc ? " (invariant)" : "",
             (unsigned long long)apic_hz / 1000, cpu_features.tsc_deadline ? ", TSC deadline" : "",
             ref);
}

void clock_delay_us(uint64_t us)
{
    int64_t end = clock_mono_ns() + (int64_t)us * 1000;

    while (clock_mono_ns() < end)
        cpu_relax();
}
