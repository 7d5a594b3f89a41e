/* pacer.c - goal, trigger, assist ratio: pacer.h. Goals, and assists in proportion to what is
 * allocated, are after Go's mgcpacer.go. */
#include "gort/gc/pacer.h"

#define MIN_HEAP        (4ull << 20)
#define STEP_MIN        (1ull << 20)
#define RATIO_ONE       1024ull
#define RATIO_MAX       (64 * RATIO_ONE) /* 64 bytes marked per byte allocated: beyond that
                                            assisting is no better than a stop of the world */

static uint64_t sub_sat(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

/* a * num / den without overflow. */
static uint64_t scale(uint64_t a, uint64_t num, uint64_t den)
{
    return (uint64_t)((unsigned __int128)a * num / den);
}

static uint64_t goal_of_percent(const struct pacer_in *in)
{
    if (in->percent < 0)
        return PACER_NEVER;
    uint64_t percent = (uint64_t)in->percent;
    uint64_t goal = in->marked + scale(in->marked + in->roots, percent, 100);
    uint64_t least = scale(MIN_HEAP, percent, 100);
    return goal > least ? goal : least;
}

/* What the limit leaves for objects, with a little room for being late: 3 %, at least 1 MiB.
 * Always some way above what lives: past the limit one cycle follows the other, and who allocates
 * at the goal waits for the end of marking. pacer_limiter_add says when that costs too much. */
static uint64_t goal_of_limit(const struct pacer_in *in)
{
    if (in->limit == INT64_MAX)
        return PACER_NEVER;
    uint64_t room = sub_sat((uint64_t)in->limit, in->overhead);
    uint64_t slack = room / 32 > (1 << 20) ? room / 32 : 1 << 20;
    room = sub_sat(room, slack);
    return room > in->marked + STEP_MIN ? room : in->marked + STEP_MIN;
}

void pacer_limiter_add(struct pacer_limiter *l, uint64_t gc_ns, uint64_t program_ns,
                       uint32_t procs)
{
    uint64_t full = PACER_LIMITER_NS * procs, fill = l->fill_ns + gc_ns;

    fill = sub_sat(fill, program_ns);
    l->fill_ns = fill < full ? fill : full;
    l->limiting = fill >= full;
}

struct pacer_out pacer_compute(const struct pacer_in *in)
{
    uint64_t a = goal_of_percent(in), b = goal_of_limit(in);
    struct pacer_out out = { a < b ? a : b, PACER_NEVER };

    if (out.goal == PACER_NEVER)
        return out;
    uint64_t way = sub_sat(out.goal, in->marked);
    uint64_t early = in->marked + scale(way, 70, 100), late = in->marked + scale(way, 95, 100);
    uint64_t by_runway = sub_sat(out.goal, in->runway + in->runway / 10);
    /* Small heaps: between two collections there is always something. */
    if (way < (512 << 10))
        late = early = in->marked + (way > (64 << 10) ? way : 64 << 10);
    out.trigger = by_runway < early ? early : by_runway > late ? late : by_runway;
    return out;
}

uint64_t pacer_assist_ratio(uint64_t scan_left, uint64_t live, uint64_t goal)
{
    uint64_t room = sub_sat(goal, live);

    if (goal == PACER_NEVER)
        return RATIO_ONE;
    if (scan_left < 4096)
        scan_left = 4096;
    if (room < 4096)
        return RATIO_MAX;
    uint64_t ratio = scale(scan_left, RATIO_ONE, room);
    return ratio > RATIO_MAX ? RATIO_MAX : ratio ? ratio : 1;
}

struct pacer_workers pacer_workers(uint32_t procs)
{
    uint32_t dedicated = (procs + 2) / 4; /* procs / 4, to the nearest */
    uint32_t low = 7 * procs, high = 13 * procs, is = 40 * dedicated; /* in 1/40 CPU */

    if (is >= low && is <= high)
        return (struct pacer_workers){ dedicated, 0 };
    dedicated -= is > 10 * procs;
    return (struct pacer_workers){ dedicated, 1024 / 4 - 1024 * dedicated / procs };
}
