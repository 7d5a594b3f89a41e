/* wall.c - the wall clock after a pause of the machine. An emulator that stops a machine stops its
 * TSC, and with it all that is counted from it: right for timers and for time that is measured,
 * wrong for the date. Its CMOS clock goes on with the host's. */
#include "gort/time/wall.h"
#include <stdbool.h>
#include "arch/x86_64/arch.h"
#include "drivers/rtc.h"
#include "gort/abi/leaf.h"
#include "kernel/clock.h"
#include "kernel/options.h"

#define S_NS      1000000000ll
#define LOOK_NS   250000000ll   /* between looks, if somebody asks for the time as often */
#define WIDTH_MIN 300000000ll   /* what is believed of d is no narrower: a look takes time itself */
#define QUICK_NS  5000000ll     /* a look that took longer, on a busy host, says nothing */

int64_t wall_judge(struct wall_bounds *b, int64_t seen)
{
    if (!b->low && !b->high)
        *b = (struct wall_bounds){ seen, seen + S_NS };
    if (seen >= b->high) /* ours has stood still */
        return seen - b->low;
    if (seen + S_NS <= b->low) /* ours is too fast, or somebody has set the CMOS clock back */
        return seen + S_NS - b->high;
    if (seen > b->low && b->high - seen >= WIDTH_MIN)
        b->low = seen;
    if (seen + S_NS < b->high && seen + S_NS - b->low >= WIDTH_MIN)
        b->high = seen + S_NS;
    return 0;
}

static struct wall_bounds bounds; /* [looking] */

static void look(void)
{
    if (rtc_updating()) /* that may take longer than a call should */
        return;
    int64_t before = clock_wall_ns(), cmos = rtc_read(), after = clock_wall_ns();
    if (!cmos || after - before > QUICK_NS)
        return;
    int64_t step = wall_judge(&bounds, cmos * S_NS - before);
    if (step)
        clock_wall_step(step);
}

static int64_t next_look;      /* [atomic] clock_mono_ns */

static __attribute__((noinline)) void look_at(int64_t now)
{
    static bool looking;       /* [atomic] one CPU does; the others do not wait for it */

    if (__atomic_exchange_n(&looking, true, __ATOMIC_ACQUIRE))
        return;
    /* With a seed, a run shall be as the last one. */
    bool never = options.seed || !cpu_features.virtual;
    __atomic_store_n(&next_look, never ? INT64_MAX : now + LOOK_NS, __ATOMIC_RELAXED);
    if (!never)
        look();
    __atomic_store_n(&looking, false, __ATOMIC_RELEASE);
}

struct clocks clocks_leaf(void)
{
    int64_t now = clock_mono_ns();

    if (__builtin_expect(now >= __atomic_load_n(&next_look, __ATOMIC_RELAXED), 0)) {
        look_at(now);
        now = clock_mono_ns();
    }
    return (struct clocks){ clock_wall_at(now), now };
}

int64_t wall_and_mono(int64_t *mono)
{
    struct clocks c = clocks_leaf();

    *mono = c.mono;
    return c.wall;
}

int64_t wall_now(void)
{
    int64_t mono;

    return wall_and_mono(&mono);
}
