#include "arch/x86_64/tscsync.h"
#include "arch/x86_64/arch.h"
#include "arch/x86_64/state.h"

#define ROUNDS       500u      /* rounds of the new CPU when the TSCs agree */
#define ROUNDS_SKEW  5000u     /* where something is */
#define WIDTH_GOOD   100000    /* ticks: some 40 us */
#define TICKS_MOST   (1u << 29)
#define TICKS_ALONE  (1ull << 33) /* the boot CPU does not look at all */

enum { BOOT, AP };
static uint64_t reading[2];    /* [atomic] published, 0 = none yet */
static int64_t least_boot;     /* [atomic] */
static int64_t found;          /* [atomic] */
uint64_t tsc_skew;

struct tsc_verdict tsc_judge(int64_t least_ap, int64_t least_boot, unsigned rounds, bool late)
{
    struct tsc_verdict v = { 0 };
    int64_t low = -least_boot, high = least_ap;
    bool known = least_boot != INT64_MAX && least_ap != INT64_MAX;
    bool good = known && low <= high && high - low <= WIDTH_GOOD;

    v.apart = (least_boot != INT64_MAX && low > 0) || (least_ap != INT64_MAX && high < 0);
    if (!v.apart) {
        v.done = rounds >= ROUNDS && (known || late);
        return v;
    }
    v.done = late || (good && rounds >= ROUNDS_SKEW);
    v.offset = !known ? (high < 0 ? -high : -low) : -(low + (high - low) / 2);
    return v;
}

void tsc_sync_begin(void)
{
    reading[BOOT] = reading[AP] = 0;
    least_boot = INT64_MAX;
    found = 0;
}

/* One look at the other's reading, one reading of our own. Returns the lesser of `least` and
 * the difference. Neither CPU waits for the other, which could take long on a loaded host. */
static int64_t look(int me, int64_t least)
{
    uint64_t seen = __atomic_load_n(&reading[!me], __ATOMIC_ACQUIRE);

    __asm__ volatile("lfence" ::: "memory");
    uint64_t t = rdtsc() + (uint64_t)cpu_self()->tsc_offset;
    int64_t d = (int64_t)(t - seen);
    __atomic_store_n(&reading[me], t, __ATOMIC_RELEASE);
    return seen && d < least ? d : least;
}

void tsc_sync_boot(void)
{
    int64_t least = look(BOOT, least_boot); /* only this CPU writes it */

    __atomic_store_n(&least_boot, least, __ATOMIC_RELEASE);
}

void tsc_sync_ap(struct cpu *c)
{
    uint64_t start = rdtsc();
    int64_t least = INT64_MAX;
    bool met = false;
    struct tsc_verdict v = { 0 };

    if (tsc_skew)
        c->tsc_offset = c->id % 2 ? -(int64_t)tsc_skew : (int64_t)tsc_skew;
    for (unsigned i = 1; !v.done; i++) {
        tlb_poll();
        least = look(AP, least);
        if (!met && __atomic_load_n(&reading[BOOT], __ATOMIC_ACQUIRE)) {
            met = true; /* it had something else to do first */
            start = rdtsc();
        }
        v = tsc_judge(least, __atomic_load_n(&least_boot, __ATOMIC_ACQUIRE), i,
                      rdtsc() - start > (met ? TICKS_MOST : TICKS_ALONE));
    }
    c->tsc_offset += v.offset;
    if (v.apart)
        clock_make_strict();
    __atomic_store_n(&found, -v.offset, __ATOMIC_RELEASE);
}

int64_t tsc_sync_found(void)
{
    return __atomic_load_n(&found, __ATOMIC_ACQUIRE);
}
