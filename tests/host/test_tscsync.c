/* test_tscsync.c - the verdict from readings of two CPUs' counters.
 * sources: arch/x86_64/tscsync.c */
#include <stdio.h>
#include <stdlib.h>
#include "arch/x86_64/state.h"
#include "arch/x86_64/tscsync.h"
#include "kernel/clock.h"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

void clock_make_strict(void) {}
void tlb_poll(void) {}

/* The new CPU is ahead by d; a message takes fast ticks at least, mostly more. */
static struct tsc_verdict meet(int64_t d, int64_t fast, unsigned rounds)
{
    int64_t least_ap = INT64_MAX, least_boot = INT64_MAX;
    struct tsc_verdict v = { 0 };

    for (unsigned i = 1; i <= rounds && !v.done; i++) {
        int64_t to = fast + rand() % 1000, from = fast + rand() % 1000;
        least_ap = to + d < least_ap ? to + d : least_ap;
        least_boot = from - d < least_boot ? from - d : least_boot;
        v = tsc_judge(least_ap, least_boot, i, false);
    }
    return v;
}

static bool in_step(void)
{
    for (int64_t d = -90; d <= 90; d += 10) {
        struct tsc_verdict v = meet(d, 100, 1000);
        if (!v.done || v.apart || v.offset)
            return false;
    }
    return true;
}

/* Corrected to within the time of the fastest message: smaller errors cannot be noticed. */
static bool apart(void)
{
    static const int64_t ds[] = { 200, -200, 5000, 3000000000, -3000000000, 1ll << 50,
                                  -(1ll << 50) };

    for (unsigned i = 0; i < sizeof ds / sizeof ds[0]; i++) {
        struct tsc_verdict v = meet(ds[i], 100, 6000);
        int64_t left = ds[i] + v.offset;
        if (!v.done || !v.apart || left > 100 || left < -100)
            return false;
    }
    return true;
}

static bool unsteady(void)
{
    struct tsc_verdict v = tsc_judge(-500, 300, 10000, true); /* d <= -500 and d >= -300 */
    bool drifts = v.done && v.apart;

    v = tsc_judge(-500, 100000000, 10000, false); /* no fast answer yet: go on */
    bool on = !v.done;
    v = tsc_judge(-500, INT64_MAX, 10, true);
    return drifts && on && v.done && v.apart && v.offset == 500;
}

/* Messages one way are slow while the CPUs meet, and fast later: time would go back by almost
 * half of the difference. The verdict has to say that the offset is no exact one. */
static bool lopsided(void)
{
    const int64_t d = 1000000000, slow = 90000, fast = 100;
    struct tsc_verdict v = tsc_judge(d + slow, fast - d, 6000, false);

    return v.done && v.apart && d + v.offset != 0;
}

static bool nothing_seen(void)
{
    struct tsc_verdict v = tsc_judge(INT64_MAX, INT64_MAX, 600, false);
    bool waits = !v.done;

    v = tsc_judge(INT64_MAX, INT64_MAX, 600, true);
    return waits && v.done && !v.offset;
}

int main(void)
{
    report("in step", in_step());
    report("apart", apart());
    report("unsteady", unsteady());
    report("lopsided", lopsided());
    report("nothing seen", nothing_seen());
    return failures != 0;
}
