/* clock.c - the TSC, scaled. Until it is calibrated the time is 0. */
#include "kernel/clock.h"
#include <stdbool.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/lapic.h"
#include "drivers/rtc.h"
#include "drivers/timer_ref.h"
#include "kernel/check.h"
#include "kernel/print.h"

#define NS_PER_S     1000000000ull
#define CALIBRATE_MS 20

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
    uint64_t t = tsc_ordered() - tsc_zero;
    int64_t now = (int64_t)((unsigned __int128)t * ns_per_tick >> 32);

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
struct sample { uint64_t tsc; uint32_t ref, apic; };

/* A reading may be interrupted by the host, so the tightest of several counts. */
static struct sample sample_take(void)
{
    struct sample best = { 0, 0, 0 };
    uint64_t best_width = UINT64_MAX;

    for (int i = 0; i < 8; i++) {
        uint64_t t0 = tsc_ordered();
        uint32_t ref = timer_ref_read(), apic = lapic_timer_calibrate_count();
        uint64_t t1 = tsc_ordered();
        if (t1 - t0 < best_width) {
            best_width = t1 - t0;
            best = (struct sample){ t0 + (t1 - t0) / 2, ref, apic };
        }
    }
    return best;
}

static void calibrate(uint64_t *apic_hz)
{
    uint64_t ref_hz = timer_ref_hz(), want = ref_hz * CALIBRATE_MS / 1000;
    uint64_t deadline = rdtsc() + 100 * NS_PER_S; /* a stopped reference must not hang us */

    lapic_timer_calibrate_start();
    struct sample a = sample_take();
    while (timer_ref_elapsed(a.ref, timer_ref_read()) < want)
        CHECK(rdtsc() < deadline, "the reference timer does not count");
    struct sample b = sample_take();
    uint64_t dref = timer_ref_elapsed(a.ref, b.ref);
    tsc_hz = (uint64_t)((unsigned __int128)(b.tsc - a.tsc) * ref_hz / dref);
    *apic_hz = (uint64_t)((unsigned __int128)(b.apic - a.apic) * ref_hz / dref);
}

void clock_init(uint64_t tsc_entry, int64_t wall_seconds)
{
    const char *ref = timer_ref_init();
    uint64_t apic_hz;

    calibrate(&apic_hz);
    CHECK(tsc_hz > 1000000, "the TSC does not count (%llu Hz)", (unsigned long long)tsc_hz);
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
