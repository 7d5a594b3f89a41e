/* tsc.c - the TSC, scaled. Until it is calibrated the time is 0. */
#include "arch/x86_64/tsc.h"
#include <stdbool.h>
#include <stddef.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/lapic.h"

#define NS_PER_S     1000000000ull
#define CALIBRATE_MS_MOST 40        /* the 8254's 16 bits wrap after 54 ms */
#define PRECISION    2500           /* the error is at most 1 / PRECISION: 0.04 % */
#define ROUGH        64             /* while other things of the boot go on */
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

/* Readings of the counters: the reference and the APIC timer, each with the TSC at its middle. */
struct sample { uint64_t tsc, width, apic_tsc; uint32_t ref, apic; };

/* The host may interrupt a reading, so the tightest of several is taken. */
static struct sample sample_take(const struct clock_ref *r, int tries)
{
    struct sample best = { .width = UINT64_MAX };

    for (int i = 0; i < tries; i++) {
        uint64_t t0 = tsc_ordered();
        uint32_t ref = r->read();
        uint64_t t1 = tsc_ordered();
        uint32_t apic = lapic_timer_calibrate_count();
        uint64_t t2 = tsc_ordered(), wider = t1 - t0 > t2 - t1 ? t1 - t0 : t2 - t1;
        if (wider < best.width)
            best = (struct sample){ t0 + (t1 - t0) / 2, wider, t1 + (t2 - t1) / 2, ref, apic };
    }
    return best;
}

/* Are the two samples far enough apart for their errors to be one part in `precision`? Each may be
 * off by half its width, and the reference's count by one. */
static bool far_enough(const struct sample *a, const struct sample *b, uint64_t dref,
                       uint64_t precision)
{
    uint64_t ticks = b->tsc - a->tsc;
    uint64_t error = (a->width + b->width) / 2 + 2 * (ticks / dref + 1);

    return ticks > error * precision;
}

static struct {
    const struct clock_ref *ref;
    struct sample begin;
    uint64_t apic_hz;
} calibration;

/* How far the reference may go, from `dref` on, until a measurement has to be good enough. */
static uint64_t last_dref(uint64_t dref)
{
    const struct clock_ref *r = calibration.ref;
    uint64_t wait = dref + r->hz * CALIBRATE_MS_MOST / 1000, most = r->mask / 4 * 3;

    return wait < most ? wait : most;
}

/* Compares the counters since calibration.begin, until that is precise, or as precise as it gets.
 * False: the reference stands still. */
static bool measure(uint64_t precision)
{
    const struct clock_ref *r = calibration.ref;
    const struct sample *a = &calibration.begin;
    uint64_t dref, end = last_dref((r->read() - a->ref) & r->mask);
    struct sample b;

    do {
        b = sample_take(r, 8);
        dref = (b.ref - a->ref) & r->mask;
        if (!dref && b.tsc - a->tsc > STOPPED)
            return false;
    } while (!dref || (!far_enough(a, &b, dref, precision) && dref < end));
    tsc_hz = (uint64_t)((unsigned __int128)(b.tsc - a->tsc) * r->hz / dref);
    calibration.apic_hz = (uint64_t)((unsigned __int128)(b.apic - a->apic) * tsc_hz /
                                     (b.apic_tsc - a->apic_tsc));
    return true;
}

static void begin(const struct clock_ref *ref)
{
    lapic_timer_calibrate_start();
    calibration.ref = ref;
    calibration.begin = sample_take(ref, 32); /* the error of all that is measured from here on */
}

static void scale(void) { ns_per_tick = (uint64_t)(((unsigned __int128)NS_PER_S << 32) / tsc_hz); }

const char *tsc_calibrate_begin(const struct clock_ref *ref, uint64_t tsc_entry)
{
    begin(ref);
    if (!measure(ROUGH))
        return "none of HPET, ACPI PM timer and 8254 counts";
    if (tsc_hz < 1000000)
        return "the TSC does not count";
    if (calibration.apic_hz < 1000)
        return "the local APIC, or its timer, is missing";
    scale();
    tsc_zero = tsc_entry && tsc_entry < rdtsc() ? tsc_entry : rdtsc();
    return NULL;
}

/* Has so much time passed that one of the counters may have wrapped? By the rough figures. */
static bool wrapped(void)
{
    uint64_t ticks = rdtsc() - calibration.begin.tsc;
    const struct clock_ref *r = calibration.ref;
    unsigned __int128 ref = (unsigned __int128)ticks * r->hz / tsc_hz;
    unsigned __int128 apic = (unsigned __int128)ticks * calibration.apic_hz / tsc_hz;

    return ref > r->mask / 2 || apic > UINT32_MAX / 4 * 3;
}

static bool near(uint64_t said, uint64_t measured)
{
    uint64_t apart = said > measured ? said - measured : measured - said;

    return apart < measured / (ROUGH / 2);
}

bool tsc_calibrate_end(uint64_t *apic_hz)
{
    struct cpu_clocks said = cpu_clocks_said();
    bool believed = said.tsc_hz && near(said.tsc_hz, tsc_hz) &&
                    near(said.apic_hz, calibration.apic_hz);

    if (believed) {
        tsc_hz = said.tsc_hz;
        calibration.apic_hz = said.apic_hz;
    } else {
        if (wrapped())
            begin(calibration.ref);
        measure(PRECISION);
    }
    scale();
    *apic_hz = calibration.apic_hz;
    lapic_timer_set_hz(*apic_hz);
    return believed;
}

void clock_delay_us(uint64_t us)
{
    int64_t end = clock_mono_ns() + (int64_t)us * 1000;

    while (clock_mono_ns() < end)
        cpu_relax();
}
